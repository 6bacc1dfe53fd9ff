"""A clinician's own voice: enrolled by nobody else, kept apart, deleted with its key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from countersign.errors import KeyDestroyed
from countersign.ports import Person
from countersign.voiceprint import encode
from lambdas import enrolment
from lambdas.adapters.speech import SageMakerSpeech
from lambdas.adapters.vault import S3Vault
from lambdas.capture.on_upload import handler as on_upload
from lambdas.oversight.sweep_audio import handler as sweep
from lambdas.session.on_speech import handler as on_speech
from tests.portal import COLLEAGUE, DANA, DESK, SUPERVISOR, Clinic, clinic

VOICE = encode([1.0, *[0.25] * 255])
OTHER = encode([-1.0, *[0.25] * 255])


@pytest.fixture
def house() -> Clinic:
    return clinic()


def ask(house: Clinic, consent: bool = True, person: Person = DANA) -> dict[str, Any]:
    body = {"content_type": "audio/webm", "consent": consent}
    return house.ask("POST", "/api/me/voice/upload", json_body=body, person=person)


def upload(house: Clinic, person: Person = DANA) -> str:
    """A ticket, the recording, and the event that it has arrived; the enrolment's id."""
    key = str(json.loads(ask(house, person=person)["body"])["key"])
    house.ports.audio.put(key, b"a recording")
    arrive(house, key)
    return key.split("/")[1]


def arrive(house: Clinic, key: str) -> None:
    on_upload({"detail": {"object": {"key": key}}}, None, ports=house.ports)


def notice(house: Clinic, session_id: str, answer: object = None, failure: str = "") -> None:
    message: dict[str, Any] = {"inferenceId": f"{session_id}.1", "invocationStatus": "Failed"}
    message["failureReason"] = failure
    key = f"speech/{session_id}/1.out"
    if answer is not None:
        house.ports.audio.put(key, json.dumps(answer).encode())
        message["invocationStatus"] = "Completed"
        message["responseParameters"] = {"outputLocation": f"s3://ingest/{key}"}
    event = {"Records": [{"Sns": {"Message": json.dumps(message)}}]}
    on_speech(event, None, ports=house.ports)


def enrol(house: Clinic, voice: str = VOICE, person: Person = DANA) -> str:
    session_id = upload(house, person)
    notice(house, session_id, {"voice": voice, "seconds": 19.5})
    return session_id


def standing(house: Clinic, person: Person = DANA) -> dict[str, Any]:
    return house.document("GET", "/api/me/voice", person=person)


