"""Decides which turns of a session belong to its matter, and which to the talk around it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from countersign.transcript import Role

# Talk comes in stretches: small talk first, the patient's matter, arrangements at the end. Two
# states with a memory (a hidden Markov model) let what stands around a turn speak for it. The
# figures are our own choice, set on `tests/countersign/relevance/development`.
_OPENS_WITH_CHAT = 0.7
_STAYS_CLINICAL = 0.93
_STAYS_CHAT = 0.72
_ONE_SAYS_AT_MOST = 4.0

# How a clinician comes to the matter, or goes on with it.
_LEADS_IN = re.compile(
    r"\b(?:last (?:time|week|session|month)|where (?:did|do) (?:we|you)|where we left"
    r"|let's (?:start|pick|go back|stay|talk|look)|we (?:talked|agreed|mapped|wrote|practiced|said)"
    r"|you (?:mentioned|told me|said|wrote|put|rated)|(?:have|has|had) (?:the |your )?"
    r"(?:week|nights?|days?|things?|mood|sleep|it|you) been|went through your mind"
    r"|what (?:happened|would you|do you|did you|was that|comes|came)"
    r"|and (?:then|afterwards|the)\b)",
    re.I,
)
_FIRST = frozenset({"i", "i'm", "i've", "i'd", "i'll", "my", "me", "myself"})
_SECOND = frozenset(
    {"you", "your", "you're", "you've", "you'd", "yourself", "we", "we've", "let's"}
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What is to be known of a turn: its words and what the lists say of them."""

    role: Role
    text: str
    words: tuple[str, ...]
    clinical: float  # summed weights of clinical topics
    asides: int  # mentions from the lists of what is left out
    harm: bool


def clinical(turns: Sequence[Heard]) -> tuple[float, ...]:
    """The probability, 0 to 1, that each turn belongs to the session's matter.

    Whoever speaks of harm is always at the matter, whatever stands around.
    """
    odds = [math.exp(max(-_ONE_SAYS_AT_MOST, min(_ONE_SAYS_AT_MOST, _weight(t)))) for t in turns]
    forward: list[float] = []
    before = 1 - _OPENS_WITH_CHAT
    for each in odds:
        forward.append(_share(before * each, 1 - before))
        before = forward[-1] * _STAYS_CLINICAL + (1 - forward[-1]) * (1 - _STAYS_CHAT)
    found = [0.0] * len(odds)
    on, off = 1.0, 1.0
    for index in range(len(odds) - 1, -1, -1):
        found[index] = _share(forward[index] * on, (1 - forward[index]) * off)
        on, off = on * odds[index], off
        on, off = (
            _STAYS_CLINICAL * on + (1 - _STAYS_CLINICAL) * off,
            (1 - _STAYS_CHAT) * on + _STAYS_CHAT * off,
        )
        on, off = on / (on + off), off / (on + off)
    return tuple(1.0 if t.harm else p for t, p in zip(turns, found, strict=True))


def _share(yes: float, no: float) -> float:
    return yes / (yes + no)


def _weight(turn: Heard) -> float:
    """The log-odds that one turn, by itself, is clinical."""
    known = set(turn.words)
    weight = 0.45 * min(turn.clinical, 6.0) - 1.6 * turn.asides
    if turn.role is Role.THERAPIST:
        weight += 1.5 if _LEADS_IN.search(turn.text) else 0.0
        # Clinicians speak of themselves in small talk.
        weight -= 0.8 if known & _FIRST and not known & _SECOND else 0.0
    else:
        weight += 0.6 if known & _FIRST and len(turn.words) >= 6 else 0.0
        # Patients ask about appointments, bills and the clinician's life.
        weight -= 1.5 if turn.text.rstrip().endswith("?") else 0.0
    return weight
