"""Decides what counts as a word of a text, and how two spellings of a word become one."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property

# A word keeps an inner apostrophe (o'brien) but gives away a possessive (sarah's).
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019](?![sS]\b)[^\W\d_]+)*|\d+")
_JOIN = re.compile(r"[^\S\n]+|[^\S\n]*[-\u2010\u2011][^\S\n]*")
_HARD = re.compile(r"[.!?;:\n…]")
_SHORT = frozenset({"dr", "mr", "mrs", "ms", "prof", "st"})
# Letters that Unicode does not take apart.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "ß": "ss",
        "đ": "d",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
        "'": "",
        "\u2019": "",
    }
)


def fold(word: str) -> str:
    """`word` in lower case without accents and apostrophes: `D'Angeló` becomes `dangelo`.

    Digits of any script become 0 to 9.
    """
    low = word.lower()
    if low.isascii():
        return low.replace("'", "") if "'" in low else low
    if low.isdecimal():
        return "".join(str(unicodedata.decimal(char)) for char in low)
    apart = unicodedata.normalize("NFKD", low.translate(_LETTERS))
    return "".join(char for char in apart if char.isalpha()) or low


def folded_words(text: str) -> tuple[str, ...]:
    """The folded words and digit groups of `text`, in order."""
    return tuple(fold(match.group()) for match in _TOKEN.finditer(text))


@dataclass(frozen=True)
class Document:
    """One text as parallel lists over its words and digit groups.

    `words[i]` is the folded form of `text[starts[i]:ends[i]]`, `seps[i]` what stands before it,
    and `before` the folded words that were said just before this text began.
    """

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]
    seps: list[str]
    before: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, text: str, before: tuple[str, ...] = ()) -> Document:
        """The words of `text`, with exact character positions."""
        words: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        seps: list[str] = []
        end = 0
        for match in _TOKEN.finditer(text):
            start = match.start()
            seps.append(text[end:start])
            end = match.end()
            words.append(fold(match.group()))
            starts.append(start)
            ends.append(end)
        return cls(text, words, starts, ends, seps, before)

    def __len__(self) -> int:
        return len(self.words)

    def word(self, index: int) -> str:
        """The folded word at `index`, or nothing outside the text."""
        return self.words[index] if 0 <= index < len(self.words) else ""

    def broken(self, index: int) -> bool:
        """Whether a sentence or a line ends just before word `index`, or the text does."""
        if index <= 0 or index >= len(self.words):
            return True
        sep = self.seps[index]
        if sep == " " or _HARD.search(sep) is None:
            return False
        # The full stop of an initial or of a title ends no sentence.
        short = sep in (". ", ".") and (
            self.words[index - 1] in _SHORT
            or (
                self.ends[index - 1] - self.starts[index - 1] == 1
                and self.text[self.starts[index - 1]].isupper()
            )
        )
        return not short

    def joined(self, index: int) -> bool:
        """Whether word `index` follows the one before it with a space or a hyphen between."""
        if not 0 < index < len(self.words):
            return False
        sep = self.seps[index]
        return sep == " " or _JOIN.fullmatch(sep) is not None

    def capital(self, index: int) -> bool:
        """Whether word `index` is written with a capital that means something.

        In a text that is all capitals, or has a capital on most words, a capital means nothing.
        """
        return self.cased and self.text[self.starts[index]].isupper()

    def upper(self, index: int) -> bool:
        """Whether word `index` is written with a capital, whether or not it means something."""
        return self.text[self.starts[index]].isupper()

    @cached_property
    def cased(self) -> bool:
        """Whether capitals in this text carry meaning."""
        upper = 0
        letters = 0
        text = self.text
        for start in self.starts:
            char = text[start]
            if char.isalpha():
                letters += 1
                upper += char.isupper()
        return 0 < upper and (upper <= 0.85 * letters or letters <= 3) and not text.isupper()

    def left(self, index: int, count: int) -> list[str]:
        """Up to `count` folded words before `index`, reaching into what was said before."""
        own = self.words[max(0, index - count) : index]
        missing = count - len(own)
        if missing > 0 and self.before:
            return [*self.before[-missing:], *own]
        return own

    def at(self, start: int) -> int:
        """The index of the first word that starts at or after character `start`."""
        return bisect_left(self.starts, start)
