"""Every entry of the audit trail is also a valid FHIR R4 AuditEvent that points back to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from hypothesis import given
from hypothesis import strategies as st

from countersign.audit.disclosure import audit_event
from countersign.audit.event import Event
from countersign.audit.merkle import leaf_hash
from tests.audit_logs import event

TOKEN = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,40}[A-Za-z0-9])?", fullmatch=True)
EVENTS = st.builds(
    Event,
    id=TOKEN,
    at=st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)),
    site=TOKEN,
    actor=TOKEN,
    role=TOKEN,
    act=TOKEN,
    subject=TOKEN,
    policies=st.lists(TOKEN, max_size=3).map(tuple),
    run=st.none() | TOKEN,
    hashes=st.dictionaries(TOKEN, TOKEN, max_size=3),
    counts=st.dictionaries(TOKEN, st.integers(0, 2**40), max_size=3),
    reason=st.none() | TOKEN,
)


@given(EVENTS, st.integers(0, 2**60))
def test_every_entry_is_a_valid_audit_event(entry: Event, index: int) -> None:
    written = audit_event(entry, index)
    read = json.loads(AuditEvent.model_validate(written).model_dump_json())
    assert read["id"] == written["id"] and read["agent"] == written["agent"]
    assert datetime.fromisoformat(read["recorded"]) == entry.at


def test_it_points_to_its_entry() -> None:
    (entity,) = audit_event(event(7), 7)["entity"]
    detail = {each["type"]: each["valueString"] for each in entity["detail"]}
    assert detail["ledger-index"] == "7"
    assert detail["leaf-hash"] == leaf_hash(event(7).leaf()).hex()
    assert detail["count:turns"] == "7"


@pytest.mark.parametrize(
    ("act", "action"),
    [("audio.erased", "D"), ("transcript.stored", "C"), ("note.signed", "E"), ("stored.note", "E")],
)
def test_an_act_has_the_action_of_its_last_word(act: str, action: str) -> None:
    written = audit_event(event(1, act=act), 1)
    assert written["action"] == action and written["subtype"][0]["code"] == act


def test_a_person_asked_and_the_system_did_not() -> None:
    assert audit_event(event(1, role="clinician"), 1)["agent"][0]["requestor"] is True
    assert audit_event(event(1), 1)["agent"][0]["requestor"] is False


def test_the_rule_and_the_reason_are_told() -> None:
    told = audit_event(event(1, policies=("sign-own-note",), reason="AudioLimit"), 1)
    assert told["agent"][0]["policy"] == ["urn:countersign:policy:sign-own-note"]
    assert told["purposeOfEvent"] == [{"text": "AudioLimit"}]
