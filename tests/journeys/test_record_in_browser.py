"""A session is recorded in a real browser, whose microphone hears a file that the test made."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from countersign.consent import Purpose
from countersign.segments import Stage
from countersign.session import State
from inference.audio import decode
from lambdas.capture.on_upload import handler as on_upload
from tests.journeys.conftest import CHROMIUM, FLAGS
from tests.journeys.desk import LOOKS, Desk, opened
from tests.portal import DESK, PATIENT, SESSION, SPOKEN

RATE = 48_000
BUCKET = "https://ingest.example.org/"


def speechlike(path: Path, seconds: float = 12.0) -> None:
    """Two seconds of a wavering tone, half a second of silence, and again."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = (
            0.0
            if (n / RATE) % 2.5 > 2.0
            else 0.4 * math.sin(2 * math.pi * 220 * n / RATE) * (1 + math.sin(40 * n / RATE)) / 2
            for n in range(int(seconds * RATE))
        )
        file.writeframes(b"".join(struct.pack("<h", int(32_000 * s)) for s in samples))


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Browser]:
    """A browser with a microphone; `browser` is asked for so that Playwright runs once."""
    heard = tmp_path_factory.mktemp("microphone") / "session.wav"
    speechlike(heard)
    flags = [
        *FLAGS,
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}",
    ]
    launched = browser.browser_type.launch(executable_path=str(CHROMIUM), args=flags)
    yield launched
    launched.close()


@dataclass
class Room:
    """A clinician's recorder, and the bucket that its parts go to."""

    desk: Desk
    refuse: bool = False
    parts: dict[int, bytes] = field(default_factory=dict)

    @property
    def session_id(self) -> str:
        return self.desk.page.url.split("/")[4]

    def take(self, route: Route) -> None:
        """The bucket: create-only, and each arrival calls the function that waits for it."""
        allowed = {
            "Access-Control-Allow-Origin": self.desk.bridge.url,
            "Access-Control-Allow-Methods": "PUT",
            "Access-Control-Allow-Headers": "content-type, if-none-match",
        }
        if self.refuse:
            route.abort()
            return
        if route.request.method == "PUT":
            key = route.request.url.removeprefix(BUCKET)
            index, body = int(key.rsplit("/", 1)[1]), route.request.post_data_buffer or b""
            if index in self.parts:
                route.fulfill(status=412, headers=allowed)
                return
            self.parts[index] = body
            ports = self.desk.house.ports
            ports.audio.put(key, body)
            on_upload({"detail": {"object": {"key": key}}}, None, ports=ports)
        route.fulfill(status=200, headers=allowed)

    def open(self) -> None:
        page = self.desk.page
        self.desk.sign_in()
        page.get_by_role("link", name="Record a session").click()
        self.desk.keep("record-choose")
        page.get_by_role("button", name="Store the agreement").click()
        page.get_by_role("button", name="Open the recorder").click()
        expect(page.locator("#record-start")).to_be_enabled()

    def record(self, seconds: int) -> None:
        """Records until the page's own clock shows so many seconds more."""
        page = self.desk.page
        page.locator("#record-start").click()
        expect(page.locator("#record-state")).to_have_text("Recording")
        self.until(seconds)

    def until(self, seconds: int) -> None:
        self.desk.page.wait_for_function(
            "least => { const [m, s] = document.getElementById('record-clock').textContent"
            ".split(':').map(Number); return 60 * m + s >= least; }",
            arg=seconds,
            timeout=60_000,
        )

    def duration(self, index: int, folder: Path) -> float:
        """Seconds of sound in a part, as the speech container reads it; none of them silent."""
        path = folder / f"{index}.webm"
        path.write_bytes(self.parts[index])
        audio = decode(path, max_seconds=600.0, max_bytes=10_000_000)
        assert abs(audio.mono()).max() > 0.05
        return float(audio.channels.shape[1] / 16_000)


@pytest.fixture
def room(request: pytest.FixtureRequest, hearing: Browser) -> Iterator[Room]:
    with opened(hearing, getattr(request, "param", "light")) as desk:
        made = Room(desk)
        desk.page.route(f"{BUCKET}**", made.take)
        yield made
        assert [c for c in desk.complaints if BUCKET not in c] == []


