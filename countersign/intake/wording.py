"""Decides which plain words a written token stands for, however it is spelled or disguised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘´`ʼ＇", "'"))  # noqa: RUF001
_LEET = (
    str.maketrans("013457@$!|+8", "oieastasiltb"),
    str.maketrans("013457@$!|+8", "oleastaslltb"),
)
_DISGUISED = re.compile(r"[0-9@$!|+]")
_MASKS = re.compile(r"[*#_]+")
_ENDINGS = (("'ll", "will"), ("'d", "would"), ("'ve", "have"), ("'re", "are"))
# Characters that show nothing: combining marks, soft hyphens, zero-width signs.
INVISIBLE = "\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufeff"
_UNSEEN = re.compile(f"[{INVISIBLE}]+")
# Cyrillic and Greek letters that look like Latin ones.
_LOOKALIKES = dict(
    zip(
        "\u0430\u0435\u0456\u043e\u0440\u0441\u0443\u0445\u0455\u04bb\u03bf\u03b1\u03b9",
        "aeiopcyxshoai",
        strict=True,
    )
)
_IS_BEFORE_S = frozenset("he she it that who what there here how where".split())
_LONGEST_SEARCHED = 400  # characters; a longer unbroken run is not writing
_CACHED = 60_000  # spellings remembered; enough for a year of a clinic's forms
_VOWELS = "aeiou"


def fold(text: str) -> str:
    """Lower case without accents, of the same length in characters as `text`."""
    if text.isascii():
        return text.lower()
    return "".join(_plain(char) for char in text.translate(_APOSTROPHES))


def _plain(char: str) -> str:
    if char.isascii():
        return char.lower()
    if char.lower() in _LOOKALIKES:
        return _LOOKALIKES[char.lower()]
    # Compatibility forms hide words too: full-width and mathematical letters read as plain ones.
    first = unicodedata.normalize("NFKD", char)[:1].lower()[:1]
    return first or char


class Spelling:
    """From a folded token to plain words: contractions, slang, elongation, leet, slips, joins.

    `vocabulary` is every word that a rule names, `core` the telling ones whose misspellings are
    sought, `expansions` one written form to several words, `known` ordinary words that are one
    slip away from a telling one and must be left alone, `pieces` what is looked for in words that
    were written together, `consonants` the long words that are known by those alone.
    """

    def __init__(
        self,
        vocabulary: Iterable[str],
        core: Iterable[str],
        expansions: Mapping[str, str],
        known: Iterable[str],
        pieces: Iterable[str],
        consonants: Iterable[str],
    ) -> None:
        self._expansions = {key: tuple(value.split()) for key, value in expansions.items()}
        self._vocabulary = frozenset(vocabulary)
        self._core = frozenset(core)
        self._known = frozenset(known)
        self._slips = self._slip_table()
        self._squeezed = {_squeeze(word): word for word in sorted(self._core, reverse=True)}
        self._pieces = frozenset(pieces) | self._core
        self._lengths = sorted({len(word) for word in self._pieces}, reverse=True)
        # Vowels carry little in long words; "sucidial" keeps every consonant of "suicidal".
        self._skeletons = {_skeleton(word): word for word in sorted(consonants)}
        self._masked = tuple(sorted(word for word in self._pieces if len(word) > 2))
        self._cache: dict[str, tuple[str, ...]] = {}

    def words(self, token: str) -> tuple[str, ...]:
        """The plain words that a folded token stands for; itself when nothing is known of it."""
        found = self._cache.get(token)
        if found is None:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            found = self._cache[token] = self._read(token)
        return found

    def joins(self, left: str, right: str) -> str | None:
        """The telling word that two fragments make when a space was put into it."""
        both = left + right
        if both in self._core and not (left in self._vocabulary and right in self._vocabulary):
            return both
        return None

    def _read(self, token: str) -> tuple[str, ...]:
        if len(token) > _LONGEST_SEARCHED:
            return (token,)
        if not token.isascii():
            token = _UNSEEN.sub("", token)
        token = token.rstrip("!|+*#_'") or token
        if token in self._expansions:
            return self._expansions[token]
        if "'" in token:
            return self._contraction(token)
        return self._known_form(token) or self._guess(token) or (token,)

    def _contraction(self, token: str) -> tuple[str, ...]:
        for ending, word in _ENDINGS:
            if token.endswith(ending) and len(token) > len(ending):
                return (*self.words(token[: -len(ending)]), word)
        if token.endswith("n't"):
            return (*self.words(token[:-3]), "not")
        if token.endswith("'m"):
            return (*self.words(token[:-2]), "am")
        if token.endswith("'s"):
            head = token[:-2]
            return (head, "is") if head in _IS_BEFORE_S else self.words(head) if head else ()
        return self.words(token.replace("'", ""))

    def _known_form(self, token: str) -> tuple[str, ...] | None:
        if token in self._expansions:
            return self._expansions[token]
        if token in self._vocabulary or token in self._known:
            return (token,)
        return None

    def _guess(self, token: str) -> tuple[str, ...] | None:
        for candidate in self._candidates(token):
            known = self._known_form(candidate)
            if known:
                return known
            if candidate in self._slips:
                return (self._slips[candidate],)
        if (word := self._by_skeleton(token)) is not None:
            return (word,)
        if _MASKS.search(token[1:]):
            return self._unmask(token)
        if re.search(r"(.)\1\1", token):
            squeezed = self._squeezed.get(_squeeze(token))
            if squeezed:
                return (squeezed,)
        return self._segment(token) if len(token) >= 7 else None

    def _candidates(self, token: str) -> list[str]:
        forms = [token]
        if _DISGUISED.search(token) and any(char.isalpha() for char in token):
            forms += [token.translate(table) for table in _LEET]
            forms.append(token.replace("2", "to").replace("4", "for"))
        for form in tuple(forms):
            forms.append(re.sub(r"(.)\1{2,}", r"\1\1", form))
            forms.append(re.sub(r"(.)\1{2,}", r"\1", form))
        return list(dict.fromkeys(forms))

    def _by_skeleton(self, token: str) -> str | None:
        """A long telling word whose vowels alone, or doubled letters, went wrong."""
        word = self._skeletons.get(_skeleton(token)) if len(token) > 5 else None
        return word if word is not None and abs(len(word) - len(token)) < 3 else None

    def _unmask(self, token: str) -> tuple[str, ...] | None:
        parts = [re.escape(part) for part in _MASKS.split(token)]
        shape = re.compile("[a-z]{0,4}".join(parts))
        for word in self._masked:
            if len(word) <= len(token) + 1 and shape.fullmatch(word):
                return (word,)
        return None

    def _segment(self, token: str) -> tuple[str, ...] | None:
        """Words written together: four of them, or fewer with a telling one among them."""
        best: list[tuple[str, ...] | None] = [()] + [None] * len(token)
        for end in range(1, len(token) + 1):
            for length in self._lengths:
                before = best[end - length] if length <= end else None
                piece = token[end - length : end] if before is not None else ""
                if before is None or (length == 1 and piece not in "iayo"):
                    continue
                if piece in self._pieces:
                    parts = (*before, piece)
                    known = best[end]
                    if known is None or len(parts) < len(known):
                        best[end] = parts
        pieces = best[-1]
        if not pieces or len(pieces) < 2:
            return None
        telling = self._core.union(("die", "dead", "end"))
        if len(pieces) < 4 and telling.isdisjoint(pieces):
            return None
        if len(pieces) == 2 and not {"myself", "yourself", "wanna"}.intersection(pieces):
            return None
        return tuple(word for piece in pieces for word in self.words(piece))

    def _slip_table(self) -> dict[str, str]:
        taken = self._vocabulary | self._known | self._expansions.keys()
        table: dict[str, str] = {}
        for word in sorted(self._core):
            for slip in _slips(word):
                if slip not in taken:
                    table.setdefault(slip, word)
        return table


def _squeeze(word: str) -> str:
    return re.sub(r"(.)\1+", r"\1", word)


def _skeleton(word: str) -> str:
    return word[:1] + re.sub(r"[aeiou]", "", _squeeze(word[1:]))


def _slips(word: str) -> Iterable[str]:
    """One-slip misspellings: a letter left out, two swapped, a vowel changed, one doubled.

    The first letter stays. In words of eight letters and more any one letter may be wrong, and two
    vowels may be.
    """
    size = len(word)
    if size < 4:
        return
    for at in range(1, size):
        if size > 4 or at < size - 1:
            yield word[:at] + word[at + 1 :]
        if at + 1 < size:
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if size > 4:
            yield word[:at] + word[at] + word[at:]
        if size > 5 and word[at] in _VOWELS:
            for vowel in _VOWELS:
                changed = word[:at] + vowel + word[at + 1 :]
                yield changed
                if size > 6:
                    for other in range(at + 1, size):
                        yield changed[:other] + changed[other + 1 :]
                        if word[other] in _VOWELS:
                            yield from (
                                changed[:other] + second + changed[other + 1 :]
                                for second in _VOWELS
                            )
        if size > 7:
            for letter in "abcdefghijklmnopqrstuvwxyz":
                yield word[:at] + letter + word[at + 1 :]
                yield word[:at] + letter + word[at:]
