"""Decides which voice is the therapist's, by an enrolled voice or by what each of them says."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from countersign import voiceprint
from countersign.transcript import Role, Speaker

# A voice print must be nearer to the enrolled one than any other by this much, or the match is
# not confirmed (measured: near 0 in far-field recordings).
_ENROLMENT_MARGIN = 0.1
# And it must resemble it at all: somebody else may sit in the clinician's chair.
_ENROLMENT_LEAST = 0.6
# On another line or in noise the right voice resembles its enrolment no more than a stranger may
# (measured: 0.63 to 0.72 over the telephone, 0.68 to 0.89 in noise, 0.89 and more otherwise).
_ENROLMENT_SURE = 0.8
# An enrolled voice of this confidence outweighs whatever is said.
_UNDISPUTED = 0.9
# Fewer words than this, of everybody together, say nothing about who is who.
_LEAST_WORDS = 20
# The weight of the evidence; log-odds for one unit of difference. Asking questions is the
# strongest sign: by itself it tells therapist from client in nine sessions of ten.
_QUESTIONS = 5.0
_PHRASES = 1.0
_PRONOUNS = 2.0
_MOST = 6.0

_WORDS = re.compile(r"[\w']+")
_SELF = frozenset({"i", "i'm", "i've", "i'd", "i'll", "me", "my", "mine", "myself"})
_OTHER = frozenset({"you", "you're", "you've", "you'd", "you'll", "your", "yours", "yourself"})


class Roles(BaseModel):
    """The `[roles]` table of policies/speech.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    confident_above: Annotated[float, Field(ge=0, le=1)]
    clinician: tuple[str, ...]
    patient: tuple[str, ...]


def by_voice(resemblance: Mapping[str, float]) -> tuple[str, float] | None:
    """The speaker who is the enrolled clinician, with a confidence; None when unconfirmed.

    `resemblance` is the cosine of each speaker's voice with the enrolled one.
    """
    ranked = sorted(resemblance.items(), key=lambda item: (-item[1], item[0]))
    if not ranked or ranked[0][1] < _ENROLMENT_LEAST:
        return None
    margin = ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else _ENROLMENT_LEAST)
    if margin < _ENROLMENT_MARGIN:
        return None
    sure = ranked[0][1] >= _ENROLMENT_SURE
    return ranked[0][0], round(min(1.0, (0.9 if sure else 0.75) + margin / 4), 3)


def by_print(prints: Mapping[str, str], enrolled: str) -> tuple[str, float] | None:
    """`by_voice` for prints as text (`countersign.voiceprint`); "" is a speaker without a print.

    Raises `BadTranscript` for a text that is no print.
    """
    return by_voice(
        {name: voiceprint.resemblance(own, enrolled) for name, own in prints.items() if own}
    )


def assign(
    said: Mapping[str, Sequence[str]], policy: Roles, enrolled: tuple[str, float] | None = None
) -> tuple[Speaker, ...]:
    """A role for each speaker, from the turns that each has said.

    With two speakers, one being the therapist makes the other the patient. Among more, only the
    therapist is named: a mother and a daughter are for a human to tell apart. A single speaker,
    or too little evidence, stays unknown. So does everybody when an enrolled voice that is not a
    sure match (below 0.9) is contradicted by what is said.
    """
    names = tuple(said)
    content = _by_content(said, policy)
    if enrolled is not None and enrolled[0] in said:
        others = [who.id for who in content if who.role is Role.THERAPIST]
        if enrolled[1] < _UNDISPUTED and others and others != [enrolled[0]]:
            return tuple(Speaker(id=name, basis="enrolment") for name in names)
        return _named(names, enrolled[0], enrolled[1], "enrolment")
    return content


def _by_content(said: Mapping[str, Sequence[str]], policy: Roles) -> tuple[Speaker, ...]:
    names = tuple(said)
    evidence = {name: _evidence(turns, policy) for name, turns in said.items()}
    spoken = sum(len(_WORDS.findall(turn)) for turns in said.values() for turn in turns)
    if len(names) < 2 or spoken < _LEAST_WORDS:
        return tuple(Speaker(id=name) for name in names)
    ranked = sorted(names, key=lambda name: (-evidence[name], name))
    lead = evidence[ranked[0]] - evidence[ranked[1]]
    confidence = round(1 / (1 + math.exp(-min(lead, _MOST))), 3)
    if confidence < policy.confident_above:
        return tuple(
            Speaker(id=name, confidence=confidence if name == ranked[0] else 0.0, basis="content")
            for name in names
        )
    return _named(names, ranked[0], confidence, "content")


def _named(
    names: Sequence[str], therapist: str, confidence: float, basis: str
) -> tuple[Speaker, ...]:
    patient = Role.PATIENT if len(names) == 2 else Role.UNKNOWN
    return tuple(
        Speaker(id=name, role=Role.THERAPIST, confidence=confidence, basis=basis)
        if name == therapist
        else Speaker(
            id=name,
            role=patient,
            confidence=confidence if patient is Role.PATIENT else 0.0,
            basis=basis,
        )
        for name in names
    )


def _evidence(turns: Sequence[str], policy: Roles) -> float:
    """How much a speaker talks like a clinician, as log-odds without a fixed zero."""
    text = " ".join(turns).casefold().replace("\u2019", "'")
    words = _WORDS.findall(text)
    if not words:
        return 0.0
    sentences = max(1, len(re.findall(r"[.?!]+", text)))
    questions = text.count("?") / sentences
    phrases = _count(text, policy.clinician) - _count(text, policy.patient)
    per_turn = phrases / max(1, len(turns))
    own = sum(word in _SELF for word in words)
    others = sum(word in _OTHER for word in words)
    # Two of each are added so that one stray pronoun does not decide.
    lean = (others - own) / (others + own + 4)
    return _QUESTIONS * questions + _PHRASES * per_turn + _PRONOUNS * lean


def _count(text: str, phrases: Sequence[str]) -> int:
    padded = f" {' '.join(_WORDS.findall(text))} "
    return sum(padded.count(f" {' '.join(_WORDS.findall(phrase))} ") for phrase in phrases)