@pytest.mark.parametrize("room", LOOKS, indirect=True)
def test_a_session_is_recorded_paused_gone_on_with_and_finished(room: Room, tmp_path: Path) -> None:
    room.open()
    page = room.desk.page
    room.desk.keep("record-ready")
    session_id = room.session_id
    assert SPOKEN.split()[0] not in page.url + page.title()
    room.record(3)
    assert int(page.locator("#record-level").get_attribute("value") or "0") > 0 or page.evaluate(
        "document.getElementById('record-level').value > 0"
    )
    room.desk.keep("record-going")
    page.locator("#record-pause").click()
    expect(page.locator("#record-sent")).to_contain_text("1 of 1 part sent")
    room.desk.keep("record-paused")
    before = page.locator("#record-clock").text_content()
    page.wait_for_timeout(1200)
    assert page.locator("#record-clock").text_content() == before
    room.record(6)
    page.locator("#record-finish").click()
    page.wait_for_url(f"**/sessions/{session_id}")
    ports = room.desk.house.ports
    ended = ports.records.ended(session_id)
    assert ended is not None and ended.segments == 2
    held = ports.records.segments(session_id)
    assert [each.stage for each in held] == [Stage.RECEIVED, Stage.RECEIVED]
    for each in held:
        assert room.duration(each.index, tmp_path) == pytest.approx(each.seconds, abs=0.6)
    assert held[1].starts_at == pytest.approx(held[0].seconds, abs=0.1)
    assert ports.records.session(session_id).state is State.RECEIVED


def test_parts_are_cut_in_a_pause_and_reach_over_the_seam(room: Room, tmp_path: Path) -> None:
    room.open()
    room.record(31)
    room.desk.page.locator("#record-finish").click()
    room.desk.page.wait_for_url(f"**/sessions/{room.session_id}")
    first, second = room.desk.house.ports.records.segments(room.session_id)
    assert 25 <= first.seconds <= 35
    overlap = first.starts_at + first.seconds - second.starts_at
    assert overlap == pytest.approx(1.6, abs=0.5)
    assert room.duration(0, tmp_path) == pytest.approx(first.seconds, abs=0.6)


def test_a_lost_connection_loses_nothing(room: Room, tmp_path: Path) -> None:
    room.open()
    page = room.desk.page
    session_id = room.session_id
    room.refuse = True
    page.context.set_offline(True)
    room.record(3)
    page.locator("#record-pause").click()
    expect(page.locator("#record-sent")).to_contain_text("they wait here and go up by themselves")
    room.desk.keep("record-offline")
    room.record(5)
    assert room.parts == {}
    page.locator("#record-finish").click()
    expect(page.locator("#record-state")).to_have_text("Sending the last parts")
    # The portal is back before the bucket is.
    page.context.set_offline(False)
    page.wait_for_timeout(1500)
    room.refuse = False
    page.wait_for_url(f"**/sessions/{session_id}", timeout=40_000)
    assert sorted(room.parts) == [0, 1]
    assert room.duration(0, tmp_path) > 2
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert page.evaluate("indexedDB.databases()") == []


def test_an_upload_whose_answer_was_lost_is_not_sent_twice(room: Room) -> None:
    room.open()
    page = room.desk.page
    lost = []

    def deaf(route: Route) -> None:
        if route.request.method == "PUT" and not lost:
            lost.append(route.request.url)
            room.parts[0] = route.request.post_data_buffer or b""
            key = route.request.url.removeprefix(BUCKET)
            room.desk.house.ports.audio.put(key, room.parts[0])
            on_upload({"detail": {"object": {"key": key}}}, None, ports=room.desk.house.ports)
            route.abort()
            return
        room.take(route)

    page.route(f"{BUCKET}**", deaf)
    room.record(2)
    page.locator("#record-finish").click()
    page.wait_for_url(f"**/sessions/{room.session_id}", timeout=20_000)
    assert len(lost) == 1
    assert len(room.desk.house.ports.speech.submitted) == 1


def test_a_third_person_pauses_the_recording_and_the_page_says_so(room: Room) -> None:
    room.open()
    page = room.desk.page
    room.record(2)
    page.get_by_role("button", name="Somebody came in").click()
    expect(page.locator("#record-state")).to_have_text("Paused")
    expect(page.locator("#record-notice")).to_contain_text("3 people are in the room and 2 may be")
    expect(page.locator("#record-start")).to_be_disabled()
    room.desk.keep("record-third-person")
    expect(page.locator("#record-sent")).to_contain_text("1 of 1 part sent")
    page.get_by_role("button", name="Somebody left").click()
    expect(page.locator("#record-start")).to_be_enabled()
    room.record(3)
    page.locator("#record-finish").click()
    page.wait_for_url(f"**/sessions/{room.session_id}")
    counted = [e for e in room.desk.house.ports.ledger.events if e.act == "participants.counted"]
    assert [e.counts["people"] for e in counted] == [3, 2]


