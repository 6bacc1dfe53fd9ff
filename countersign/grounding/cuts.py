"""Decides whether a quotation was cut out of its sentence so that it says something else."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.grounding.words import CLAUSE_END, FILLERS, NEGATIONS, Token, said_spans
from countersign.note import Severity

# Words that make what follows less than sure, or past.
HEDGES = frozenset(
    """
        hardly barely rarely seldom scarcely maybe perhaps if unless whether might wonder
        wondering almost nearly stopped quit
    """.split()
)
_CONDITIONS = frozenset("if unless".split())
# After a comma, these begin a clause of its own that a "no" before it does not reach.
_SUBJECTS = frozenset(
    """
        i i'm i've i'll i'd my it it's its he he's she she's we we're they they're you you're
        the this that that's these there there's and so just but because
    """.split()
)
# "I don't think I want to die": what somebody does not think is not said at all.
_OPINIONS = frozenset("think feel mean say saying said want wish guess suppose like".split())
_AFTER = frozenset("not n't never nothing nobody none neither".split())
# Our own choice: words between a negation and the quotation up to which it surely negates.
_NEAR = 3
_REACH = 10


def cut(text: str, tokens: Sequence[Token], start: int, end: int) -> Severity | None:
    """How gravely quoting `text[start:end]` alone may change what was said; None for not at all.

    `tokens` are those of the whole `text`. Blocks a negation left out directly before the quoted
    words; asks for review of one that is farther away or behind a comma, of a left out "if" or
    "maybe", and of a "not" left out directly after.
    """
    first = next((i for i, token in enumerate(tokens) if token.end > start), None)
    if first is None:
        return None
    low = max((s for s, _ in said_spans(text) if s <= start), default=0)
    return _before(text, tokens, first, low) or _after(text, tokens, end)


def _before(text: str, tokens: Sequence[Token], first: int, low: int) -> Severity | None:
    own = tokens[first].text in _SUBJECTS
    apart = own or tokens[first].text in NEGATIONS
    between: set[str] = set()
    comma = False
    far = 0
    for index in range(first - 1, -1, -1):
        token = tokens[index]
        gap = text[token.end : tokens[index + 1].start]
        ended = any(mark in gap for mark in ".!?\u2026") and tokens[index + 1].raw[:1].isupper()
        if token.start < low or any(m in gap for m in ":;") or ended or token.text in CLAUSE_END:
            return None
        comma = comma or bool(set(gap) & set(",.!?\u2026-\u2013\u2014"))
        reached = far < _NEAR and not comma
        if token.text in _CONDITIONS:
            return Severity.REVIEW
        if token.text in NEGATIONS and not (comma and apart):
            sure = not own or (bool(between & _OPINIONS) and "believe" not in between)
            return Severity.BLOCK if reached and sure else Severity.REVIEW
        if token.text in HEDGES and reached:
            return Severity.REVIEW
        if token.text not in FILLERS:
            between.add(token.text)
            far += 1
        if far > _REACH:
            return None
    return None


def _after(text: str, tokens: Sequence[Token], end: int) -> Severity | None:
    following = next((i for i, token in enumerate(tokens) if token.start >= end), 0)
    if not following or tokens[following].text not in _AFTER:
        return None
    gap = text[tokens[following - 1].end : tokens[following].start]
    return None if gap.strip() else Severity.REVIEW
