from __future__ import annotations

import math

from countersign import roles, voiceprint
from countersign.transcript import Role
from inference.settings import Settings, SpeechPolicy

POLICY = SpeechPolicy.read(Settings().policy).roles
THERAPIST = (
    "How have you been since last session?",
    "That sounds hard. What goes through your mind when you wake up?",
    "For homework, would you like to keep a thought record?",
)
PATIENT = (
    "I can't sleep. I keep thinking about my job.",
    "I feel like my brother doesn't believe me, and I worry.",
    "I'll try. I guess my evenings are free.",
)


def test_who_asks_is_the_therapist_whoever_speaks_first() -> None:
    for said in ({"S1": THERAPIST, "S2": PATIENT}, {"S1": PATIENT, "S2": THERAPIST}):
        given = {speaker.id: speaker for speaker in roles.assign(said, POLICY)}
        therapist = next(name for name, turns in said.items() if turns is THERAPIST)
        patient = next(name for name, turns in said.items() if turns is PATIENT)
        assert given[therapist].role is Role.THERAPIST
        assert given[patient].role is Role.PATIENT
        assert given[therapist].basis == "content"
        assert given[therapist].confidence > 0.8


def test_alike_speakers_stay_unknown() -> None:
    given = roles.assign({"S1": PATIENT, "S2": PATIENT}, POLICY)
    assert {speaker.role for speaker in given} == {Role.UNKNOWN}
    assert max(speaker.confidence for speaker in given) < 0.8


def test_one_speaker_or_a_few_words_stay_unknown() -> None:
    assert roles.assign({"S1": THERAPIST}, POLICY)[0].role is Role.UNKNOWN
    few = roles.assign({"S1": ("How are you?",), "S2": ("I am fine.",)}, POLICY)
    assert {speaker.role for speaker in few} == {Role.UNKNOWN}


def test_among_three_only_the_therapist_is_named() -> None:
    given = roles.assign({"S1": PATIENT, "S2": THERAPIST, "S3": PATIENT[:1]}, POLICY)
    assert [speaker.role for speaker in given] == [Role.UNKNOWN, Role.THERAPIST, Role.UNKNOWN]


def test_an_enrolled_voice_outweighs_what_is_said() -> None:
    enrolled = roles.by_voice({"S1": 0.6, "S2": 0.9})
    assert enrolled is not None
    given = roles.assign({"S1": THERAPIST, "S2": PATIENT}, POLICY, enrolled)
    assert [speaker.role for speaker in given] == [Role.PATIENT, Role.THERAPIST]
    assert {speaker.basis for speaker in given} == {"enrolment"}


def test_a_narrow_or_distant_match_is_not_confirmed() -> None:
    assert roles.by_voice({"S1": 0.85, "S2": 0.82}) is None
    assert roles.by_voice({"S1": 0.5, "S2": 0.2}) is None
    assert roles.by_voice({}) is None


def test_a_distant_match_is_believed_unless_what_is_said_contradicts_it() -> None:
    distant = roles.by_voice({"S1": 0.68, "S2": 0.5})
    assert distant is not None
    assert 0.75 < distant[1] < 0.9
    agreed = roles.assign({"S1": THERAPIST, "S2": PATIENT}, POLICY, distant)
    assert [speaker.role for speaker in agreed] == [Role.THERAPIST, Role.PATIENT]
    silent = roles.assign({"S1": ("Hm.",), "S2": ("Yes.",)}, POLICY, distant)
    assert silent[0].role is Role.THERAPIST
    disputed = roles.assign({"S1": PATIENT, "S2": THERAPIST}, POLICY, distant)
    assert {speaker.role for speaker in disputed} == {Role.UNKNOWN}


def test_prints_as_text_are_compared_likewise() -> None:
    def towards(angle: float) -> str:
        return voiceprint.encode([math.cos(angle), math.sin(angle)] + [0.0] * 254)

    found = roles.by_print({"S1": towards(1.2), "S2": towards(0.2), "S3": ""}, towards(0))
    assert found is not None
    assert found[0] == "S2"
    assert roles.by_print({"S1": "", "S2": ""}, towards(0)) is None


def test_roles_do_not_depend_on_how_the_session_was_cut() -> None:
    whole = roles.assign({"S1": THERAPIST, "S2": PATIENT}, POLICY)
    again = roles.assign({"S2": PATIENT, "S1": THERAPIST}, POLICY)
    assert {s.id: s for s in whole} == {s.id: s for s in again}


def test_in_a_group_the_enrolled_clinician_is_named_and_nobody_else() -> None:
    said = {f"S{number}": PATIENT for number in range(1, 7)}
    given = roles.assign(said, POLICY, ("S4", 0.97))
    assert [s.id for s in given if s.role is Role.THERAPIST] == ["S4"]
    assert {s.role for s in given if s.id != "S4"} == {Role.UNKNOWN}
