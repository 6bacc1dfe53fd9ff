"""Codes come from confirmed minutes and from diagnoses a clinician spoke, and from no more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.coding import Modality, minutes_between, psychotherapy, spoken_diagnoses
from tests.clinical import lexicons, transcript


@pytest.mark.parametrize(
    ("minutes", "code"),
    [
        (0, None),
        (15, None),
        (16, "90832"),
        (37, "90832"),
        (38, "90834"),
        (52, "90834"),
        (53, "90837"),
        (120, "90837"),
    ],
)
def test_individual_therapy_is_coded_by_its_minutes(minutes: int, code: str | None) -> None:
    suggestion = psychotherapy(minutes)
    assert (suggestion.code if suggestion else None) == code


@pytest.mark.parametrize(
    ("minutes", "modality", "code"),
    [
        (25, Modality.FAMILY_WITH_PATIENT, None),
        (26, Modality.FAMILY_WITH_PATIENT, "90847"),
        (26, Modality.FAMILY_WITHOUT_PATIENT, "90846"),
    ],
)
def test_family_therapy_needs_26_minutes(minutes: int, modality: Modality, code: str) -> None:
    suggestion = psychotherapy(minutes, modality)
    assert (suggestion.code if suggestion else None) == code


@given(st.integers(min_value=0, max_value=600), st.sampled_from(Modality))
def test_no_number_of_minutes_makes_a_crisis_code(minutes: int, modality: Modality) -> None:
    suggestion = psychotherapy(minutes, modality)
    assert suggestion is None or (suggestion.code not in {"90839", "90840"})
    assert suggestion is None or suggestion.status == "suggested"


def test_minutes_are_whole_and_run_forward() -> None:
    start = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
    assert minutes_between(start, datetime(2026, 11, 3, 9, 52, 59, tzinfo=UTC)) == 52
    with pytest.raises(ValueError, match="before"):
        minutes_between(start, start)


def test_a_diagnosis_the_clinician_stated_is_suggested_with_its_evidence() -> None:
    text = "This meets the criteria for generalized anxiety disorder."
    (code,) = spoken_diagnoses(transcript(("T", text)), lexicons())
    assert (code.system, code.code, code.status) == ("ICD-10-CM", "F41.1", "suggested")
    span = code.evidence[0]
    assert text[span.start : span.end] == "generalized anxiety disorder"


@pytest.mark.parametrize(
    ("who", "text"),
    [
        ("P", "I have generalized anxiety disorder."),
        ("U", "I have generalized anxiety disorder."),
        ("T", "Has anyone told you that you have bipolar disorder?"),
        ("T", "You don't have bipolar disorder."),
        ("T", "I wonder whether this might be bipolar disorder."),
        ("T", "Your mother had bipolar disorder."),
        ("T", "You said you feel nervous a lot."),
    ],
)
def test_what_is_no_clinicians_diagnosis_is_not_coded(who: str, text: str) -> None:
    assert spoken_diagnoses(transcript((who, text)), lexicons()) == ()
