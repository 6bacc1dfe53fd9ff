"""How the appointment record's names are found when a recognizer has misheard them."""

from __future__ import annotations

import functools

import pytest

from countersign.errors import BadRoster, EmptyInput, NotUtf8
from countersign.redaction import (
    Engine,
    Part,
    Person,
    Policy,
    Roster,
    leaks,
    lists_named,
    read_roster,
)
from lambdas import policies

ROSTER = read_roster(
    """{"people": [
      {"name": "Siobhan Murphy", "role": "patient", "aliases": ["Shiv"]},
      {"name": "Dr. Adaeze Okonkwo", "role": "clinician"},
      {"name": "Hope Larsen", "role": "relative"},
      {"name": "William Young", "role": "relative"},
      {"name": "Xochitl Nguyen", "role": "other"},
      {"name": "Jasmine Okafor"}, {"name": "Katherine Price"}, {"name": "Mark Baker"}],
     "places": ["Puyallup"], "organizations": ["Brightwell Logistics"]}"""
)


@functools.cache
def engine() -> Engine:
    text = policies.text("redaction.toml")
    return Engine(Policy.from_toml(text, {name: policies.text(name) for name in lists_named(text)}))


def redacted(text: str) -> str:
    result = engine().redact([text], ROSTER)
    assert not leaks(result.texts[0], result.table)
    return result.texts[0]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("this is shavon murphy but call me shiv", "this is [PATIENT_1] but call me [PATIENT_1]"),
        ("Siobhan said MURPHY is right", "[PATIENT_1] said [PATIENT_1] is right"),
        ("chevonne merphy is here", "[PATIENT_1] is here"),
        ("that is s i o b h a n", "that is [PATIENT_1]"),
        ("doctor okonko changed my dose", "doctor [CLINICIAN_1] changed my dose"),
        ("i told dr adaze okonkwo about it", "i told dr [CLINICIAN_1] about it"),
        ("so hope and i broke up", "so [RELATIVE_1] and i broke up"),
        ("then hope called and hope's mom cried", "then [RELATIVE_1] called and "
         "[RELATIVE_1]'s mom cried"),
        ("bill said he would drive", "[RELATIVE_1] said he would drive"),
        ("so cheel called me", "[PERSON_1] called me"),
        ("i met socheel win at the store", "i met [PERSON_1] at the store"),
        ("jazmin texted me", "[PERSON_1] texted me"),
        ("kate and katie are the same", "[PERSON_1] and [PERSON_1] are the same"),
        ("catherine pryce called", "[PERSON_1] called"),
        ("i asked mark about it", "i asked [PERSON_1] about it"),
        ("i went to pooyalup", "i went to [PLACE_1]"),
        ("i work at brightwell logistics", "i work at [ORGANIZATION_1]"),
    ],
)  # fmt: skip
def test_a_person_on_the_roster_has_one_surrogate_however_heard(said: str, written: str) -> None:
    assert redacted(said) == written


@pytest.mark.parametrize(
    "text",
    [
        "i hope you can hope for the best",
        "will you be there and will it help",
        "mark my words",
        "when i was young i had a price to pay",
        "the bill came and i will pay it",
        "i can bake but i am no baker",
        "i take trazodone and hydroxyzine",
    ],
)
def test_common_words_that_are_also_roster_names_stay(text: str) -> None:
    assert redacted(text) == text


def test_aliases_of_a_person_stay_in_the_table_for_the_leak_check() -> None:
    result = engine().redact(["shavon murphy", "they call me shiv"], ROSTER)
    assert result.texts == ("[PATIENT_1]", "they call me [PATIENT_1]")
    assert [leak.kind for leak in leaks("was shiv there", result.table)] == ["PATIENT"]


def test_a_roster_needs_no_more_than_names() -> None:
    roster = read_roster(b'{"people": [{"name": "Ana"}]}')
    assert roster.people[0].role is Part.OTHER
    assert read_roster("{}").people == ()


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", EmptyInput),
        (b"\xff\xfe", NotUtf8),
        ("not json", BadRoster),
        ('{"people": [{"role": "patient"}]}', BadRoster),
        ('{"people": [{"name": "Quilla", "role": "friend"}]}', BadRoster),
        ('{"people": [{"name": "--"}]}', BadRoster),
        ('{"places": "Quilla"}', BadRoster),
    ],
)
def test_a_broken_roster_is_refused_without_its_names(raw: bytes | str, error: type) -> None:
    with pytest.raises(error) as refused:
        read_roster(raw)
    assert "Quilla" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "said", "written"),
    [
        (
            "Wale Oyelaran",
            "this is mister oh yell a ron calling",
            "this is mister [PATIENT_1] calling",
        ),
        ("Amina Begic", "so a meena does the interpreting", "so [PATIENT_1] does the interpreting"),
        ("Lata Ramaswamy", "i saw doctor rama swami", "i saw doctor [PATIENT_1]"),
        ("Joe Kettleman", "tell kettle man i called", "tell [PATIENT_1] i called"),
        ("Ruth Mukherjee", "put moo kur jee on the list", "put [PATIENT_1] on the list"),
        ("Karl Dzurik", "Pt K. Dzurik arrived late", "Pt [PATIENT_1] arrived late"),
    ],
)
def test_a_name_heard_as_several_words_is_one_name(name: str, said: str, written: str) -> None:
    roster = Roster(people=(Person(name=name, role="patient"),))
    assert engine().redact([said], roster).texts == (written,)


@pytest.mark.parametrize(
    "text", ["oh you ran a lot then", "she would tell a man to go", "i saw a mean dog"]
)
def test_words_that_only_resemble_a_name_stay(text: str) -> None:
    roster = Roster(people=(Person(name="Amina Oyelaran", role="patient"),))
    assert engine().redact([text], roster).texts == (text,)
