"""One session through the workflow file: the way it should go, and every way it can go wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from countersign.consent import Purpose
from countersign.errors import (
    AudioNotErased,
    EhrUnavailable,
    KeyDestroyed,
    LedgerUnavailable,
    ReviewClosed,
    SurrogateCollision,
)
from countersign.ports import Signature
from countersign.segments import Progress, Stage
from countersign.session import State
from lambdas import recording
from lambdas.oversight.redrive import handler as redrive
from lambdas.oversight.settle_recordings import handler as settle
from lambdas.oversight.sweep_audio import handler as sweep_audio
from lambdas.wiring import Ports
from tests import fakes
from tests.machine import machine
from tests.sessions import SID, World, output_of, ready, transcript


@pytest.fixture
def world() -> Iterator[World]:
    ports = ready()
    with machine("session", ports) as flow:
        made = World(ports, flow)
        made.agree(*Purpose)
        yield made


# The way it should go -----------------------------------------------------------------------


def test_a_session_goes_from_consent_to_a_closed_record(world: World) -> None:
    world.upload()
    world.heard()
    world.reviewed()
    assert world.ports.audio.objects == {}
    assert world.ports.ehr.documents == {}, "nothing is delivered before the signature"

    world.signs()

    assert world.machine.finished(SID) == "SUCCEEDED"
    assert world.session.state is State.CLOSED
    assert len(world.ports.ehr.documents) == 1
    acts = world.ports.ledger.acts(SID)
    # The run starts beside the segment's own way: only their order among themselves is fixed.
    acts.remove("consent.checked")
    assert acts == [
        "audio.received",
        "speech.asked",
        "recording.ended",
        "segment.transcribed",
        "audio.erasing",
        "audio.erased",
        "transcript.stored",
        "audio.erasing",
        "audio.erased",
        "transcript.redacted",
        "note.drafted",
        next(a for a in world.ports.ledger.acts(SID) if a.startswith("note.checked.")),
        "review.opened",
        "note.delivered",
        "session.closed",
    ]


def test_the_drafter_never_sees_an_identifier(world: World) -> None:
    world.upload()
    world.heard()
    world.reviewed()
    for kind in ("redacted", "draft"):
        assert b"Marisol" not in world.ports.vault.get(SID, kind)
    assert b"Marisol" in world.ports.vault.get(SID, "transcript")


def test_nothing_of_what_was_said_is_in_the_workflow_or_the_ledger(world: World) -> None:
    world.upload()
    world.heard()
    world.reviewed()
    world.signs()
    world.machine.finished(SID)
    leaves = b"".join(event.leaf() for event in world.ports.ledger.events).decode()
    history = world.machine._client.get_execution_history(
        executionArn=world.machine.arn.replace(":stateMachine:", ":execution:") + f":{SID}",
        includeExecutionData=True,
    )["events"]
    told = json.dumps(world.ports.pager.told)
    for marker in ("Marisol", "Vega", "sleep", "breathing", "hurting"):
        assert marker not in leaves + json.dumps(history, default=str) + told


# Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [(), (Purpose.RECORDING,), (Purpose.AI_PROCESSING,)])
def test_without_both_consents_nothing_is_transcribed_and_all_is_destroyed(
    given: tuple[Purpose, ...],
) -> None:
    ports = ready()
    with machine("session", ports) as flow:
        world = World(ports, flow)
        world.agree(*given)
        world.upload()
        assert flow.finished(SID) == "FAILED"
    assert ports.speech.submitted == []
    assert ports.audio.objects == {}
    assert world.session.state is State.FAILED
    assert ("amy", "session.ConsentMissing", SID) in ports.pager.told
    with pytest.raises(KeyDestroyed):
        ports.vault.get(SID, "transcript")


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ('Received client error (422): {"error": {"code": "NoSpeech"}}', "NoSpeech"),
        ('Received client error (415): {"error": {"code": "NotAudio"}}', "NotAudio"),
        (
            'Received client error from primary with message "{\\"code\\":\\"TruncatedAudio\\"}"',
            "TruncatedAudio",
        ),
    ],
)
def test_a_recording_that_is_none_is_erased_and_the_clinician_told_why(
    world: World, reason: str, code: str
) -> None:
    world.upload()
    world.failed(reason)
    assert world.machine.finished(SID) == "FAILED"
    assert len(world.ports.speech.submitted) == 1, "trying again would change nothing"
    assert world.ports.audio.objects == {}
    assert world.session.state is State.FAILED
    assert world.session.failure == code
    assert ("amy", f"session.{code}", SID) in world.ports.pager.told


def test_an_endpoint_that_dies_half_way_is_asked_again(world: World) -> None:
    world.upload()
    world.failed("The container was stopped")
    first = world.ports.speech.submitted[0]["inference_id"]
    world.heard(times=2)
    world.reviewed()
    assert world.ports.speech.submitted[1]["inference_id"] != first
    assert world.ports.audio.objects == {}


def test_an_endpoint_that_stays_dead_leaves_no_audio_and_tells_the_clinician(world: World) -> None:
    world.upload()
    for attempt in (1, 2, 3):
        world.failed("The container was stopped", times=attempt)
    assert world.machine.finished(SID) == "FAILED"
    assert world.ports.audio.objects == {}
    assert ("amy", "session.SpeechFailed", SID) in world.ports.pager.told


def test_an_output_that_is_no_transcript_is_not_counted_as_one(world: World) -> None:
    world.upload()
    inference = world.asked()["inference_id"]
    key = output_of(inference)
    world.ports.audio.put(key, b'{"turns": []}')
    world.notice(
        {
            "invocationStatus": "Completed",
            "inferenceId": inference,
            "responseParameters": {"outputLocation": f"s3://ingest/{key}"},
        }
    )
    world.heard(times=2)
    world.reviewed()
    assert len(world.ports.speech.submitted) == 2


def test_audio_is_not_erased_while_the_transcript_is_not_durable(world: World) -> None:
    world.upload()
    world.asked()
    records = world.ports.records
    records.move(SID, State.RECEIVED, State.TRANSCRIBED)
    with pytest.raises(Exception, match="no durable transcript"):
        world.machine.invoke("erase_audio", {"session_id": SID, "run": SID})
    assert len(world.ports.audio.objects) == 1


def test_a_version_that_survives_the_erasure_stops_the_session(world: World) -> None:
    world.ports.audio.stubborn.add(f"audio/{SID}/00000")
    world.upload()
    with pytest.raises(AudioNotErased):
        world.heard()
    assert world.session.state is State.RECEIVED, "the session does not go on"
    assert "audio.erased" not in world.ports.ledger.acts(SID)
    world.ports.audio.stubborn.clear()
    settle({}, None, ports=world.ports)
    world.reviewed()
    assert world.ports.audio.objects == {}


def test_a_transcript_that_fakes_a_surrogate_is_refused(world: World) -> None:
    said = transcript()
    turn = said.turns[1].model_copy(update={"text": "My name is [PATIENT_1] he said."})
    forged = said.model_copy(update={"turns": (said.turns[0], turn, *said.turns[2:])})
    world.upload()
    world.heard(forged)
    assert world.machine.finished(SID) == "FAILED"
    assert SurrogateCollision.__name__ in world.machine.errors
    assert world.ports.audio.objects == {}


# Repetition and lateness --------------------------------------------------------------------


def test_a_repeated_upload_event_starts_nothing_twice(world: World) -> None:
    world.upload()
    world.upload()
    world.heard()
    world.reviewed()
    world.upload()
    assert len(world.ports.speech.submitted) == 1
    assert world.machine.trail.count("check_consent") == 1
    assert world.ports.ledger.acts(SID).count("audio.received") == 1


def test_an_upload_after_the_erasure_is_erased_at_once(world: World) -> None:
    world.upload()
    world.heard()
    world.reviewed()
    world.upload(b"again")
    assert world.ports.audio.objects == {}
    assert world.session.state is State.AWAITING_SIGNATURE


def test_a_notice_that_comes_twice_changes_nothing(world: World) -> None:
    world.upload()
    world.heard()
    world.reviewed()
    entries = len(world.ports.ledger.events)
    world.notice(
        {
            "invocationStatus": "Completed",
            "inferenceId": f"{SID}.0.1",
            "responseParameters": {"outputLocation": f"s3://ingest/speech/{SID}/0-1.out"},
        }
    )
    assert len(world.ports.ledger.events) == entries
    assert world.session.state is State.AWAITING_SIGNATURE


def test_after_24_hours_the_draft_is_locked_kept_and_the_supervisor_told() -> None:
    ports = ready()
    with machine("session", ports, hurry={"AwaitSignature": 1}) as flow:
        world = World(ports, flow)
        world.agree(*Purpose)
        world.upload()
        world.heard()
        assert flow.finished(SID) == "SUCCEEDED"
    assert world.session.state is State.LOCKED
    assert ports.vault.get(SID, "draft") is not None
    assert ("supervisor/main", "review.locked", SID) in ports.pager.told
    assert ports.ehr.documents == {}


def test_a_signature_after_24_hours_is_refused(world: World) -> None:
    from lambdas.portal import draft

    world.upload()
    world.heard()
    world.reviewed()
    world.ports.clock.forward(hours=24)
    amy = world.ports.records.person("amy")
    with pytest.raises(ReviewClosed):
        draft.sign(world.ports, amy, SID, "0" * 64, True, world.ports.clock.now())
    assert world.session.state is State.AWAITING_SIGNATURE
    assert world.ports.records.signature(SID) is None


# Crashes ------------------------------------------------------------------------------------


def _until_state(world: World, state: State) -> None:
    """Drives the session by hand, step by step, until it is in `state`; no run is alive."""
    steps = {
        State.RECEIVED: (),
        State.TRANSCRIBED: (),
        State.AUDIO_ERASED: ("erase_audio",),
        State.REDACTED: ("erase_audio", "redact"),
        State.DRAFTED: ("erase_audio", "redact", "draft"),
    }
    records = world.ports.records
    world.ports.audio.put(f"audio/{SID}/00000", b"RIFF")
    records.move(SID, State.REGISTERED, State.RECEIVED)
    if state is State.RECEIVED:
        held = Progress(index=0, at=world.ports.clock.now(), stage=Stage.RECEIVED, attempts=1)
        records.put_segment(SID, held)
        recording.end(world.session, 1, "recorder", world.ports)
        recording.ask(world.session, held, world.ports)
        return
    world.ports.vault.put(SID, "transcript", transcript().model_dump_json().encode())
    records.move(SID, State.RECEIVED, State.TRANSCRIBED)
    for step in steps[state]:
        world.machine.invoke(step, {"session_id": SID, "run": "lost"})
    assert world.session.state is state


@pytest.mark.parametrize(
    "state",
    [
        State.RECEIVED,
        State.TRANSCRIBED,
        State.AUDIO_ERASED,
        State.REDACTED,
        State.DRAFTED,
    ],
)
def test_a_run_lost_at_any_state_is_taken_up_from_the_records(world: World, state: State) -> None:
    _until_state(world, state)
    entries = world.ports.ledger.acts(SID)
    assert redrive({}, None, ports=world.ports) == {"redriven": 1}
    if state is State.RECEIVED:
        world.heard()
    world.reviewed()
    assert world.ports.audio.objects == {}
    acts = world.ports.ledger.acts(SID)
    assert acts[: len(entries)] == entries
    entered = [event.id for event in world.ports.ledger.events]
    assert len(set(entered)) == len(entered), "no step was entered twice"
    world.signs()
    assert world.machine.finished(world.session.run or SID) == "SUCCEEDED"
    assert world.session.state is State.CLOSED


def _waiting_then_lost() -> Ports:
    """A session that waits for its signature, whose orchestrator is gone with everything in it."""
    ports = ready()
    with machine("session", ports) as first:
        world = World(ports, first)
        world.agree(*Purpose)
        world.upload()
        world.heard()
        world.reviewed()
        first.until(lambda: ports.records.wait(SID, "signature"))
    return ports


def test_a_run_lost_while_waiting_for_the_signature_still_delivers_once() -> None:
    ports = _waiting_then_lost()
    lost_token = ports.records.wait(SID, "signature")
    with machine("session", ports) as second:
        world = World(ports, second)
        assert redrive({}, None, ports=ports) == {"redriven": 1}
        second.until(lambda: ports.records.wait(SID, "signature") != lost_token)
        world.signs()
        second.until(lambda: world.session.state is State.CLOSED)
    assert len(ports.ehr.documents) == 1
    assert len(ports.speech.submitted) == 1, "nothing is transcribed twice"


def test_a_run_lost_just_after_the_signature_still_delivers() -> None:
    ports = _waiting_then_lost()
    text = "Progress note\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    ports.records.sign(Signature(SID, "amy", "L-1", digest, ports.clock.now()))
    ports.vault.put(SID, "note", text.encode())
    with machine("session", ports) as second:
        world = World(ports, second)
        redrive({}, None, ports=ports)
        second.until(lambda: world.session.state is State.CLOSED)
    assert len(ports.ehr.documents) == 1


def test_a_run_that_still_runs_is_left_alone(world: World) -> None:
    world.upload()
    world.heard()
    world.reviewed()
    assert redrive({}, None, ports=world.ports) == {"redriven": 0}


@pytest.mark.parametrize("step", ["erase_audio", "redact", "draft"])
def test_a_step_that_is_repeated_does_its_work_once(world: World, step: str) -> None:
    before = {
        "erase_audio": State.TRANSCRIBED,
        "redact": State.AUDIO_ERASED,
        "draft": State.REDACTED,
    }
    _until_state(world, before[step])
    world.machine.invoke(step, {"session_id": SID, "run": "one"})
    entries = len(world.ports.ledger.events)
    world.ports.clock.forward(minutes=3)
    world.machine.invoke(step, {"session_id": SID, "run": "two"})
    assert len(world.ports.ledger.events) == entries


# The ledger and the record system -----------------------------------------------------------


def test_without_a_ledger_entry_nothing_changes(world: World) -> None:
    _until_state(world, State.AUDIO_ERASED)
    world.ports.ledger.down = True
    with pytest.raises(LedgerUnavailable):
        world.machine.invoke("redact", {"session_id": SID, "run": "one"})
    assert world.session.state is State.AUDIO_ERASED


def test_without_a_ledger_no_audio_is_erased_and_no_upload_starts(world: World) -> None:
    world.ports.ledger.down = True
    with pytest.raises(LedgerUnavailable):
        world.upload()
    assert world.session.state is State.REGISTERED
    assert world.ports.speech.submitted == []
    assert len(world.ports.audio.objects) == 1


def test_a_record_system_that_is_away_gets_the_note_later_and_once() -> None:
    ehr = fakes.FakeEhr()
    ehr.refuse = [EhrUnavailable("no answer"), EhrUnavailable("no answer")]
    ports = ready(ehr=ehr)
    with machine("session", ports) as flow:
        world = World(ports, flow)
        world.agree(*Purpose)
        world.upload()
        world.heard()
        world.reviewed()
        world.signs()
        assert flow.finished(SID) == "SUCCEEDED"
    assert len(ehr.documents) == 1


def test_a_signed_note_is_never_failed_only_delivered_later() -> None:
    ehr = fakes.FakeEhr()
    ehr.refuse = [EhrUnavailable("no answer")] * 9
    ports = ready(ehr=ehr)
    with machine("session", ports) as flow:
        world = World(ports, flow)
        world.agree(*Purpose)
        world.upload()
        world.heard()
        world.reviewed()
        world.signs()
        assert flow.finished(SID) == "FAILED"
        assert world.session.state is State.SIGNED
        assert ("amy", "session.EhrUnavailable", SID) in ports.pager.told
        redrive({}, None, ports=ports)
        flow.until(lambda: world.session.state is State.CLOSED)
    assert len(ehr.documents) == 1


# The sweeper --------------------------------------------------------------------------------


def test_audio_past_the_hard_limit_is_erased_and_the_run_ends(world: World) -> None:
    world.upload()
    world.asked()
    world.ports.clock.forward(hours=3, minutes=59)
    assert sweep_audio({}, None, ports=world.ports)["objects"] == 0
    world.ports.clock.forward(minutes=1)
    assert sweep_audio({}, None, ports=world.ports)["objects"] == 1
    assert world.ports.audio.objects == {}
    assert world.machine.finished(SID) == "FAILED"
    assert world.session.state is State.FAILED
    assert ("amy", "session.AudioLimit", SID) in world.ports.pager.told


def test_an_output_that_came_after_the_erasure_is_swept(world: World) -> None:
    world.upload()
    world.heard()
    world.reviewed()
    world.ports.audio.put(f"speech/{SID}/0-2.out", b"late")
    world.ports.clock.forward(hours=4)
    sweep_audio({}, None, ports=world.ports)
    assert world.ports.audio.objects == {}
    assert world.session.state is State.AWAITING_SIGNATURE
