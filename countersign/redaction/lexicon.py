"""Decides what a word may be: a name, a place, an ordinary word, or several of these."""

from __future__ import annotations

from countersign.redaction.policy import (
    ALLOWED,
    CLOSED,
    FAMILY,
    GIVEN,
    KEPT,
    NAMELIKE,
    PHRASE_START,
    WORD,
    Phrases,
    Policy,
)
from countersign.redaction.text import Document
from countersign.redaction.written import reread


class Lexicon:
    """The policy's word lists, with inflected, compound and lengthened forms of plain words."""

    def __init__(self, policy: Policy) -> None:
        self._flags = policy.flags
        self._endings = policy.medication_endings
        self._allowed = policy.allowed
        self._kept = policy.kept
        self._inflections: dict[str, int] = {}

    def flag(self, word: str) -> int:
        """The bits of `policy` for a folded word; an inflection of a plain word is a plain word."""
        flag = self._flags.get(word)
        if flag is not None:
            return flag
        if word[0].isdecimal():
            return WORD | CLOSED
        known = self._inflections.get(word)
        if known is None:
            known = WORD if self._inflected(word) else 0
            if len(word) > 6 and word.endswith(self._endings):
                known = WORD | ALLOWED
            if len(self._inflections) < 100_000:
                self._inflections[word] = known
        return known

    def _inflected(self, word: str) -> bool:
        """Whether an unknown word is a plural, a compound or a lengthened form of a plain one."""
        get = self._flags.get
        for suffix, puts in (
            ("s", ""),
            ("es", ""),
            ("ed", ""),
            ("ing", ""),
            ("ing", "e"),
            ("d", ""),
            ("ly", ""),
            ("er", ""),
            ("ers", ""),
            ("ness", ""),
            ("less", ""),
            ("ish", ""),
            ("y", ""),
            ("in", "ing"),
            ("able", ""),
            ("ies", "y"),
            ("ful", ""),
            ("ize", ""),
            ("ized", ""),
            ("izing", ""),
        ):
            if word.endswith(suffix) and len(word) > len(suffix) + 2:
                stem = word[: -len(suffix)] + puts
                flag = get(stem, 0)
                if flag & (WORD | ALLOWED) and not flag & NAMELIKE:
                    return True
                if len(stem) > 3 and stem[-1] == stem[-2] and get(stem[:-1], 0) & WORD:
                    return True
        for prefix in (
            "un",
            "re",
            "non",
            "over",
            "under",
            "pre",
            "anti",
            "self",
            "hyper",
            "mis",
            "dis",
            "psycho",
            "neuro",
            "co",
            "de",
            "out",
            "inter",
            "super",
        ):
            if (
                word.startswith(prefix)
                and get(word[len(prefix) :], 0) & WORD
                and len(word) > len(prefix) + 3
            ):
                return True
        for cut in range(4, len(word) - 3):
            if get(word[:cut], 0) & WORD and get(word[cut:], 0) & WORD:
                head, tail = get(word[:cut], 0), get(word[cut:], 0)
                if not (head | tail) & (GIVEN | FAMILY):
                    return True
        return False

    def flags(self, document: Document) -> list[int]:
        """The bits for each word of a text, as it is written there: see `written.reread`."""
        return reread(document, [self.flag(word) for word in document.words])

    def untouchable(self, words: list[str], flags: list[int]) -> set[int]:
        """Words inside an allowed phrase or a state's or country's name."""
        skip: set[int] = set()
        for index, flag in enumerate(flags):
            if flag & PHRASE_START:
                size = phrase_at(self._allowed, words, index)
                skip.update(range(index, index + size))
            if flag & KEPT and index not in skip:
                size = phrase_at(self._kept, words, index)
                skip.update(range(index, index + size))
        return skip


def phrase_at(table: Phrases, words: list[str], index: int) -> int:
    """How many words the longest phrase of `table` at `index` has, or 0."""
    for phrase in table.get(words[index], ()):
        if tuple(words[index : index + len(phrase)]) == phrase:
            return len(phrase)
    return 0