def code_of(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["statusCode"], json.loads(answer["body"])["error"]["code"]


def test_from_the_recording_to_the_print(house: Clinic) -> None:
    assert standing(house) == {
        "enrolled": False,
        "since": None,
        "waiting": False,
        "failure": None,
    }
    session_id = upload(house)
    assert session_id == "voice-dana-1"
    assert house.ports.speech.enrolled == [(session_id, f"audio/{session_id}/00000")]
    assert standing(house)["waiting"] is True
    notice(house, session_id, {"voice": VOICE, "seconds": 19.5})
    now = house.ports.clock.now().isoformat()
    assert standing(house) == {"enrolled": True, "since": now, "waiting": False, "failure": None}
    assert enrolment.print_of(house.ports, DANA.id) == VOICE
    assert enrolment.print_of(house.ports, COLLEAGUE.id) is None


def test_recording_and_answer_are_erased_at_once_with_a_receipt(house: Clinic) -> None:
    session_id = enrol(house)
    assert house.ports.audio.listing() == ()
    erased = next(e for e in house.ports.ledger.events if e.act == "audio.erased")
    assert (erased.subject, erased.counts) == (session_id, {"erased": 2, "left": 0})
    assert erased.hashes["receipt"]


def test_the_ledger_tells_all_of_it_and_nothing_of_the_voice(house: Clinic) -> None:
    enrol(house)
    house.ask("DELETE", "/api/me/voice")
    acts = house.ports.ledger.acts()
    assert acts == [
        "voice.upload_allowed",
        "audio.received",
        "voice.enrolled",
        "audio.erased",
        "voice.deleted",
    ]
    allowed = house.ports.ledger.events[0]
    assert allowed.policies == ("clinician-enrols-own-voice",)
    assert allowed.hashes == {"consent": enrolment.rules().consent_digest}
    leaves = b"".join(event.leaf() for event in house.ports.ledger.events).decode()
    assert VOICE not in leaves


def test_the_print_is_never_shown_nor_logged(
    house: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    enrol(house)
    shown = [house.ask("GET", path)["body"] for path in ("/", "/voice", "/api/me/voice")]
    said = capsys.readouterr()
    assert VOICE not in "".join([*shown, said.out, said.err])


def test_without_agreeing_nothing_is_recorded(house: Clinic) -> None:
    assert code_of(ask(house, consent=False)) == (403, "ConsentMissing")
    assert house.ports.audio.tickets == []


@pytest.mark.parametrize("person", [DESK, Person("ira", "Ira", ("it_admin",), "north")])
def test_only_clinicians_enrol(house: Clinic, person: Person) -> None:
    house.ports.records.add_person(person)
    assert code_of(ask(house, person=person)) == (403, "AccessDenied")
    assert "/voice" not in house.ask("GET", "/", person=person)["body"]
    assert "I agree" not in house.ask("GET", "/voice", person=person)["body"]


def test_deleting_destroys_the_key_and_enrolling_again_works(house: Clinic) -> None:
    first = enrol(house)
    assert house.document("DELETE", "/api/me/voice") == {"deleted": 1}
    assert standing(house)["enrolled"] is False
    assert enrolment.print_of(house.ports, DANA.id) is None
    with pytest.raises(KeyDestroyed):
        house.ports.vault.get(first, "voice")
    house.ports.clock.forward(minutes=1)
    assert enrol(house, OTHER) == "voice-dana-2"
    assert enrolment.print_of(house.ports, DANA.id) == OTHER


def test_deleting_what_is_not_there_changes_nothing(house: Clinic) -> None:
    assert house.document("DELETE", "/api/me/voice") == {"deleted": 0}
    assert house.ports.ledger.acts() == []


def test_who_is_no_clinician_any_more_still_deletes(house: Clinic) -> None:
    enrol(house)
    house.ports.records.add_person(Person(DANA.id, DANA.name, (), DANA.site))
    assert house.ask("POST", "/voice/delete", form={})["statusCode"] == 303
    assert enrolment.print_of(house.ports, DANA.id) is None


def test_nobody_deletes_anybody_elses(house: Clinic) -> None:
    enrol(house)
    house.document("DELETE", "/api/me/voice", person=SUPERVISOR)
    assert enrolment.print_of(house.ports, DANA.id) == VOICE


def test_an_enrolment_stays_in_use_until_a_better_one_has_arrived(house: Clinic) -> None:
    first = enrol(house)
    second = upload(house)
    assert enrolment.print_of(house.ports, DANA.id) == VOICE
    notice(house, second, failure='{"code": "NoSpeech"}')
    assert enrolment.print_of(house.ports, DANA.id) == VOICE
    assert standing(house)["failure"] == "NoSpeech"
    third = enrol(house, OTHER)
    assert (first, second, third) == ("voice-dana-1", "voice-dana-2", "voice-dana-3")
    assert enrolment.print_of(house.ports, DANA.id) == OTHER
    assert first in house.ports.vault.shredded


@pytest.mark.parametrize(
    "answer", [{"voice": VOICE, "seconds": 2}, {"turns": []}], ids=["too short", "no print"]
)
def test_a_recording_that_gives_no_good_print_is_refused_and_erased(
    house: Clinic, answer: dict[str, Any]
) -> None:
    notice(house, upload(house), answer)
    assert standing(house)["failure"] == "VoiceUnclear"
    assert house.ports.audio.listing() == ()
    assert "Record it again" in house.ask("GET", "/voice")["body"]


def test_deleting_while_it_is_on_its_way_leaves_nothing_behind(house: Clinic) -> None:
    session_id = upload(house)
    house.document("DELETE", "/api/me/voice")
    assert house.ports.audio.listing() == ()
    notice(house, session_id, {"voice": VOICE, "seconds": 19.5})
    assert enrolment.print_of(house.ports, DANA.id) is None
    assert house.ports.audio.listing() == ()
    assert "voice.enrolled" not in house.ports.ledger.acts()


def test_a_recording_that_nobody_waits_for_is_erased_unheard(house: Clinic) -> None:
    key = str(json.loads(ask(house)["body"])["key"])
    house.document("DELETE", "/api/me/voice")
    house.ports.audio.put(key, b"late")
    arrive(house, key)
    assert house.ports.speech.enrolled == []
    assert house.ports.audio.listing() == ()


def test_a_notice_that_comes_twice_enrols_once(house: Clinic) -> None:
    session_id = enrol(house)
    house.ports.clock.forward(minutes=1)
    notice(house, session_id, {"voice": OTHER, "seconds": 19.5})
    assert enrolment.print_of(house.ports, DANA.id) == VOICE
    assert house.ports.ledger.acts().count("voice.enrolled") == 1
    assert house.ports.audio.listing() == ()


def test_the_sweeper_takes_an_enrolment_that_nobody_answered(house: Clinic) -> None:
    upload(house)
    house.ports.clock.forward(days=1)
    sweep({}, None, ports=house.ports)
    assert house.ports.audio.listing() == ()
    assert standing(house)["failure"] == "AudioLimit"


def test_without_a_ledger_nothing_is_enrolled_or_deleted(house: Clinic) -> None:
    session_id = upload(house)
    house.ports.ledger.down = True
    with pytest.raises(Exception, match="ledger"):
        notice(house, session_id, {"voice": VOICE, "seconds": 19.5})
    assert enrolment.print_of(house.ports, DANA.id) is None
    assert code_of(house.ask("DELETE", "/api/me/voice")) == (503, "LedgerUnavailable")
    house.ports.ledger.down = False
    notice(house, session_id, {"voice": VOICE, "seconds": 19.5})
    assert enrolment.print_of(house.ports, DANA.id) == VOICE


def test_one_page_may_record_and_send_and_no_other(house: Clinic) -> None:
    page = house.ask("GET", "/voice")
    assert "microphone=(self)" in page["headers"]["Permissions-Policy"]
    policy = page["headers"]["Content-Security-Policy"]
    assert "connect-src 'self' https://ingest.example.org;" in policy
    assert "unsafe" not in policy
    home = house.ask("GET", "/")
    assert "microphone=()" in home["headers"]["Permissions-Policy"]
    assert "connect-src 'self';" in home["headers"]["Content-Security-Policy"]
    assert "/voice" in home["body"]


def test_a_form_from_another_site_deletes_nothing(house: Clinic) -> None:
    enrol(house)
    answer = house.ask("POST", "/voice/delete", form={"csrf": "x"})
    assert answer["statusCode"] == 403
    assert enrolment.print_of(house.ports, DANA.id) == VOICE


class Runtime:
    """The endpoint's client, which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def invoke_endpoint_async(self, **request: Any) -> None:
        self.asked = request


def test_the_endpoint_is_asked_for_a_print_where_erasure_looks_for_it() -> None:
    runtime = Runtime()
    SageMakerSpeech(runtime, "speech", "ingest").enrol("voice-d-1", "audio/voice-d-1/00000")
    assert runtime.asked["CustomAttributes"] == "session=voice-d-1;task=enrol"
    assert runtime.asked["S3OutputPathExtension"] == "voice-d-1"
    assert runtime.asked["InferenceId"] == "voice-d-1.1"


def test_with_the_real_vault_a_deleted_print_is_gone_and_the_next_one_has_its_own_key(
    client: Any, table: str, bucket: str
) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    vault = S3Vault(
        client("s3"),
        client("kms"),
        client("dynamodb"),
        bucket=bucket,
        key_arn=key,
        keys_table=table,
    )
    house = clinic(vault=vault)
    enrol(house)
    sealed = client("s3").get_object(Bucket=bucket, Key="voice-dana-1/voice")["Body"].read()
    assert VOICE.encode() not in sealed
    house.document("DELETE", "/api/me/voice")
    with pytest.raises(KeyDestroyed):
        vault.get("voice-dana-1", "voice")
    enrol(house, OTHER)
    assert enrolment.print_of(house.ports, DANA.id) == OTHER
