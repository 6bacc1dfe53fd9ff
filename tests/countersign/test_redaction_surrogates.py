"""How surrogates come back, and how a leak is noticed."""

from __future__ import annotations

import pytest

from countersign.errors import SurrogateUnknown
from countersign.redaction import leaks, project, restore

TABLE = {
    "[PATIENT_1]": "shavon murphy",
    "[PATIENT_1]#2": "shiv",
    "[PERSON_1]": "hope",
    "[PERSON_1]~": "hope",
    "[DATE_1]": "march third nineteen eighty four",
    "[PHONE_1]": "six one two five five five oh one seven three",
    "[PLACE_1]": "nineteen",
    "[PERSON_10]": "Tobias",
}


def test_each_token_comes_back_as_it_was_said() -> None:
    assert restore("[PATIENT_1] met [PERSON_10] on [DATE_1].", TABLE) == (
        "shavon murphy met Tobias on march third nineteen eighty four."
    )
    assert restore("nothing here, [clinician to complete], [1], (2)", TABLE) == (
        "nothing here, [clinician to complete], [1], (2)"
    )


@pytest.mark.parametrize(
    "text",
    ["[PATIENT_2]", "[Patient_1]", "[PATIENT 1]", "PATIENT_1", "[PATIENT_01]", "(PATIENT_1)",
     "[CLINICIAN_1]", "[PATIENT_1]#2 and [PATIENT_3]"],
)  # fmt: skip
def test_an_altered_or_invented_token_is_refused(text: str) -> None:
    with pytest.raises(SurrogateUnknown):
        restore(text, TABLE)


def test_a_span_moves_with_the_restored_text() -> None:
    text = "[PATIENT_1] met [PERSON_10]."
    full = restore(text, TABLE)
    start, end = project(text, TABLE, (text.index("met"), text.index("met") + 3))
    assert full[start:end] == "met"
    start, end = project(text, TABLE, (text.index("[PERSON"), text.index("[PERSON") + 4))
    assert full[start:end] == "Tobias"
    assert project(text, TABLE, (0, len(text))) == (0, len(full))
    with pytest.raises(ValueError, match="outside"):
        project(text, TABLE, (0, len(text) + 1))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Shavon Murphy came", "PATIENT"),
        ("she asked MURPHY", "PATIENT"),
        ("Shavon-Murphy", "PATIENT"),
        ("shavonmurphy", "PATIENT"),
        ("merphy... murphey, rather", "PATIENT"),
        ("call shiv", "PATIENT"),
        ("then hope called", "PERSON"),
        ("on March 3rd it began", "DATE"),
        ("the 3rd of March, 1984", "DATE"),
        ("call 612-555-0173 now", "PHONE"),
        ("call 6125550173 now", "PHONE"),
        ("six one two, five five five, oh one seven three", "PHONE"),
        ("tobías", "PERSON"),
    ],
)
def test_a_value_is_found_in_whatever_form(text: str, kind: str) -> None:
    assert {leak.kind for leak in leaks(text, TABLE)} == {kind}


@pytest.mark.parametrize(
    "text",
    [
        "[PATIENT_1] met [PERSON_10] on [DATE_1]",
        "i hope so",
        "there is no hope for it",
        "she scored nineteen",
        "three weeks ago, in the march of time",
        "PHQ-9 of 19",
    ],
)
def test_what_only_looks_like_a_value_is_no_leak(text: str) -> None:
    assert leaks(text, TABLE) == ()


def test_a_leak_tells_kind_and_place_and_never_the_value() -> None:
    (leak,) = leaks("then Tobias left", TABLE)
    assert (leak.kind, leak.start, leak.end) == ("PERSON", 5, 11)
    assert "tobias" not in repr(leak).lower()
