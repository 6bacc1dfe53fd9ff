"""Decides which billing and diagnosis codes may be suggested, and on what evidence."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from countersign.grounding.lexicons import Lexicons
from countersign.grounding.spoken import Session, Stand
from countersign.note import CodeSuggestion, EvidenceSpan
from countersign.transcript import Role, Transcript


class Modality(StrEnum):
    """Who was in the room."""

    INDIVIDUAL = "individual"
    FAMILY_WITH_PATIENT = "family_with_patient"
    FAMILY_WITHOUT_PATIENT = "family_without_patient"


# CMS and Novitas Solutions, psychotherapy time rules. Labels are ours; descriptors are the AMA's.
_INDIVIDUAL = (
    (53, "90837", "Individual psychotherapy, 53 minutes or more"),
    (38, "90834", "Individual psychotherapy, 38 to 52 minutes"),
    (16, "90832", "Individual psychotherapy, 16 to 37 minutes"),
)
_FAMILY = {
    Modality.FAMILY_WITHOUT_PATIENT: ("90846", "Family psychotherapy without the patient"),
    Modality.FAMILY_WITH_PATIENT: ("90847", "Family psychotherapy with the patient"),
}
_FAMILY_MINUTES = 26


def minutes_between(start: datetime, stop: datetime) -> int:
    """Whole minutes from the clinician's start to the stop; `ValueError` when not forward."""
    if stop <= start:
        raise ValueError("the session stops before it starts")
    return (stop - start) // timedelta(minutes=1)


def psychotherapy(minutes: int, modality: Modality = Modality.INDIVIDUAL) -> CodeSuggestion | None:
    """The time-based CPT code for clinician-confirmed `minutes`, or none when too short.

    Crisis psychotherapy (90839) is never suggested: it needs a clinician's finding of a crisis.
    """
    if modality is not Modality.INDIVIDUAL:
        if minutes < _FAMILY_MINUTES:
            return None
        code, label = _FAMILY[modality]
        return CodeSuggestion(system="CPT", code=code, label=label)
    for least, code, label in _INDIVIDUAL:
        if minutes >= least:
            return CodeSuggestion(system="CPT", code=code, label=label)
    return None


def spoken_diagnoses(transcript: Transcript, lexicons: Lexicons) -> tuple[CodeSuggestion, ...]:
    """ICD-10-CM codes of diagnoses that the clinician stated.

    One that was asked about, denied, supposed or said of a relative is not stated.
    """
    session = Session(transcript, lexicons)
    found: dict[str, tuple[str, list[EvidenceSpan]]] = {}
    for utterance in session.by(Role.THERAPIST):
        if utterance.question:
            continue
        for hit in lexicons.diagnoses.find(utterance.tokens):
            diagnosis = hit.meaning
            said = session.statement(utterance, hit)
            if (
                not diagnosis.code
                or said.stand is not Stand.AFFIRMED
                or said.kin
                or said.hypothetical
            ):
                continue
            span = EvidenceSpan(turn=utterance.turn.id, start=hit.start, end=hit.end)
            found.setdefault(diagnosis.code, (diagnosis.label, []))[1].append(span)
    return tuple(
        CodeSuggestion(system="ICD-10-CM", code=code, label=label, evidence=tuple(spans))
        for code, (label, spans) in found.items()
    )
