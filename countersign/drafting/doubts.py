"""Decides which of the recognizer's doubts a clinician must resolve before signing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from countersign.grounding.lexicons import Lexicons
from countersign.grounding.words import quantities, tokenize
from countersign.hearing import stretch
from countersign.note import EvidenceSpan
from countersign.sounds import CORRECTED, SOUND_ALIKE
from countersign.transcript import Doubt, Role, Transcript, Turn

# Our own choice, to be set from measured recognizer errors: lower misses, higher tires the reader.
DOUBTFUL = 0.6


def flags(
    evidence: Iterable[EvidenceSpan], role: Role, transcript: Transcript, lexicons: Lexicons
) -> tuple[str, ...]:
    """Those of `doubtful_medication`, `doubtful_number`, `doubtful_harm`, `speaker_unconfirmed`.

    A word counts as doubtful when its probability is below `DOUBTFUL`; a medication that another
    one sounds like, or that was put in the place of what was heard, however probable it is.
    """
    found: list[str] = ["speaker_unconfirmed"] if role is Role.UNKNOWN else []
    for span in evidence:
        turn = transcript.turn(span.turn)
        confused = (d for d in transcript.warnings if _is_of_a_medication(d, lexicons))
        if any(s < span.end and span.start < e for s, e in _places(turn, confused)):
            found.append("doubtful_medication")
        doubtful = [(s, e) for s, e in _doubtful(turn) if s < span.end and span.start < e]
        if not doubtful:
            continue
        for code, start, end in _delicate(turn, lexicons):
            if any(s < end and start < e for s, e in doubtful):
                found.append(code)
    return tuple(dict.fromkeys(found))


def _is_of_a_medication(doubt: Doubt, lexicons: Lexicons) -> bool:
    if doubt.code == CORRECTED:
        return any(lexicons.medications.find(tokenize(word)) for word in doubt.candidates)
    return doubt.code == SOUND_ALIKE


def _places(turn: Turn, doubts: Iterable[Doubt]) -> Iterator[tuple[int, int]]:
    """The characters of the turn's text that the doubts are about."""
    for doubt in doubts:
        if doubt.start <= turn.end and turn.start <= doubt.end:
            place = stretch(turn, doubt.start, doubt.end)
            # A turn that lost its word times cannot say where: then it may be anywhere in it.
            if place or not turn.words:
                yield place or (0, len(turn.text))


def _doubtful(turn: Turn) -> Iterator[tuple[int, int]]:
    at = 0
    for word in turn.words:
        text = word.text.strip()
        place = turn.text.find(text, at) if text else -1
        if place < 0:
            continue
        at = place + len(text)
        if word.probability < DOUBTFUL:
            yield place, at


def _delicate(turn: Turn, lexicons: Lexicons) -> Iterator[tuple[str, int, int]]:
    tokens = tokenize(turn.text)
    for drug in lexicons.medications.find(tokens):
        yield "doubtful_medication", drug.start, drug.end
    for number in quantities(tokens):
        if number.exact:
            yield "doubtful_number", number.start, number.end
    for symptom in lexicons.spoken.find(tokens):
        if symptom.meaning.safety:
            yield "doubtful_harm", symptom.start, symptom.end
    for topic in lexicons.topics.find(tokens):
        if topic.meaning.name == "harm":
            yield "doubtful_harm", topic.start, topic.end
