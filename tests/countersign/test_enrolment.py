"""A voice print is taken only when it is one, and from enough speech."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from countersign.enrolment import Enrolment, is_enrolment, pseudo_session, read_print, whose
from countersign.errors import BadPolicy, BadRequest, VoiceUnclear
from countersign.voiceprint import encode

POLICY = Path(__file__).parents[2] / "policies" / "enrolment.toml"
RULES = Enrolment.from_toml(POLICY.read_text(encoding="utf-8"))
VOICE = encode([1.0, *[0.5] * 255])


def test_an_enrolment_has_a_place_that_tells_whose_it_is() -> None:
    for person in ("dana", "5f0c0d9e-2b61-4e7e-9d0a-0a4d8f1f6b7c", "a-1"):
        place = pseudo_session(person, 12)
        assert is_enrolment(place)
        assert whose(place) == (person, 12)
        # A SageMaker inference id has 64 characters, with the attempt's number.
        assert len(place) <= 60


@pytest.mark.parametrize("person", ["", "a/b", "a.b", "x" * 45])
def test_an_odd_person_gets_no_place(person: str) -> None:
    with pytest.raises(BadRequest):
        pseudo_session(person, 1)


@pytest.mark.parametrize("name", ["s-0001", "voice-dana", "voice-dana-0", "voice-dana-1/x"])
def test_other_ids_are_nobodys_enrolment(name: str) -> None:
    with pytest.raises(BadRequest):
        whose(name)


def test_a_print_of_enough_speech_is_taken() -> None:
    found = read_print(json.dumps({"voice": VOICE, "seconds": 19.5}).encode(), RULES)
    assert (found.voice, found.seconds) == (VOICE, 19.5)


@pytest.mark.parametrize(
    "answer",
    [
        {"voice": VOICE, "seconds": 3},
        {"voice": "", "seconds": 30},
        {"voice": "AAAA", "seconds": 30},
        {"turns": []},
        "nothing",
    ],
    ids=["too short", "no print", "not a print", "a transcript", "not an object"],
)
def test_anything_else_is_not(answer: object) -> None:
    with pytest.raises(VoiceUnclear):
        read_print(json.dumps(answer).encode(), RULES)


def test_the_consent_says_what_the_law_wants_said() -> None:
    for word in ("biometric", "purpose", "encrypted", "delete", "voluntary", "sold"):
        assert word in RULES.consent
    assert len(RULES.consent_digest) == 64


def test_the_text_can_be_read_in_the_time_that_is_recorded() -> None:
    # Reading aloud runs at about 150 to 200 words a minute.
    words = len(RULES.read_aloud.split())
    assert 2.2 <= words / RULES.record_seconds <= 4.0


@pytest.mark.parametrize("text", ["consent = ", "least_seconds = 0", "colour = 1"])
def test_a_broken_policy_is_named(text: str) -> None:
    with pytest.raises(BadPolicy, match=r"enrolment\.toml"):
        Enrolment.from_toml(text)
