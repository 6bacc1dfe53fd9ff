"""Written notes are full of capitals that name nobody, and of people who are named by a field."""

from __future__ import annotations

import pytest

from countersign.redaction import Engine, Person, Policy, Roster
from lambdas import policies


@pytest.fixture(scope="module")
def engine() -> Engine:
    folder = policies.folder("lexicons", ".txt")
    return Engine(Policy.from_toml(policies.text("redaction.toml"), folder))


def _masked(engine: Engine, text: str, roster: Roster | None = None) -> set[int]:
    spans = engine.redact([text], roster).spans[0]
    return {index for span in spans for index in range(span.start, span.end)}


def _left(engine: Engine, text: str, value: str, roster: Roster | None = None) -> str:
    """The letters and digits of `value` that redaction leaves in `text`."""
    masked = _masked(engine, text, roster)
    begin = text.index(value)
    places = range(begin, begin + len(value))
    return "".join(text[at] for at in places if text[at].isalnum() and at not in masked)


@pytest.mark.parametrize(
    "text",
    [
        "Reviewed Stanley-Brown safety plan w/ pt. C-SSRS 2, down from 4.",
        "Fall risk per Morse 55. Bed alarm on.",
        "Neuro: Simpson-Angus 2, Zarit 31, AIMS 1.",
        "Boston Naming 38/60, MoCA 22.",
        "Hoover's sign positive; Ekbom syndrome on ddx.",
        "TSH 6.8, Li 1.1, HIV neg.",
        "BP 132/84, T 98.4, BAL 0.02.",
        "Restraints 1915\u20131950, then calm.",
        "Seen by the PMHNP for WPATH letter, SBP 180.",
        "Progressive Muscle Relaxation (Jacobson) practiced.",
        "Start Vistaril 25 mg TID PRN per Starter Kit.",
        "GDS 11/15, PHQ-9 14/27.",
        "A slow Ashton-style taper was agreed.",
        "Increase sertraline w/o delay; HTN and OSA stable.",
    ],
)
def test_a_capital_that_names_nobody_is_kept(engine: Engine, text: str) -> None:
    masked = _masked(engine, text)
    assert not masked, "".join(text[index] for index in sorted(masked))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Grace states that her stepfather moved out.", "Grace"),
        ("Hunter B. arrived 20 min late.", "Hunter B."),
        ("Client R.T. cancelled via text.", "R.T."),
        ("Her sponsor Frank D. called.", "Frank D."),
        ("His sponsor, Big Ray, drove him.", "Big Ray"),
        ("Hyun-woo states he sleeps well.", "Hyun-woo"),
        ("Ms. Van der Berg remains on Clozaril.", "Van der Berg"),
        ("Sig other: Marisol. Pets: 2 cats.", "Marisol"),
        ("She works at Golden Lotus Nails on weekends.", "Golden Lotus Nails"),
        ("Seen at Oak Cliff Veterinary where she works.", "Oak Cliff Veterinary"),
        ("Mother works doubles at the Sheraton in Elyria.", "Sheraton"),
        ("Employer: Micron. Religion: none.", "Micron"),
        ("STUBBS, LAVERNE DOB 03/19/1933", "STUBBS, LAVERNE"),
    ],
)
def test_somebody_or_some_place_in_a_note_is_masked(engine: Engine, text: str, value: str) -> None:
    assert _left(engine, text, value) == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my address is twenty two oh six wayne avenue apartment three", "apartment three"),
        ("mail it to p o box six one eight please", "p o box six one eight"),
        ("we came up off broadway and forty third in gary", "broadway and forty third"),
        ("my peoples stay on forty fourth and burleigh", "forty fourth and burleigh"),
        ("she is at u c l a doing biology", "u c l a"),
        ("the hand guy at community regional said no", "community regional"),
        ("mama was in and out of central state back then", "central state"),
        ("he taught at memorial high school forty years", "memorial high school"),
        ("her email is dana at tabrizi law dot example dot com", "tabrizi law dot example dot com"),
        ("he was transported to ellis last night", "ellis"),
        ("dinner with the rosenthals was quiet", "rosenthals"),
        ("seen by k mcallister for follow up", "k mcallister"),
        ("granddaddy made it to ninety two smoking", "ninety two"),
        ("my sponsor big ray brought a cake", "big ray"),
    ],
)
def test_what_is_said_of_a_place_or_a_person_is_masked_whole(
    engine: Engine, text: str, value: str
) -> None:
    assert _left(engine, text, value) == ""


_KNOWN = Roster(
    people=(
        Person(name="Grace Oyelaran"),
        Person(name="Mark Sutter"),
        Person(name="April Castellano"),
        Person(name="Frank Castellano"),
        Person(name="Jun Zhao"),
        Person(name="Pa Houa Thao"),
        Person(name="Chidinma Okafor", aliases=("Chichi",)),
    )
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mark i want to ask you something", "mark"),
        ("april is my twin and she got the good month", "april"),
        ("frank my dad was a drunk but a funny one", "frank"),
        ("what did you tell grace i told her no", "grace"),
        ("my son june he is eight", "june"),
        ("pa hua married at sixteen", "pa hua"),
        ("no chi chi is the one who found him", "chi chi"),
    ],
)
def test_a_known_name_that_is_a_word_is_the_person(engine: Engine, text: str, value: str) -> None:
    assert _left(engine, text, value, _KNOWN) == ""


@pytest.mark.parametrize(
    "text",
    [
        "mark my words he said you will come back",
        "to be frank with you i don't think it works",
        "they gave me a grace period of two weeks",
        "it gets worse every april and then it passes",
        "we always say grace before we eat",
        "i had to mark the days on the wall",
    ],
)
def test_a_known_name_that_is_a_word_here_is_kept(engine: Engine, text: str) -> None:
    assert not _masked(engine, text, _KNOWN)


def test_a_link_in_a_place_masks_no_other_link(engine: Engine) -> None:
    text = "strangers stood near Crenshaw and 54th and he ran and ran."
    masked = _masked(engine, text)
    assert text.index(" and he") + 1 not in masked
    assert text.index(" and ran") + 1 not in masked
