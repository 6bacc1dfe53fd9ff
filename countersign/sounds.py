"""Decides which words of a list were meant by words that the recognizer was not sure of."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from countersign.transcript import Doubt, Word

# The ways to say something, in signs of sound, each with whether letters are spelled in it.
_Said = tuple[tuple[str, bool], ...]

SOUND_ALIKE = "sound_alike_medication"
CORRECTED = "corrected_term"

# All tuned on half of the voices of 190 spoken clinical terms, measured on the other half
# (docs/speech.md).
# A word is doubtful below this probability: a term may be looked for there.
DOUBTFUL = 0.75
# A word that was recognized with confidence is never changed.
CONFIDENT = 0.9
# Distances are shares of all the sound that is there: 0 the same, 1 nothing in common.
_NEAR = 0.4
_NEAR_SHORT = 0.3
_SAME = 0.3
# What was heard nearly with confidence was heard nearly right.
_NEARLY_SURE = 0.15
# A term of few sounds is like many things, and a spelled one is hardly ever misheard by much.
_SAME_SHORT = 0.25
_SHORT = 18
# A word of fewer sounds than three consonants is not looked for: "GAD" said as a word is "good".
_FEWEST = 9
# Two medications fit about as well when the second is farther off by less than this.
_AS_WELL = 0.1
# Two names whose sounds are nearer than this are taken for one another.
_ALIKE = 0.2
# A word that is nearer than this to a medication is one, whatever its spelling.
_MISSPELT = 0.12
# Spoken letters come one a word: "C S S R S"; a long name in pieces: "her so so dapping".
_MOST_WORDS = 5
# Words with a longer pause between them are not one, seconds.
_PAUSE = 0.6

# Spelling to sound, in order, one sign for one sound. After Philips's Metaphone (1990), with the
# vowels kept: drug names differ by them, and letters are told apart by little else.
_SPELLING: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^(?:kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^ps", "s"),
        (r"^x", "z"),
        (r"wh", "w"),
        (r"mb$", "m"),
        (r"ph", "f"),
        (r"tch|ch(?![lr])", "C"),
        (r"ch", "k"),
        (r"sch|sh", "S"),
        (r"[ts]io(?=n)", "S"),
        (r"ci(?=[aou])|ti(?=al|ous|ent|an$)", "S"),
        (r"th", "T"),
        (r"igh", "i"),
        (r"gh(?=[aeiou])", "g"),
        (r"gh", ""),
        (r"dg(?=[eiy])", "J"),
        (r"j", "J"),
        (r"g(?=[eiy])", "J"),
        (r"sc(?=[eiy])", "s"),
        (r"ck|c(?![eiyh])", "k"),
        (r"c", "s"),
        (r"qu", "kw"),
        (r"q", "k"),
        (r"x", "ks"),
        (r"(?<=[bcdfgklmnprstvwzSTJC])e$", ""),
        (r"(?<=[bcdfgklmnprstvwzSTJC])es$", "s"),
        (r"ee|ea|ie(?!t)|ei", "i"),
        (r"oo|ou|ue|ew|eu", "u"),
        (r"ai|ay|ey", "e"),
        (r"oa|ow|au|aw", "o"),
        (r"^y", "Y"),
        (r"y(?=[aeou])", "Y"),
        (r"y", "i"),
        (r"(?<=[aeiou])h", ""),
        (r"(.)\1+", r"\1"),
    )
)
_LETTERS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            "e bi si di i ef Ji eC ai Je ke el em en o pi kYu ar es ti Yu vi dobulYu eks wai zi"
        ).split(),
        strict=True,
    )
)
_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
_IRREGULAR = {
    "one": "won", "two": "tu", "four": "for", "eight": "et", "are": "ar", "you": "Yu", "why": "wai",
    "be": "bi", "see": "si", "sea": "si", "tea": "ti", "pea": "pi", "eye": "ai", "i": "ai",
    "the": "do", "of": "ov", "oh": "o", "owe": "o", "to": "tu", "a": "o", "he": "hi", "she": "Si",
    "we": "wi", "me": "mi", "is": "iz", "was": "woz",
}  # fmt: skip

# Each sound is written with as many signs as it weighs, so that counting edits weighs them: a
# consonant that is missing costs three, one taken for another of its group (the confusions in
# noise of Miller and Nicely, 1955) costs one, and so does a vowel, whichever way it is wrong.
_GROUPS = ("pb", "tdT", "kg", "fv", "szSCJ", "mn")
_SIGNS = str.maketrans(
    {sound: f"{group[0].upper()}{group[0].upper()}{sound}" for group in _GROUPS for sound in group}
    | {"l": "Ll", "r": "Lr", "h": "h", "w": "w", "Y": "i"}
)

_TOKEN = re.compile(r"[A-Za-z]+|\d+")
_EDGES = re.compile(r"^(\W*)(.*?)((?:['\u2019]s)?\W*)$", re.DOTALL)
# Not the dot after a single letter: "E. M. D. R."
_SENTENCE_END = re.compile(r"(?:\w{2}|\W)[.?!]+\W*$")


@dataclass(frozen=True)
class Corrected:
    """The words with terms of the list in the place of what they were heard as."""

    words: tuple[Word, ...]
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True)
class _Fit:
    """How far the words `[first, last)` are from an entry of the list."""

    distance: float
    entry: int
    first: int
    last: int


class Sounds:
    """A list of terms, most used first, made ready to be looked for by sound.

    `drugs` are all medications that are known: what was heard as one of them is never taken for
    another word, and nothing is written where one fits about as well. Those that are not among
    the terms are never written. Built once, it holds nothing of a session.
    """

    def __init__(self, terms: Sequence[str], drugs: Iterable[str] = ()) -> None:
        entries: dict[str, str] = {}
        for term in terms:
            entries.setdefault(_key(term), term)
        written = len(entries)
        medications = frozenset(map(_key, named := tuple(drugs)))
        for drug in named:
            entries.setdefault(_key(drug), drug)
        self._entries = tuple(entries.values())
        self._keys = tuple(entries)
        self._known = frozenset(entry.casefold() for entry in self._entries)
        self._drugs = medications
        self._terms = _Forms(self._entries, range(written))
        self._others = _Forms(self._entries, range(written, len(entries)))

    def near(self, words: Sequence[Word]) -> tuple[str, ...]:
        """The terms that some stretch with a doubtful word sounds like, the most alike first.

        They are to be told to the recognizer when it hears that stretch again: not to be written.
        """
        best: dict[int, float] = {}
        for _, _, said, least in self._stretches(words, frozenset()):
            limit = _NEAR if least < DOUBTFUL else _NEARLY_SURE
            for entry, distance in self._terms.within(said, limit).items():
                if distance <= self._terms.limit(entry, _NEAR_SHORT, _NEAR):
                    best[entry] = min(best.get(entry, 1.0), distance)
        order = sorted(best, key=lambda entry: (best[entry], entry))
        return tuple(self._entries[entry] for entry in order)

    def alike(self, heard: str) -> tuple[str, ...]:
        """The medications other than `heard` that sound nearly the same, the most alike first.

        A word that is no medication has to be nearer to one than two medications to each other.
        """
        said = _said(bare(heard))
        limit = _ALIKE if _key(heard) in self._drugs else _MISSPELT
        found = self._terms.within(said, limit) | self._others.within(said, limit)
        return tuple(
            self._entries[entry]
            for entry in sorted(found, key=lambda entry: (found[entry], entry))
            if self._keys[entry] in self._drugs and self._keys[entry] != _key(heard)
        )

    def correct(self, words: Sequence[Word]) -> Corrected:
        """The words with terms in the place of doubtful words that sound like them.

        No word changes that is a term or a medication itself, nor one that was recognized with
        confidence. Where a medication fits and another entry about as well, or the reverse, the
        words stay as heard, and a doubt gives what they were heard as, then what fits. Each
        replacement has a doubt: the new words, then the old.
        """
        found: list[tuple[_Fit, tuple[int, ...]]] = []
        for first, last, said, least in self._stretches(words, self._fixed(words)):
            limit = _SAME if least < DOUBTFUL else _NEARLY_SURE
            fits = self._terms.within(said, limit)
            best = min(fits, key=lambda entry: (fits[entry], entry), default=None)
            if best is None or fits[best] > self._terms.limit(best, _SAME_SHORT, _SAME):
                continue
            fits = self._terms.within(said, fits[best] + _AS_WELL) | self._others.within(
                said, fits[best] + _AS_WELL
            )
            found.append((_Fit(fits[best], best, first, last), self._rivals(best, fits)))
        found.sort(key=lambda item: (round(item[0].distance, 2), item[0].first - item[0].last))
        taken: set[int] = set()
        changes: dict[int, tuple[int, Word]] = {}
        doubts = []
        for fit, rivals in found:
            if taken & set(range(fit.first, fit.last)):
                continue
            taken.update(range(fit.first, fit.last))
            term = self._entries[fit.entry]
            stretch = words[fit.first : fit.last]
            heard = " ".join("".join(word.text for word in stretch).split()).strip(" .,;:?!")
            if rivals:
                code = SOUND_ALIKE
                candidates = (heard, term, *(self._entries[rival] for rival in rivals))
            else:
                opens = not fit.first or _ends(words[fit.first - 1].text)
                changes[fit.first] = (fit.last, _replaced(stretch, term, opens))
                code, candidates = CORRECTED, (term, heard)
            doubts.append(
                Doubt(code=code, start=stretch[0].start, end=stretch[-1].end, candidates=candidates)
            )
        result = []
        index = 0
        while index < len(words):
            index, word = changes.get(index, (index + 1, words[index]))
            result.append(word)
        return Corrected(tuple(result), tuple(sorted(doubts, key=lambda doubt: doubt.start)))

    def _rivals(self, best: int, fits: dict[int, float]) -> tuple[int, ...]:
        """The entries between which and the best only a human should choose."""
        drug = self._keys[best] in self._drugs
        return tuple(
            entry
            for entry in sorted(fits, key=lambda entry: (fits[entry], entry))
            if entry != best and (drug or self._keys[entry] in self._drugs)
        )

    def _fixed(self, words: Sequence[Word]) -> frozenset[int]:
        """The words that do not change: certain ones, and those that make up an entry already."""
        fixed = {index for index, word in enumerate(words) if word.probability >= CONFIDENT}
        for first in range(len(words)):
            for last in range(first + 1, min(first + _MOST_WORDS, len(words)) + 1):
                if _plain(words[first:last]) in self._known:
                    fixed.update(range(first, last))
        return frozenset(fixed)

    def _stretches(
        self, words: Sequence[Word], fixed: frozenset[int]
    ) -> Iterator[tuple[int, int, _Said, float]]:
        """Words `[first, last)` with a doubtful and no fixed one, as sounds, and how doubtful."""
        known: dict[str, str] = {}
        for first in range(len(words)):
            least = 1.0
            heard = ""
            for last in range(first, min(first + _MOST_WORDS, len(words))):
                word = words[last]
                if last in fixed or not _key(word.text):
                    break
                if last > first:
                    before = words[last - 1]
                    if word.start - before.end > _PAUSE or _ends(before.text):
                        break
                least = min(least, word.probability)
                heard = f"{heard} {bare(word.text)}"
                if least < CONFIDENT:
                    yield first, last + 1, _said(heard, known), least


class _Forms:
    """Entries of a list by how they are said, in the order of how much sound that is."""

    def __init__(self, entries: Sequence[str], which: Iterable[int]) -> None:
        self._least: dict[int, int] = {}
        self._numbered = frozenset(entry for entry in which if re.search(r"\d", entries[entry]))
        tables: dict[bool, list[tuple[str, int]]] = {True: [], False: []}
        for entry in which:
            for signs, spelled in _said(entries[entry]):
                if not spelled and len(signs) < _FEWEST:
                    continue
                tables[spelled].append((signs, entry))
                self._least[entry] = min(self._least.get(entry, len(signs)), len(signs))
        self._tables = {
            spelled: _Table(sorted(forms, key=lambda form: len(form[0])))
            for spelled, forms in tables.items()
        }

    def limit(self, entry: int, short: float, long: float) -> float:
        """The one or the other, by whether the entry has few sounds.

        A number in an entry is said like any other number: there, the rest has to fit well.
        """
        if entry in self._numbered:
            return short / 2
        return short if self._least.get(entry, 0) < _SHORT else long

    def within(self, said: _Said, limit: float) -> dict[int, float]:
        """The entries no farther than `limit` from what was said, with how far they are."""
        found: dict[int, float] = {}
        for signs, spelled in said:
            # Letters are only found in what was heard, at least in part, as letters.
            for letters in (False, True) if spelled else (False,):
                for entry, distance in self._tables[letters].within(signs, limit):
                    found[entry] = min(found.get(entry, 1.0), distance)
        return found


class _Table:
    """Lines of signs, the shortest first, each with its entry."""

    def __init__(self, forms: Sequence[tuple[str, int]]) -> None:
        self._signs = [signs for signs, _ in forms]
        self._entries = [entry for _, entry in forms]
        self._lengths = [len(signs) for signs in self._signs]

    def within(self, signs: str, limit: float) -> Iterator[tuple[int, float]]:
        first = bisect_left(self._lengths, len(signs) * (1 - limit))
        last = bisect_right(self._lengths, len(signs) / (1 - limit))
        for _, distance, place in process.extract(
            signs,
            self._signs[first:last],
            scorer=Levenshtein.normalized_distance,
            score_cutoff=limit,
            limit=None,
        ):
            yield self._entries[first + place], float(distance)


def _replaced(words: Sequence[Word], term: str, opening: bool) -> Word:
    """`term` in the place of the words, with what stood before and after the letters."""
    lead, said, _ = _split(words[0].text)
    trail = _split(words[-1].text)[2]
    if opening and said[:1].isupper() and term.islower():
        term = term[:1].upper() + term[1:]
    return Word(
        start=words[0].start,
        end=words[-1].end,
        text=f"{lead}{term}{trail}",
        probability=min(word.probability for word in words),
    )


def _split(text: str) -> tuple[str, str, str]:
    found = _EDGES.match(text)
    return (found[1], found[2], found[3]) if found else ("", text, "")


def bare(text: str) -> str:
    """The word without what stands around its letters, and without a possessive s."""
    return _split(text)[1]


def _tokens(text: str) -> list[str]:
    """Words and numbers, without accents: a recognizer of English writes none."""
    return _TOKEN.findall("".join(map(_unaccented, text)) if not text.isascii() else text)


def _unaccented(letter: str) -> str:
    return unicodedata.normalize("NFKD", letter)[:1]


def _ends(text: str) -> bool:
    """Whether a sentence ends with this word."""
    return bool(_SENTENCE_END.search(text))


def _plain(words: Sequence[Word]) -> str:
    """What the words say, as it is written, without what stands around it."""
    return bare("".join(word.text for word in words)).casefold()


def _key(text: str) -> str:
    return "".join(_tokens(bare(text))).casefold()


# Sound --------------------------------------------------------------------------------------


def _said(text: str, known: dict[str, str] | None = None) -> _Said:
    """How a text is said; `known` keeps the sounds of its words for the next text.

    Only for one call of the caller: what a session said does not stay in memory.
    """
    known = {} if known is None else known
    tokens = _tokens(text)
    for token in tokens:
        if token not in known:
            known[token] = _word(token)
    letters = "".join(_letters(token) if _spells(token) else known[token] for token in tokens)
    spelled = any(_spells(token) and token not in ("I", "A") for token in tokens)
    ways = [(_signs(letters), spelled)]
    # Such as "GAD": read as a word or as letters.
    if any(_spells(token) and (not spelled or _speakable(token)) for token in tokens):
        ways.append((_signs("".join(known[token] for token in tokens)), False))
    return tuple(dict.fromkeys((signs, letters) for signs, letters in ways if signs))


def _spells(token: str) -> bool:
    return token.isupper() and len(token) <= 6


def _speakable(token: str) -> bool:
    return len(token) > 2 and bool(re.match(r"[^AEIOU]?[AEIOU]", token))


def _letters(token: str) -> str:
    return "".join(_LETTERS[letter] for letter in token.lower())


def _word(token: str) -> str:
    if token.isdecimal():
        number = int(token) if len(token) < 3 else len(_NUMBERS)
        names = (
            [_NUMBERS[number]]
            if number < len(_NUMBERS)
            else [_NUMBERS[int(digit)] for digit in token]
        )
        return "".join(_word(name) for name in names)
    text = token.casefold()
    if text in _IRREGULAR:
        return _IRREGULAR[text]
    for pattern, sound in _SPELLING:
        text = pattern.sub(sound, text)
    return text


def pronounced(text: str) -> tuple[str, ...]:
    """The ways to say a text, in signs: the fewer edits between two, the more alike they sound."""
    return tuple(signs for signs, _ in _said(text))


def _signs(sounds: str) -> str:
    return re.sub(r"(.)\1+", r"\1", sounds).translate(_SIGNS)
