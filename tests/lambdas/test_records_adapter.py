"""The records table holds the truth, and lets a session move only from where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from countersign.consent import Consent, Purpose
from countersign.errors import AlreadyExists, IllegalMove, SessionUnknown
from countersign.ports import Patient, Person, Signature
from countersign.segments import Ended, Progress, Stage
from countersign.session import Session, State
from lambdas.adapters.records import DynamoRecords
from tests.fakes import NOON, FakeRecords


@pytest.fixture(params=["dynamodb", "fake"])
def records(request: pytest.FixtureRequest) -> Any:
    """The adapter and the fake answer alike: whatever a test shows for one holds for the other."""
    if request.param == "fake":
        return FakeRecords()
    client = request.getfixturevalue("client")
    return DynamoRecords(client("dynamodb"), request.getfixturevalue("table"))


def session(session_id: str = "one", **changes: Any) -> Session:
    given = {"site": "main", "patient_id": "pat", "clinician_id": "amy", "registered_at": NOON}
    return Session(id=session_id, **{**given, **changes})


def test_a_session_is_registered_once(records: Any) -> None:
    records.add_session(session())
    assert records.session("one") == session()
    with pytest.raises(AlreadyExists):
        records.add_session(session(patient_id="somebody else"))
    assert records.session("one").patient_id == "pat"


def test_an_unknown_session_is_said_to_be_unknown(records: Any) -> None:
    with pytest.raises(SessionUnknown):
        records.session("none")


def test_a_session_moves_from_where_it_is(records: Any) -> None:
    records.add_session(session())
    moved = records.move("one", State.REGISTERED, State.RECEIVED)
    assert moved.state is State.RECEIVED
    with pytest.raises(IllegalMove):
        records.move("one", State.REGISTERED, State.RECEIVED)
    with pytest.raises(IllegalMove):
        records.move("one", State.RECEIVED, State.SIGNED)
    assert records.session("one").state is State.RECEIVED


def test_a_move_can_carry_changes(records: Any) -> None:
    records.add_session(session(state=State.DRAFTED))
    records.move("one", State.DRAFTED, State.AWAITING_SIGNATURE, awaiting_since=NOON)
    assert records.session("one").awaiting_since == NOON


def test_sessions_are_found_by_clinician_and_by_state(records: Any) -> None:
    records.add_session(session("one"))
    records.add_session(session("two", clinician_id="ben", state=State.DRAFTED))
    records.add_session(session("three", state=State.DRAFTED))
    assert {s.id for s in records.sessions(clinician_id="amy")} == {"one", "three"}
    assert {s.id for s in records.sessions(states=(State.DRAFTED,))} == {"two", "three"}
    drafted = records.sessions(clinician_id="amy", states=(State.DRAFTED,))
    assert {s.id for s in drafted} == {"three"}


def test_a_session_leaves_the_state_it_left(records: Any) -> None:
    records.add_session(session())
    records.move("one", State.REGISTERED, State.RECEIVED)
    assert records.sessions(states=(State.REGISTERED,)) == ()


def test_consents_are_kept_by_purpose_and_can_be_withdrawn(records: Any) -> None:
    for purpose in Purpose:
        records.add_consent(
            Consent(
                id=f"c-{purpose}",
                patient_id="pat",
                purpose=purpose,
                granted_at=NOON,
                expires_at=NOON + timedelta(days=1),
                recorded_by="amy",
            )
        )
    records.revoke_consent("pat", Purpose.RECORDING, NOON + timedelta(hours=1))
    by_purpose = {consent.purpose: consent for consent in records.consents("pat")}
    assert by_purpose[Purpose.RECORDING].revoked_at == NOON + timedelta(hours=1)
    assert by_purpose[Purpose.AI_PROCESSING].revoked_at is None
    assert records.consents("another") == ()


def test_people_and_patients_are_found(records: Any) -> None:
    amy = Person(id="amy", name="Amy Adeyemi", roles=("clinician",), site="main", licence="L-1")
    pat = Patient(id="pat", site="main", clinician_ids=("amy",), roster={"people": []})
    records.add_person(amy)
    records.add_patient(pat)
    assert records.person("amy") == amy
    assert records.person("ben") is None
    assert records.patient("pat") == pat
    assert records.patients(clinician_id="amy") == (pat,)
    assert records.patients(clinician_id="ben") == ()


def test_a_patient_who_was_assigned_anew_is_no_longer_on_the_old_list(records: Any) -> None:
    records.add_patient(Patient(id="pat", site="main", clinician_ids=("amy",), roster={}))
    records.add_patient(Patient(id="pat", site="main", clinician_ids=("ben",), roster={}))
    assert records.patients(clinician_id="amy") == ()
    assert [p.id for p in records.patients(clinician_id="ben")] == ["pat"]


def test_the_first_signature_stays(records: Any) -> None:
    first = Signature("one", "amy", "L-1", "d" * 64, NOON)
    assert records.sign(first) == first
    second = Signature("one", "ben", "L-2", "e" * 64, NOON)
    assert records.sign(second) == first
    assert records.signature("one") == first
    assert records.signature("two") is None


def test_a_newer_token_replaces_an_older_one(records: Any) -> None:
    records.put_wait("one", "speech", "first")
    records.put_wait("one", "speech", "second")
    assert records.wait("one", "speech") == "second"
    assert records.wait("one", "signature") is None


def test_facts_are_kept_beside_a_session(records: Any) -> None:
    records.put_facts("one", "review", {"version": 2})
    assert records.facts("one", "review") == {"version": 2}
    assert records.facts("one", "other") is None


def test_of_two_who_write_the_same_version_one_is_told_no(records: Any) -> None:
    first = Progress(index=3, at=NOON, starts_at=84.5)
    assert records.put_segment("one", first)
    assert not records.put_segment("one", first), "it is there already"
    received = first.then(stage=Stage.RECEIVED)
    assert records.put_segment("one", received)
    assert not records.put_segment("one", first.then(stage=Stage.FAILED))
    assert records.segment("one", 3) == received
    assert records.segment("one", 4) is None


def test_segments_come_in_order_whatever_the_order_of_writing(records: Any) -> None:
    for index in (10, 2, 0):
        records.put_segment("one", Progress(index=index, at=NOON))
    records.put_segment("two", Progress(index=1, at=NOON))
    assert [each.index for each in records.segments("one")] == [0, 2, 10]


def test_the_first_word_on_the_end_of_a_recording_stands(records: Any) -> None:
    assert records.ended("one") is None
    first = Ended(segments=7, at=NOON, by="recorder")
    assert records.end_recording("one", first) == first
    assert records.end_recording("one", Ended(segments=9, at=NOON, by="schedule")) == first
    assert records.ended("one") == first


def test_facts_are_swapped_only_for_what_was_read(records: Any) -> None:
    first: dict[str, object] = {"version": 2, "parts": {"draft": "draft.2"}, "history": [1.5, "ä"]}
    assert records.swap_facts("one", "review", None, first)
    assert not records.swap_facts("one", "review", None, {"version": 9})
    read = records.facts("one", "review")
    assert records.swap_facts("one", "review", read, {"version": 3})
    assert not records.swap_facts("one", "review", read, {"version": 4})
    assert records.facts("one", "review") == {"version": 3}


def test_facts_of_one_beginning_are_found_together_and_no_others(records: Any) -> None:
    for name in ("alert.b", "alert.a", "alerts", "other"):
        records.put_facts("one", name, {"name": name})
    records.put_facts("two", "alert.c", {"name": "alert.c"})
    found = records.facts_below("one", "alert.")
    assert [one["name"] for one in found] == ["alert.a", "alert.b"]