def test_a_withdrawal_at_the_front_desk_stops_and_erases_in_the_room(room: Room) -> None:
    room.open()
    page, ports = room.desk.page, room.desk.house.ports
    room.record(2)
    page.locator("#record-pause").click()
    expect(page.locator("#record-sent")).to_contain_text("1 of 1 part sent")
    assert ports.audio.objects
    room.record(3)
    where = f"/api/patients/{PATIENT}/consents/{Purpose.RECORDING}"
    assert room.desk.house.ask("DELETE", where, person=DESK)["statusCode"] == 200
    expect(page.locator("#record-state")).to_have_text("Stopped and erased", timeout=8_000)
    expect(page.locator("#record-notice")).to_contain_text("withdrew")
    room.desk.keep("record-withdrawn")
    assert ports.audio.objects == {}
    page.wait_for_timeout(1500)
    assert sorted(room.parts) == [0], "what was said after the last part never left the page"


def test_the_patient_withdraws_in_the_room(room: Room) -> None:
    room.open()
    page, ports = room.desk.page, room.desk.house.ports
    session_id = room.session_id
    room.record(2)
    page.get_by_role("button", name="The patient withdraws").click()
    page.locator("#record-sure-yes").click()
    expect(page.locator("#record-state")).to_have_text("Stopped and erased")
    assert ports.audio.objects == {} and room.parts == {}
    assert all(given.revoked_at for given in ports.records.consents(PATIENT))
    acts = ports.ledger.acts(session_id)
    assert "recording.stopped" in acts


def test_stop_and_discard_asks_once_and_leaves_nothing(room: Room) -> None:
    room.open()
    page, ports = room.desk.page, room.desk.house.ports
    session_id = room.session_id
    room.record(2)
    page.locator("#record-pause").click()
    expect(page.locator("#record-sent")).to_contain_text("1 of 1 part sent")
    page.locator("#record-discard").click()
    expect(page.locator("#record-sure-no")).to_be_focused()
    room.desk.keep("record-sure")
    page.keyboard.press("Escape")
    assert ports.audio.objects
    page.locator("#record-discard").click()
    page.locator("#record-sure-yes").click()
    expect(page.locator("#record-state")).to_have_text("Stopped and erased")
    assert ports.audio.objects == {}
    assert "recording.discarded" in ports.ledger.acts(session_id)


def test_a_sign_in_that_runs_out_does_not_stop_the_recording(room: Room) -> None:
    room.open()
    page = room.desk.page
    session_id = room.session_id
    room.record(2)
    room.desk.house.ports.identity.expired.add("dana")
    page.locator("#record-pause").click()
    expect(page.locator("#record-notice")).to_contain_text("Your sign-in has run out")
    room.desk.keep("record-signed-out")
    with page.expect_popup() as other:
        page.get_by_role("link", name="Sign in in a new tab").click()
    other.value.get_by_role("link", name="Dana Reyes").click()
    expect(page.locator("#record-sent")).to_contain_text("1 of 1 part sent", timeout=20_000)
    page.locator("#record-finish").click()
    page.wait_for_url(f"**/sessions/{session_id}")
    assert sorted(room.parts) == [0]


def test_a_second_window_does_not_record_the_same_session(room: Room) -> None:
    room.open()
    second = room.desk.page.context.new_page()
    second.goto(room.desk.page.url)
    expect(second.locator("#record-notice")).to_contain_text("open in another window")
    expect(second.locator("#record-start")).to_be_disabled()


def test_a_recorder_that_was_left_goes_on_where_it_was(room: Room) -> None:
    room.open()
    page = room.desk.page
    session_id = room.session_id
    room.record(2)
    page.locator("#record-pause").click()
    expect(page.locator("#record-sent")).to_contain_text("1 of 1 part sent")
    page.reload()
    expect(page.locator("#record-start")).to_have_text("Go on recording")
    room.record(4)
    page.locator("#record-finish").click()
    page.wait_for_url(f"**/sessions/{session_id}")
    first, second = room.desk.house.ports.records.segments(session_id)
    assert second.starts_at >= first.seconds
    assert SESSION != session_id
