"""Decides which of the recognizer's doubts a clinician must resolve before signing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from countersign.grounding.lexicons import Lexicons
from countersign.grounding.words import quantities, tokenize
from countersign.note import EvidenceSpan
from countersign.transcript import Role, Transcript, Turn

# Our own choice, to be set from measured recognizer errors: lower misses, higher tires the reader.
DOUBTFUL = 0.6


def flags(
    evidence: Iterable[EvidenceSpan], role: Role, transcript: Transcript, lexicons: Lexicons
) -> tuple[str, ...]:
    """Those of `doubtful_medication`, `doubtful_number`, `doubtful_harm`, `speaker_unconfirmed`.

    A word counts as doubtful when its probability is below `DOUBTFUL`.
    """
    found: list[str] = ["speaker_unconfirmed"] if role is Role.UNKNOWN else []
    for span in evidence:
        turn = transcript.turn(span.turn)
        doubtful = [(s, e) for s, e in _doubtful(turn) if s < span.end and span.start < e]
        if not doubtful:
            continue
        for code, start, end in _delicate(turn, lexicons):
            if any(s < end and start < e for s, e in doubtful):
                found.append(code)
    return tuple(dict.fromkeys(found))


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
