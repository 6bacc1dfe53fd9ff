"""A recording in segments: in whatever order, twice, late or never, nothing is lost or kept."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import permutations

import pytest

from countersign.consent import Purpose
from countersign.erasure import AudioLimit
from countersign.errors import KeyDestroyed, SpeechBusy
from countersign.segments import Stage
from countersign.session import State
from countersign.transcript import read_transcript
from lambdas import policies, recording
from lambdas.capture.on_upload import handler as on_upload
from lambdas.oversight.settle_recordings import handler as settle
from lambdas.oversight.sweep_audio import handler as sweep
from tests.machine import definition, machine
from tests.sessions import PIECES, SAID, SID, World, ready


@pytest.fixture
def world() -> Iterator[World]:
    ports = ready()
    with machine("session", ports) as flow:
        made = World(ports, flow)
        made.agree(*Purpose)
        yield made


def said(world: World) -> list[str]:
    stored = world.ports.vault.get(SID, "transcript")
    return [turn.text for turn in read_transcript(stored).turns]


def doubts(world: World) -> list[str]:
    stored = world.ports.vault.get(SID, "transcript")
    return [doubt.code for doubt in read_transcript(stored).warnings]


WORDS = [text for _, text in SAID]


# While the session runs ----------------------------------------------------------------------


def test_each_segment_is_transcribed_and_erased_while_the_session_runs(world: World) -> None:
    world.sends(0)
    assert world.ports.speech.submitted[0]["inference_id"] == f"{SID}.0.1"
    assert world.stage(0) == Stage.RECEIVED
    world.hears_piece(0)
    assert world.stage(0) == Stage.ERASED
    assert world.ports.audio.objects == {}, "before the next one comes"
    erased = [e for e in world.ports.ledger.events if e.act == "audio.erased"]
    assert [(e.counts, e.reason) for e in erased] == [
        ({"erased": 2, "left": 0}, "transcript-durable")
    ]
    assert world.session.state is State.RECEIVED


def test_the_run_starts_with_the_first_segment_and_waits_for_the_last(world: World) -> None:
    world.sends(0)
    world.machine.until(lambda: world.ports.records.wait(SID, "speech"))
    world.hears_piece(0)
    assert world.machine.status(SID) == "RUNNING"
    assert "merge" not in world.machine.trail


@pytest.mark.parametrize("order", list(permutations(range(PIECES))))
def test_whatever_the_order_of_arrival_the_transcript_is_the_same(order: tuple[int, ...]) -> None:
    ports = ready()
    with machine("session", ports) as flow:
        world = World(ports, flow)
        world.agree(*Purpose)
        for index in order:
            world.sends(index)
        world.ends(PIECES)
        for index in reversed(order):
            world.hears_piece(index)
        world.reviewed()
    assert said(world) == WORDS
    assert "missing_audio" not in doubts(world)
    assert ports.audio.objects == {}


def test_the_recording_may_end_after_everything_is_transcribed(world: World) -> None:
    for index in range(PIECES):
        world.sends(index)
        world.hears_piece(index)
    assert world.session.state is State.RECEIVED
    world.ends(PIECES)
    world.reviewed()
    assert said(world) == WORDS


def test_what_the_segments_were_made_of_cannot_be_read_after_the_merge(world: World) -> None:
    for index in range(PIECES):
        world.sends(index)
        world.hears_piece(index)
    assert b"voice" in world.ports.vault.get(recording.sealed(SID), "00000")
    world.ends(PIECES)
    world.reviewed()
    with pytest.raises(KeyDestroyed):
        world.ports.vault.get(recording.sealed(SID), "00000")
    whole = read_transcript(world.ports.vault.get(SID, "transcript"))
    assert all(speaker.voice == "" for speaker in whole.speakers)


def test_a_doubt_is_known_while_there_is_time_to_do_something(world: World) -> None:
    world.sends(1)
    world.hears_piece(1)
    held = world.ports.records.segment(SID, 1)
    assert held is not None and held.doubts == ("low_level",)


# Twice ---------------------------------------------------------------------------------------


def test_an_upload_event_that_comes_twice_asks_once(world: World) -> None:
    world.sends(0)
    event = {"detail": {"object": {"key": f"audio/{SID}/00000"}}}
    on_upload(event, None, ports=world.ports)
    assert len(world.ports.speech.submitted) == 1
    world.hears_piece(0)
    on_upload(event, None, ports=world.ports)
    assert len(world.ports.speech.submitted) == 1


def test_a_segment_that_is_sent_again_after_its_erasure_is_erased(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    world.arrives(0, b"again")
    assert world.ports.audio.objects == {}
    assert world.stage(0) == Stage.ERASED
    assert world.ports.pager.told == [], "nothing is missing"


def test_an_answer_that_comes_twice_changes_nothing_and_leaves_nothing(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    before = world.ports.records.segment(SID, 0)
    world.hears_piece(0)
    assert world.ports.audio.objects == {}
    assert world.ports.records.segment(SID, 0) == before
    assert world.ports.ledger.acts(SID).count("segment.transcribed") == 1


def test_two_answers_at_once_neither_lose_nor_double(world: World) -> None:
    """Both functions have read the same version before either of them writes."""
    world.sends(0)
    stale = world.ports.records.segment(SID, 0)
    world.hears_piece(0)
    done = world.ports.records.segment(SID, 0)
    read = world.ports.records.segment
    world.ports.records.segment = lambda sid, index, first=[stale]: (
        first.pop() if first else read(sid, index)
    )
    world.hears_piece(0)
    world.ports.records.segment = read
    assert world.ports.records.segment(SID, 0) == done


def test_a_function_that_died_before_it_asked_is_made_good(world: World) -> None:
    submit = world.ports.speech.submit

    def dies(*_: object) -> None:
        raise SpeechBusy("the endpoint does not answer")

    world.ports.speech.submit = dies
    world.allow(0)
    with pytest.raises(SpeechBusy):
        world.arrives(0)
    world.ports.speech.submit = submit
    world.ports.clock.forward(minutes=3)
    settle({}, None, ports=world.ports)
    assert [asked["inference_id"] for asked in world.ports.speech.submitted] == [f"{SID}.0.1"]
    world.ends(1)
    world.heard()
    world.reviewed()


# Gaps ----------------------------------------------------------------------------------------


def test_a_segment_that_cannot_be_transcribed_is_a_gap_and_the_clinician_is_told(
    world: World,
) -> None:
    for index in range(PIECES):
        world.sends(index)
    world.ends(PIECES)
    world.hears_piece(0)
    for attempt in (1, 2, 3):
        world.fails(1, "The container was stopped", attempt)
    assert ("amy", "segment.SpeechFailed", SID) in world.ports.pager.told
    assert world.stage(1) == Stage.FAILED
    world.hears_piece(2)
    world.reviewed()
    assert said(world) == [*WORDS[:2], *WORDS[4:]]
    stored = read_transcript(world.ports.vault.get(SID, "transcript"))
    (gap,) = [doubt for doubt in stored.warnings if doubt.code == "missing_audio"]
    assert (gap.start, gap.end) == (20.0, 40.0)
    assert world.ports.audio.objects == {}


def test_a_segment_in_which_nobody_speaks_is_no_gap(world: World) -> None:
    world.sends(0)
    world.sends(1)
    world.ends(2)
    world.hears_piece(0)
    world.fails(1, '{"error": {"code": "NoSpeech"}}')
    world.reviewed()
    assert "missing_audio" not in doubts(world)
    assert world.ports.pager.told == [("amy", "review.waiting", SID)]


def test_a_session_of_silence_and_faults_fails_with_the_fault(world: World) -> None:
    for index in range(2):
        world.sends(index)
    world.ends(2)
    world.fails(0, '{"error": {"code": "NoSpeech"}}')
    world.fails(1, '{"error": {"code": "TruncatedAudio"}}')
    assert world.machine.finished(SID) == "FAILED"
    assert world.session.failure == "TruncatedAudio"
    assert ("amy", "session.TruncatedAudio", SID) in world.ports.pager.told


def test_an_old_attempt_that_fails_late_does_not_count_against_the_new_one(world: World) -> None:
    world.sends(0)
    world.fails(0, "The container was stopped")
    world.fails(0, "The container was stopped")
    assert len(world.ports.speech.submitted) == 2


def test_a_segment_that_never_comes_is_given_up_after_the_end(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    world.ends(3)
    world.allow(2, starts_at=40.0, seconds=20.0)
    world.ports.clock.forward(minutes=recording.rules().late_minutes - 1)
    settle({}, None, ports=world.ports)
    assert world.session.state is State.RECEIVED
    world.ports.clock.forward(minutes=1)
    settle({}, None, ports=world.ports)
    world.reviewed()
    assert said(world) == WORDS[:2]
    assert "missing_audio" in doubts(world)
    assert ("amy", "segment.AudioMissing", SID) in world.ports.pager.told


def test_a_segment_whose_event_was_lost_is_found_before_it_is_given_up(world: World) -> None:
    world.allow(0)
    world.ports.audio.put(f"audio/{SID}/00000", b"RIFF")
    recording.begin(world.session, world.ports)
    world.ends(1)
    world.ports.clock.forward(minutes=recording.rules().late_minutes)
    settle({}, None, ports=world.ports)
    world.heard()
    world.reviewed()


def test_a_recording_that_nobody_ends_is_ended(world: World) -> None:
    for index in range(2):
        world.sends(index)
        world.hears_piece(index)
    world.ports.clock.forward(minutes=recording.rules().quiet_minutes - 1)
    settle({}, None, ports=world.ports)
    assert world.ports.records.ended(SID) is None
    world.ports.clock.forward(minutes=1)
    settle({}, None, ports=world.ports)
    world.reviewed()
    assert said(world) == WORDS[:4]
    assert ("amy", "recording.unended", SID) in world.ports.pager.told


def test_an_answer_that_is_lost_is_asked_for_again(world: World) -> None:
    world.sends(0)
    world.ends(1)
    world.ports.clock.forward(minutes=recording.rules().answer_minutes)
    settle({}, None, ports=world.ports)
    assert world.asked(2)["inference_id"] == f"{SID}.0.2"


def test_what_comes_after_it_was_given_up_is_erased_at_once_and_told(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    world.ends(2)
    world.ports.clock.forward(minutes=recording.rules().late_minutes)
    settle({}, None, ports=world.ports)
    world.reviewed()
    world.arrives(1, b"late")
    assert world.ports.audio.objects == {}
    assert ("amy", "segment.late", SID) in world.ports.pager.told
    late = [e for e in world.ports.ledger.events if e.reason == "uploaded-too-late"]
    assert [e.counts for e in late] == [{"erased": 1, "left": 0}]
    world.ports.clock.forward(hours=4)
    assert sweep({}, None, ports=world.ports)["objects"] == 0


def test_audio_without_a_ticket_is_erased(world: World) -> None:
    world.arrives(7)
    assert world.ports.audio.objects == {}
    assert world.ports.speech.submitted == []


def test_the_hard_limit_of_one_segment_does_not_end_the_others(world: World) -> None:
    world.sends(0)
    world.ports.clock.forward(hours=4)
    world.sends(1)
    assert sweep({}, None, ports=world.ports)["objects"] == 1
    assert (world.stage(0), world.stage(1)) == (Stage.FAILED, Stage.RECEIVED)
    world.ends(2)
    world.hears_piece(1)
    world.reviewed()
    assert said(world) == WORDS[2:4]


# Consent and discarding ----------------------------------------------------------------------


def test_a_consent_that_ends_in_the_session_ends_the_session(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    world.ports.records.revoke_consent("pat", Purpose.RECORDING, world.ports.clock.now())
    world.sends(1)
    assert world.machine.finished(SID) == "FAILED"
    assert len(world.ports.speech.submitted) == 1, "the second is never heard"
    assert world.session.failure == "ConsentRevoked"
    assert world.ports.audio.objects == {}
    for key in (SID, recording.sealed(SID)):
        with pytest.raises(KeyDestroyed):
            world.ports.vault.get(key, "00000")


def test_no_second_attempt_is_made_without_a_consent(world: World) -> None:
    world.sends(0)
    world.ports.records.revoke_consent("pat", Purpose.AI_PROCESSING, world.ports.clock.now())
    world.fails(0, "The container was stopped")
    assert world.machine.finished(SID) == "FAILED"
    assert len(world.ports.speech.submitted) == 1
    assert world.ports.audio.objects == {}


def test_a_session_that_was_stopped_takes_nothing_more(world: World) -> None:
    world.sends(0)
    world.machine.until(lambda: world.ports.records.wait(SID, "speech"))
    recording.stop(world.session, recording.DISCARDED, world.ports)
    assert world.machine.finished(SID) == "FAILED"
    assert world.session.failure == "Discarded"
    world.hears_piece(0)
    world.arrives(0)
    assert world.ports.audio.objects == {}
    with pytest.raises(KeyDestroyed):
        world.ports.vault.get(SID, "transcript")


def test_a_session_stopped_before_its_run_waits_stops_as_well(world: World) -> None:
    recording.stop(world.session, recording.DISCARDED, world.ports)
    recording.begin(world.session, world.ports)
    assert world.machine.finished(SID) == "FAILED"
    assert world.session.failure == "Discarded"


# Limits --------------------------------------------------------------------------------------


def test_a_run_waits_for_the_longest_session_and_never_past_the_hard_limit() -> None:
    waits = definition("session")["States"]["Transcribe"]["TimeoutSeconds"]
    rules = recording.rules()
    longest = rules.longest_minutes + rules.quiet_minutes + rules.late_minutes
    limit = AudioLimit.from_toml(policies.text("retention.toml")).hard_limit
    assert 60 * longest <= waits < limit.total_seconds()


def test_a_lost_answer_is_waited_for_as_long_as_the_endpoint_may_take() -> None:
    from lambdas.adapters import speech

    takes = speech._TTL_SECONDS + speech._INVOCATION_SECONDS
    assert takes <= 60 * recording.rules().answer_minutes


def test_a_run_that_waited_in_vain_makes_what_it_can_of_what_there_is() -> None:
    ports = ready()
    with machine("session", ports, hurry={"Transcribe": 2}) as flow:
        world = World(ports, flow)
        world.agree(*Purpose)
        world.sends(0)
        world.hears_piece(0)
        world.sends(1)
        world.reviewed()
    assert said(world) == WORDS[:2]
    assert ports.audio.objects == {}


def test_the_longest_name_of_an_inference_is_one_that_the_endpoint_takes() -> None:
    rules = recording.rules()
    longest = f"{SID}.{rules.most_segments - 1}.{rules.attempts}"
    assert len(SID) == 32
    assert re.fullmatch(r"\S[ -~]{0,63}", longest)


def test_the_policy_says_when_a_recorder_cuts() -> None:
    table = tomllib.loads(policies.text("retention.toml"))["recording"]
    assert table["earliest_seconds"] < 30 < table["latest_seconds"]


def test_nothing_but_ids_counts_and_codes_is_in_a_segment_s_record(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    held = world.ports.records.segment(SID, 0)
    assert held is not None
    assert not any(
        word in json.dumps(held.model_dump(mode="json")) for word in ("Marisol", "sleep")
    )
