"""The portal's API: consent before upload, no peeping, no signature but the right one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from countersign.errors import KeyDestroyed
from countersign.ports import Patient, Person
from countersign.session import State
from lambdas.capture.on_upload import handler as on_upload
from tests.portal import (
    COLLEAGUE,
    DANA,
    DESK,
    PATIENT,
    PORTAL,
    SESSION,
    SPOKEN,
    STRANGER,
    SUPERVISOR,
    Clinic,
    clinic,
    read_all,
    settle,
    stored,
)

DRAFT = f"/api/sessions/{SESSION}/draft"
SIGNATURE = f"/api/sessions/{SESSION}/signature"


@pytest.fixture
def house() -> Clinic:
    return clinic()


def code_of(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["statusCode"], json.loads(answer["body"])["error"]["code"]


def sign(house: Clinic, digest: str, **more: Any) -> dict[str, Any]:
    body = {"digest": digest, "attestation": True}
    return house.ask("POST", SIGNATURE, json_body=body, **more)


# Consent and upload -------------------------------------------------------------------------


def register(house: Clinic) -> str:
    body = {"patient_id": PATIENT, "template": "soap"}
    answer = house.ask("POST", "/api/sessions", json_body=body)
    assert answer["statusCode"] == 201
    return str(json.loads(answer["body"])["id"])


def consent(house: Clinic, *purposes: str) -> None:
    body = {"purposes": purposes, "days": 30}
    answer = house.ask("POST", f"/api/patients/{PATIENT}/consents", json_body=body)
    assert answer["statusCode"] == 201


def upload(house: Clinic, session_id: str, **more: Any) -> dict[str, Any]:
    body = {"segment": 0, "content_type": "audio/wav"}
    return house.ask("POST", f"/api/sessions/{session_id}/upload", json_body=body, **more)


def test_without_a_consent_there_is_no_upload_and_the_ledger_knows(house: Clinic) -> None:
    session_id = register(house)
    assert code_of(upload(house, session_id)) == (403, "ConsentMissing")
    assert house.ports.audio.tickets == []
    assert house.ports.ledger.acts(session_id) == ["session.registered", "upload.refused"]


def test_consent_to_the_recording_alone_is_not_enough(house: Clinic) -> None:
    consent(house, "recording")
    assert code_of(upload(house, register(house))) == (403, "ConsentMissing")


def test_both_consents_open_the_upload(house: Clinic) -> None:
    consent(house, "recording", "ai_processing")
    session_id = register(house)
    answer = upload(house, session_id)
    ticket = json.loads(answer["body"])
    assert answer["statusCode"] == 200
    assert ticket["key"] == f"audio/{session_id}/00000"
    allowed = house.ports.ledger.events[-1]
    assert (allowed.act, allowed.policies) == ("upload.allowed", ("own-clinician-uploads-audio",))


def test_a_withdrawn_consent_closes_the_upload(house: Clinic) -> None:
    consent(house, "recording", "ai_processing")
    session_id = register(house)
    house.ports.clock.forward(minutes=5)
    where = f"/api/patients/{PATIENT}/consents/recording"
    assert house.ask("DELETE", where)["statusCode"] == 200
    assert code_of(upload(house, session_id)) == (403, "ConsentRevoked")


def test_a_consent_that_has_run_out_closes_the_upload(house: Clinic) -> None:
    consent(house, "recording", "ai_processing")
    session_id = register(house)
    house.ports.clock.forward(days=31)
    assert code_of(upload(house, session_id)) == (403, "ConsentExpired")


def test_the_front_desk_keeps_consents_but_sends_no_recordings(house: Clinic) -> None:
    body = {"purposes": ["recording", "ai_processing"], "days": 30}
    where = f"/api/patients/{PATIENT}/consents"
    assert house.ask("POST", where, json_body=body, person=DESK)["statusCode"] == 201
    assert code_of(upload(house, register(house), person=DESK)) == (403, "AccessDenied")


def test_a_session_whose_draft_waits_takes_no_more_audio(house: Clinic) -> None:
    consent(house, "recording", "ai_processing")
    assert code_of(upload(house, SESSION)) == (409, "IllegalMove")


# A recording in segments ---------------------------------------------------------------------


@pytest.fixture
def open_session(house: Clinic) -> str:
    consent(house, "recording", "ai_processing")
    return register(house)


def send(house: Clinic, session_id: str, index: int, **more: Any) -> dict[str, Any]:
    """Asks for a ticket and puts the segment where it leads, as a browser does."""
    body = {"segment": index, "starts_at": 28.0 * index, "seconds": 30.0, **more}
    answer = house.ask("POST", f"/api/sessions/{session_id}/upload", json_body=body)
    if answer["statusCode"] == 200:
        key = json.loads(answer["body"])["key"]
        house.ports.audio.put(key, b"RIFF")
        on_upload({"detail": {"object": {"key": key}}}, None, ports=house.ports)
    return answer


def end(house: Clinic, session_id: str, segments: int) -> dict[str, Any]:
    where = f"/api/sessions/{session_id}/recording/end"
    return house.ask("POST", where, json_body={"segments": segments})


def test_segments_go_up_one_by_one_and_each_shows_how_far_it_is(
    house: Clinic, open_session: str
) -> None:
    for index in range(2):
        assert send(house, open_session, index)["statusCode"] == 200
    where = f"/api/sessions/{open_session}/upload"
    house.ask("POST", where, json_body={"segment": 2, "starts_at": 56.0})
    document = house.document("GET", f"/api/sessions/{open_session}")
    assert [(s["segment"], s["state"], s["starts_at"]) for s in document["segments"]] == [
        (0, "received", 0.0),
        (1, "received", 28.0),
        (2, "allowed", 56.0),
    ]
    assert document["recording"] == {"ended": False, "segments": None, "stopped": None}
    assert [asked["inference_id"] for asked in house.ports.speech.submitted] == [
        f"{open_session}.0.1",
        f"{open_session}.1.1",
    ]


def test_the_recorder_says_how_many_segments_there_are_and_may_say_it_again(
    house: Clinic, open_session: str
) -> None:
    send(house, open_session, 0)
    for _ in range(2):
        answer = end(house, open_session, 2)
        assert answer["statusCode"] == 200
        recording = json.loads(answer["body"])["recording"]
        assert recording == {"ended": True, "segments": 2, "stopped": None}
    assert code_of(end(house, open_session, 3)) == (409, "RecordingEnded")
    assert house.ports.ledger.acts(open_session).count("recording.ended") == 1


def test_a_segment_that_was_announced_may_come_after_the_end_and_no_other(
    house: Clinic, open_session: str
) -> None:
    send(house, open_session, 0)
    end(house, open_session, 2)
    assert send(house, open_session, 1)["statusCode"] == 200
    assert code_of(send(house, open_session, 2)) == (409, "RecordingEnded")


def test_nothing_that_has_arrived_is_cut_off_by_the_end(house: Clinic, open_session: str) -> None:
    send(house, open_session, 0)
    send(house, open_session, 1)
    assert code_of(end(house, open_session, 1)) == (400, "BadRequest")


def test_a_segment_that_has_arrived_gets_no_second_ticket(house: Clinic, open_session: str) -> None:
    send(house, open_session, 0)
    assert code_of(send(house, open_session, 0)) == (409, "UploadRepeated")


def test_a_ticket_that_was_not_used_is_given_again(house: Clinic, open_session: str) -> None:
    assert upload(house, open_session)["statusCode"] == 200
    house.ports.clock.forward(minutes=16)
    assert upload(house, open_session)["statusCode"] == 200


@pytest.mark.parametrize(
    "place",
    [
        {"segment": 720, "starts_at": 10.0},
        {"segment": 1, "starts_at": 0.0},
        {"segment": 1, "starts_at": 11_000.0},
        {"segment": 1, "starts_at": -1.0},
        {"segment": -1},
    ],
)
def test_a_segment_that_cannot_be_one_is_refused(
    house: Clinic, open_session: str, place: dict[str, float]
) -> None:
    where = f"/api/sessions/{open_session}/upload"
    assert code_of(house.ask("POST", where, json_body=place)) == (400, "BadRequest")
    assert house.ports.audio.tickets == []


def test_withdrawing_the_consent_stops_what_is_being_recorded(
    house: Clinic, open_session: str
) -> None:
    send(house, open_session, 0)
    where = f"/api/patients/{PATIENT}/consents/ai_processing"
    assert house.ask("DELETE", where, person=DESK)["statusCode"] == 200
    assert house.ports.audio.objects == {}
    with pytest.raises(KeyDestroyed):
        house.ports.vault.get(open_session, "transcript")
    assert code_of(send(house, open_session, 1))[0] in (403, 409)
    stopped = next(e for e in house.ports.ledger.events if e.act == "recording.stopped")
    assert (stopped.subject, stopped.reason) == (open_session, "ConsentRevoked")
    assert house.ports.vault.get(SESSION, "transcript"), "a finished session is another matter"


def test_a_clinician_stops_and_discards(house: Clinic, open_session: str) -> None:
    send(house, open_session, 0)
    house.ports.records.put_wait(open_session, "speech", "speech-token")
    where = f"/api/sessions/{open_session}/discard"
    for _ in range(2):
        assert house.ask("POST", where, json_body={})["statusCode"] == 200
    assert house.ports.audio.objects == {}
    assert ("speech-token", "Discarded") in house.ports.workflow.failed
    acts = house.ports.ledger.acts(open_session)
    assert acts.count("recording.discarded") == acts.count("recording.stopped") == 1
    assert code_of(upload(house, open_session)) == (409, "SessionStopped")
    assert code_of(end(house, open_session, 1)) == (409, "SessionStopped")


def test_what_has_become_a_draft_is_not_discarded(house: Clinic) -> None:
    where = f"/api/sessions/{SESSION}/discard"
    assert code_of(house.ask("POST", where, json_body={})) == (409, "IllegalMove")


@pytest.mark.parametrize("person", [COLLEAGUE, STRANGER, DESK])
def test_nobody_else_ends_or_discards_a_recording(
    house: Clinic, open_session: str, person: Person
) -> None:
    for act, body in (("recording/end", {"segments": 1}), ("discard", {})):
        where = f"/api/sessions/{open_session}/{act}"
        answer = house.ask("POST", where, json_body=body, person=person)
        assert code_of(answer) == (403, "AccessDenied")


def test_an_unknown_template_is_refused(house: Clinic) -> None:
    body = {"patient_id": PATIENT, "template": "haiku"}
    assert code_of(house.ask("POST", "/api/sessions", json_body=body)) == (422, "TemplateUnknown")


def test_a_stranger_registers_no_session(house: Clinic) -> None:
    body = {"patient_id": PATIENT}
    answer = house.ask("POST", "/api/sessions", json_body=body, person=STRANGER)
    assert code_of(answer) == (403, "AccessDenied")


# Peeping ------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [STRANGER, DESK, SUPERVISOR], ids=lambda p: p.id)
def test_peeping_is_refused_and_entered_in_the_ledger(house: Clinic, person: Person) -> None:
    answer = house.ask("GET", DRAFT, person=person)
    assert code_of(answer) == (403, "AccessDenied")
    assert SPOKEN not in answer["body"]
    entry = house.ports.ledger.events[-1]
    assert (entry.act, entry.actor, entry.reason) == ("access.refused", person.id, "ReadDraft")
    assert "never-read-without-assignment-or-emergency" in entry.policies


def test_the_assigned_clinician_reads_names_and_every_reading_is_entered(house: Clinic) -> None:
    document = house.document("GET", DRAFT)
    first = document["note"]["sections"][0]["sentences"][0]
    assert first["text"].startswith(SPOKEN)
    house.document("GET", DRAFT, person=COLLEAGUE)
    readers = [e.actor for e in house.ports.ledger.events if e.act == "draft.read"]
    assert readers == [DANA.id, COLLEAGUE.id]
    assert house.ports.ledger.events[0].policies == ("assigned-clinician-reads-draft",)


def test_evidence_points_at_the_same_words_after_names_came_back(house: Clinic) -> None:
    document = house.document("GET", DRAFT)
    turns = {turn["id"]: turn["text"] for turn in document["transcript"]["turns"]}
    second = document["note"]["sections"][0]["sentences"][1]
    span = second["evidence"][0]
    assert turns[span["turn"]][span["start"] : span["end"]] == "Tunde moved out of Larkfield"


def test_a_name_is_shown_as_it_was_said_not_as_the_table_spells_it() -> None:
    house = clinic()
    said = house.ports.vault.get(SESSION, "transcript").replace(b"Tunde", b"Tundey")
    house.ports.vault.put(SESSION, "transcript", said)
    document = house.document("GET", DRAFT)
    turns = {turn["id"]: turn["text"] for turn in document["transcript"]["turns"]}
    span = document["note"]["sections"][0]["sentences"][1]["evidence"][0]
    words = turns[span["turn"]][span["start"] : span["end"]]
    assert words == "Tundey moved out of Larkfield"


def test_words_that_were_hard_to_hear_are_marked(house: Clinic) -> None:
    turn = house.document("GET", DRAFT)["transcript"]["turns"][1]
    assert [turn["text"][a:b] for a, b in turn["doubtful"]] == ["almond"]


def test_without_a_ledger_nobody_reads(house: Clinic) -> None:
    house.ports.ledger.down = True
    answer = house.ask("GET", DRAFT)
    assert code_of(answer) == (503, "LedgerUnavailable")
    assert SPOKEN not in answer["body"]


def test_a_supervisor_follows_a_session_without_a_word_of_it(house: Clinic) -> None:
    answer = house.ask("GET", f"/api/sessions/{SESSION}", person=SUPERVISOR)
    assert json.loads(answer["body"])["state"] == "awaiting_signature"
    assert SPOKEN not in answer["body"]


def test_who_is_not_signed_in_gets_nothing(house: Clinic) -> None:
    assert code_of(house.ask("GET", DRAFT, person=None)) == (401, "NotSignedIn")
    basic = {"authorization": "Basic ZGFuYTpkYW5h"}
    assert code_of(house.ask("GET", DRAFT, person=None, headers=basic)) == (401, "NotSignedIn")


def test_a_signed_in_stranger_to_the_site_gets_nothing(house: Clinic) -> None:
    ghost = Person("ghost", "Ghost", (), "north")
    assert code_of(house.ask("GET", DRAFT, person=ghost)) == (403, "AccessDenied")


# Editing ------------------------------------------------------------------------------------


def change(house: Clinic, name: str, person: Person = DANA, **body: Any) -> dict[str, Any]:
    return house.ask("PATCH", f"{DRAFT}/sentences/{name}", json_body=body, person=person)


def test_an_edit_makes_a_new_version_with_another_digest(house: Clinic) -> None:
    before = house.document("GET", DRAFT)
    after = json.loads(change(house, "s7", version=1, text="Meet in three weeks.")["body"])
    assert (before["version"], after["version"]) == (1, 2)
    assert before["digest"] != after["digest"]
    assert "Meet in three weeks." in after["text"]


def test_an_edit_of_an_old_version_is_refused(house: Clinic) -> None:
    change(house, "s7", version=1, strike=True)
    assert code_of(change(house, "s6", version=1, strike=True)) == (409, "DraftChanged")


def test_a_colleague_reads_but_does_not_edit(house: Clinic) -> None:
    answer = change(house, "s7", COLLEAGUE, version=1, strike=True)
    assert code_of(answer) == (403, "AccessDenied")


@pytest.mark.parametrize(
    "body",
    [{}, {"complete": "a", "strike": True}, {"strike": "maybe"}, {"text": "a", "colour": "red"}],
    ids=["nothing", "two things", "not a yes or no", "an unknown field"],
)
def test_a_change_that_is_not_exactly_one_thing_is_refused(
    house: Clinic, body: dict[str, Any]
) -> None:
    assert code_of(change(house, "s7", version=1, **body)) == (400, "BadRequest")


def test_completing_a_gap_keeps_what_the_template_says_around_it(house: Clinic) -> None:
    after = json.loads(change(house, "s4", version=1, complete="well groomed.")["body"])
    assert "Appearance: well groomed." in after["text"]
    assert "s4" not in {point["sentence"] for point in after["open"]}


@pytest.mark.parametrize(("name", "words"), [("s7", "more"), ("s4", "  ")])
def test_only_a_gap_is_completed_and_only_with_something(
    house: Clinic, name: str, words: str
) -> None:
    assert code_of(change(house, name, version=1, complete=words)) == (400, "BadRequest")


def test_an_edit_that_cannot_be_entered_in_the_ledger_does_not_happen(house: Clinic) -> None:
    before = house.ports.vault.get(SESSION, "draft")
    house.ports.ledger.down = True
    assert code_of(change(house, "s7", version=1, strike=True)) == (503, "LedgerUnavailable")
    assert house.ports.vault.get(SESSION, "draft") == before


# What was not heard for certain --------------------------------------------------------------


def doubt(house: Clinic, *doubts: dict[str, Any]) -> None:
    """Puts doubts into both transcripts, and times to the words of turn 6."""
    for kind in ("transcript", "redacted"):
        said = json.loads(house.ports.vault.get(SESSION, kind))
        turn = said["turns"][5]
        turn["words"] = [
            {"start": turn["start"] + n / 2, "end": turn["start"] + n / 2 + 0.5, "text": f" {word}"}
            for n, word in enumerate(turn["text"].split())
        ]
        said["warnings"] = list(doubts)
        house.ports.vault.put(SESSION, kind, json.dumps(said).encode())


# "Still fifty milligrams.": as good a drug as any for a sentence that rests on it.
ALIKE = {
    "code": "sound_alike_medication",
    "start": 48.5,
    "end": 49.5,
    "candidates": ["fifty milligrams", "fifteen milligrams"],
}
HEARD = {"at": 48.5, "said": "fifteen milligrams"}


def reword(house: Clinic, text: str) -> None:
    """Gives sentence s5 another wording, as the drafter might have."""
    draft = json.loads(house.ports.vault.get(SESSION, "draft"))
    draft["sections"][1]["sentences"][1]["text"] = text
    house.ports.vault.put(SESSION, "draft", json.dumps(draft).encode())


def test_medications_that_sound_alike_are_open_until_one_is_chosen(house: Clinic) -> None:
    doubt(house, ALIKE)
    reword(house, "Takes fifty milligrams.")
    points = [p for p in house.document("GET", DRAFT)["open"] if p["sentence"] == "s5"]
    assert [(p["kind"], p["choices"], p["at"]) for p in points] == [
        ("sound_alike_medication", ALIKE["candidates"], 48.5)
    ]
    assert code_of(change(house, "s5", version=1, heard={"at": 3, "said": "x"}))[0] == 400
    after = json.loads(change(house, "s5", version=1, heard=HEARD)["body"])
    assert "Takes fifteen milligrams." in after["text"]
    assert "s5" not in {point["sentence"] for point in after["open"]}
    said = {turn["id"]: turn["text"] for turn in after["transcript"]["turns"]}
    assert "fifty milligrams" in said["t6"]


def test_the_ledger_knows_which_was_chosen_and_names_no_drug(house: Clinic) -> None:
    doubt(house, ALIKE)
    reword(house, "Takes fifty milligrams.")
    change(house, "s5", version=1, heard=HEARD)
    entry = house.ports.ledger.events[-1]
    assert (entry.act, entry.counts) == (
        "medication.chosen",
        {"version": 2, "candidate": 1, "second": 48},
    )
    assert b"fifteen" not in entry.leaf()


def test_an_unchosen_medication_stops_the_signature(house: Clinic) -> None:
    doubt(house, ALIKE)
    reword(house, "Takes fifty milligrams.")
    version = house.document("GET", DRAFT)["version"]
    for name, body in (("s2", {"confirm": True}), ("s4", {"strike": True})):
        version = json.loads(change(house, name, version=version, **body)["body"])["version"]
    shown = json.loads(change(house, "s5", version=version, confirm=True)["body"])
    assert code_of(sign(house, shown["digest"])) == (409, "ReviewIncomplete")
    body = {"at": 48.5, "said": "fifty milligrams"}
    ready = json.loads(change(house, "s5", version=shown["version"], heard=body)["body"])
    read_all(house)
    assert sign(house, ready["digest"])["statusCode"] == 201


# Whose voice is whose --------------------------------------------------------------------------


def name(
    house: Clinic, speaker: str, role: str, person: Person = DANA, **more: Any
) -> dict[str, Any]:
    where = f"/api/sessions/{SESSION}/speakers/{speaker}"
    return house.ask("POST", where, json_body={"role": role, **more}, person=person)


def test_one_click_turns_the_roles_round_and_makes_the_draft_anew(house: Clinic) -> None:
    before = house.document("GET", DRAFT)
    answer = name(house, "S1", "patient")
    assert answer["statusCode"] == 200
    after = json.loads(answer["body"])
    for turn in after["transcript"]["turns"]:
        assert turn["role"] == {"S1": "patient", "S2": "therapist"}[turn["speaker"]]
    assert {s["basis"] for s in after["transcript"]["speakers"]} == {"human"}
    redacted = json.loads(stored(house, "redacted"))
    assert redacted["turns"][0]["role"] == "patient"
    assert "[PATIENT_1]" in redacted["turns"][0]["text"]
    assert after["version"] == before["version"] + 1
    assert after["note"] != before["note"]
    assert house.ports.ledger.acts(SESSION)[-2:] == ["speaker.named", "note.redrafted"]
    entry = house.ports.ledger.events[-2]
    assert (entry.reason, entry.policies) == ("patient", ("own-clinician-edits-and-signs",))


def test_work_on_the_draft_is_not_thrown_away_without_asking(house: Clinic) -> None:
    change(house, "s7", version=1, text="My own words.")
    answer = name(house, "S1", "therapist")
    assert code_of(answer) == (409, "DraftEdited")
    assert "redraft" in json.loads(answer["body"])["error"]["hint"]
    assert "My own words." in house.document("GET", DRAFT)["text"]
    anew = json.loads(name(house, "S1", "therapist", redraft=True)["body"])
    assert "My own words." not in anew["text"]
    assert name(house, "S1", "therapist")["statusCode"] == 200


def test_no_voice_print_leaves_with_a_transcript(house: Clinic) -> None:
    said = json.loads(house.ports.vault.get(SESSION, "transcript"))
    said["speakers"] = [{"id": "S1", "voice": "a-print-of-a-voice"}]
    house.ports.vault.put(SESSION, "transcript", json.dumps(said).encode())
    for path in (DRAFT, f"/sessions/{SESSION}"):
        assert "a-print-of-a-voice" not in house.ask("GET", path)["body"]


@pytest.mark.parametrize("person", [COLLEAGUE, STRANGER, SUPERVISOR, DESK], ids=lambda p: p.id)
def test_nobody_else_names_a_voice(house: Clinic, person: Person) -> None:
    before = house.ports.vault.get(SESSION, "transcript")
    assert code_of(name(house, "S1", "patient", person)) == (403, "AccessDenied")
    assert house.ports.vault.get(SESSION, "transcript") == before


@pytest.mark.parametrize(("speaker", "role"), [("S9", "other"), ("S1", "unknown"), ("S1", "boss")])
def test_only_a_voice_that_is_there_gets_a_role_that_exists(
    house: Clinic, speaker: str, role: str
) -> None:
    assert code_of(name(house, speaker, role)) == (400, "BadRequest")


def test_a_voice_is_not_named_after_the_signature(house: Clinic) -> None:
    sign(house, settle(house)["digest"])
    assert code_of(name(house, "S1", "patient", redraft=True)) == (409, "IllegalMove")


def test_without_a_ledger_no_voice_is_named(house: Clinic) -> None:
    before = house.ports.vault.get(SESSION, "transcript")
    house.ports.ledger.down = True
    assert code_of(name(house, "S1", "patient")) == (503, "LedgerUnavailable")
    assert house.ports.vault.get(SESSION, "transcript") == before


def test_a_draft_that_was_half_made_anew_is_the_old_draft_as_a_whole(
    house: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settle(house)
    put = house.ports.vault.put

    def crash(session_id: str, kind: str, content: bytes) -> None:
        if kind.startswith("check"):
            raise Crash
        put(session_id, kind, content)

    with monkeypatch.context() as broken:
        broken.setattr(house.ports.vault, "put", crash)
        assert name(house, "S1", "patient", redraft=True)["statusCode"] == 500
    assert house.document("GET", DRAFT)["text"] == before["text"]
    assert name(house, "S1", "patient", redraft=True)["statusCode"] == 200


def test_a_voice_is_not_named_under_a_signature_that_was_begun(
    house: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = settle(house)["digest"]
    with monkeypatch.context() as broken:
        broken.setattr(house.ports.records, "sign", lambda _: 1 / 0)
        sign(house, digest)
    assert code_of(name(house, "S1", "patient", redraft=True)) == (409, "IllegalMove")


# Signing ------------------------------------------------------------------------------------


def test_signing_seals_exactly_the_bytes_that_were_shown(house: Clinic) -> None:
    shown = settle(house)
    assert shown["open"] == []
    assert sign(house, shown["digest"])["statusCode"] == 201
    note = house.ports.vault.get(SESSION, "note")
    assert note.decode() == shown["text"]
    assert hashlib.sha256(note).hexdigest() == shown["digest"]
    signature = house.ports.records.signature(SESSION)
    assert (signature.clinician_id, signature.licence) == (DANA.id, DANA.licence)
    assert house.ports.records.session(SESSION).state is State.SIGNED
    assert house.ports.workflow.resumed == [("task-token", {"session_id": SESSION})]
    entry = house.ports.ledger.events[-1]
    assert (entry.id, entry.act) == (f"{SESSION}/signed", "note.signed")
    assert entry.hashes == {"note": shown["digest"]}
    assert entry.policies == ("own-clinician-edits-and-signs",)


@pytest.mark.parametrize("person", [COLLEAGUE, STRANGER, SUPERVISOR], ids=lambda p: p.id)
def test_nobody_else_signs(house: Clinic, person: Person) -> None:
    shown = settle(house)
    assert code_of(sign(house, shown["digest"], person=person)) == (403, "AccessDenied")
    assert house.ports.records.signature(SESSION) is None


def test_without_a_licence_there_is_no_signature(house: Clinic) -> None:
    shown = settle(house)
    house.ports.records.add_person(Person(DANA.id, DANA.name, DANA.roles, DANA.site))
    assert code_of(sign(house, shown["digest"])) == (403, "AccessDenied")


def test_after_24_hours_the_review_is_closed(house: Clinic) -> None:
    shown = settle(house)
    house.ports.clock.forward(hours=24)
    assert code_of(sign(house, shown["digest"])) == (409, "ReviewClosed")
    assert code_of(change(house, "s7", version=4, strike=True)) == (409, "ReviewClosed")
    assert house.ports.records.signature(SESSION) is None


def test_a_locked_draft_is_not_signed(house: Clinic) -> None:
    shown = settle(house)
    house.ports.records.move(SESSION, State.AWAITING_SIGNATURE, State.LOCKED)
    assert code_of(sign(house, shown["digest"])) == (409, "ReviewClosed")


def test_an_unfinished_draft_is_not_signed(house: Clinic) -> None:
    shown = house.document("GET", DRAFT)
    assert {point["sentence"] for point in shown["open"]} == {"s2", "s4", "s5"}
    assert code_of(sign(house, shown["digest"])) == (409, "ReviewIncomplete")


def test_a_draft_that_changed_since_it_was_shown_is_not_signed(house: Clinic) -> None:
    shown = settle(house)
    change(house, "s7", version=shown["version"], text="Something else.")
    assert code_of(sign(house, shown["digest"])) == (409, "DraftChanged")
    refused = house.ports.ledger.events[-1]
    assert (refused.act, refused.reason) == ("signature.refused", "DraftChanged")


def test_without_the_attestation_there_is_no_signature(house: Clinic) -> None:
    body = {"digest": settle(house)["digest"], "attestation": False}
    assert code_of(house.ask("POST", SIGNATURE, json_body=body)) == (409, "ReviewIncomplete")


def test_signing_twice_is_signing_once(house: Clinic) -> None:
    digest = settle(house)["digest"]
    first = sign(house, digest)
    house.ports.clock.forward(minutes=3)
    assert sign(house, digest)["body"] == first["body"]
    assert house.ports.ledger.acts().count("note.signed") == 1
    assert code_of(sign(house, "0" * 64)) == (409, "DraftChanged")


def test_without_a_ledger_nothing_is_signed_and_the_draft_stays_open(house: Clinic) -> None:
    shown = settle(house)
    house.ports.ledger.down = True
    assert code_of(sign(house, shown["digest"])) == (503, "LedgerUnavailable")
    assert house.ports.records.signature(SESSION) is None
    assert house.ports.vault.get(SESSION, "note") is None
    house.ports.ledger.down = False
    answer = change(house, "s7", version=shown["version"], strike=True)
    assert answer["statusCode"] == 200


class Crash(Exception):
    """The process ends here."""


@pytest.mark.parametrize("step", ["vault.put", "records.sign", "records.move", "workflow.resume"])
def test_a_crash_at_any_step_of_signing_is_mended_by_signing_again(
    house: Clinic, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = settle(house)["digest"]
    port, method = step.split(".")

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(getattr(house.ports, port), method, crash)
        lost = sign(house, digest)
    assert lost["statusCode"] == (201 if step == "workflow.resume" else 500)
    house.ports.clock.forward(minutes=1)
    assert sign(house, digest)["statusCode"] == 201
    assert house.ports.records.session(SESSION).state is State.SIGNED
    assert house.ports.records.signature(SESSION).digest == digest
    assert house.ports.ledger.acts().count("note.signed") == 1


def test_the_text_cannot_change_under_a_signature_that_was_begun(
    house: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = settle(house)

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(house.ports.records, "sign", crash)
        sign(house, shown["digest"])
    refused = change(house, "s7", version=shown["version"], strike=True)
    assert code_of(refused) == (409, "IllegalMove")


def test_a_lost_workflow_does_not_lose_the_signature(house: Clinic) -> None:
    house.ports.workflow.dead_tokens.add("task-token")
    assert sign(house, settle(house)["digest"])["statusCode"] == 201
    assert house.ports.records.session(SESSION).state is State.SIGNED


# The wire -----------------------------------------------------------------------------------


def test_every_refusal_has_the_same_form(house: Clinic) -> None:
    for method, path, status, code in (
        ("GET", "/api/sessions/s-9", 404, "SessionUnknown"),
        ("GET", "/api/nothing", 404, "PageUnknown"),
        ("POST", SIGNATURE, 400, "BadRequest"),
        ("DELETE", f"/api/patients/{PATIENT}/consents/everything", 400, "BadRequest"),
        ("DELETE", "/api/patients/p-9/consents/recording", 404, "PatientUnknown"),
    ):
        answer = house.ask(method, path, json_body=None)
        assert code_of(answer) == (status, code), path
        assert set(json.loads(answer["body"])["error"]) == {"code", "message", "hint"}


def test_a_fault_of_ours_says_nothing_of_what_it_choked_on(
    house: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    house.ports.vault.put(SESSION, "draft", f'{{"template": "{SPOKEN}"'.encode())
    answer = house.ask("GET", DRAFT)
    assert code_of(answer) == (500, "PortalFault")
    said = capsys.readouterr()
    assert SPOKEN not in answer["body"] + said.out + said.err


def test_a_cookie_alone_changes_nothing_from_another_site(house: Clinic) -> None:
    cookie = [f"__Host-countersign=token-{DANA.id}"]
    body = {"patient_id": PATIENT}
    for headers in ({}, {"origin": "https://evil.example.org"}, {"origin": PORTAL}):
        answer = house.ask(
            "POST", "/api/sessions", json_body=body, person=None, headers=headers, cookies=cookie
        )
        assert code_of(answer) == (403, "CrossSiteRequest")


def test_no_answer_may_be_cached(house: Clinic) -> None:
    for path in (DRAFT, f"/sessions/{SESSION}", "/", "/nothing"):
        assert house.ask("GET", path)["headers"]["Cache-Control"] == "no-store"


def test_a_patient_without_clinicians_is_nobodys_to_open(house: Clinic) -> None:
    house.ports.records.add_patient(Patient("p-2", "north", (), {}))
    answer = house.ask("POST", "/api/sessions", json_body={"patient_id": "p-2"})
    assert code_of(answer) == (403, "AccessDenied")


def test_ledger_entries_hold_no_words(house: Clinic) -> None:
    sign(house, settle(house)["digest"])
    leaves = b"".join(event.leaf() for event in house.ports.ledger.events).decode()
    for word in (SPOKEN, "Tunde", "sertraline", "diary"):
        assert word not in leaves
