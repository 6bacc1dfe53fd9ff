"""The server as its own process on loopback, as SageMaker and the local system run it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from countersign.transcript import Role, read_transcript
from countersign.voiceprint import resemblance
from inference.server import ATTRIBUTES, Attributes
from tests.inference.recordings import encode, noise, session

ROOT = Path.cwd()
STARTS_WITHIN = 60.0


@dataclass(frozen=True)
class Running:
    """A server process: its client, its log so far, and the folder that it could write to."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Callable[[], str]
    folder: Path
    answers: tuple[int, ...]

    def send(self, body: bytes, attributes: str = "") -> httpx.Response:
        return self.client.post("/invocations", content=body, headers={ATTRIBUTES: attributes})


def _environment(**settings: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}


@contextmanager
def _running(model: Path, folder: Path, **settings: str) -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inside = folder / "inside"
    inside.mkdir()
    log = folder / "log"
    environment = _environment(
        SPEECH_HOST="127.0.0.1",
        SPEECH_PORT=str(port),
        SPEECH_MODEL_DIR=str(model.resolve()),
        TMPDIR=str(inside),
        HOME=str(inside),
        **settings,
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "inference", "serve"],
            cwd=inside,
            env=environment,
            stdout=output,
            stderr=output,
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90)
    try:
        answers = _await_ping(process, client)
        yield Running(process, client, lambda: log.read_text("utf-8"), inside, answers)
    finally:
        client.close()
        process.kill()
        process.wait()


def _await_ping(process: subprocess.Popen[bytes], client: httpx.Client) -> tuple[int, ...]:
    answers: list[int] = []
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            answers.append(client.get("/ping").status_code)
        except httpx.ConnectError:
            time.sleep(0.05)
            continue
        if answers[-1] == 200:
            return tuple(answers)
        time.sleep(0.05)
    raise AssertionError(f"not ready: exit code {process.poll()}, answers {answers[-3:]}")


@pytest.fixture(scope="module")
def server(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with _running(tiny, tmp_path_factory.mktemp("server"), SPEECH_QUEUE="0") as running:
        yield running


@pytest.fixture(scope="module")
def short() -> bytes:
    """The first two turns."""
    return encode(session(14.3), "webm", "libopus", 48_000)


@pytest.fixture(scope="module")
def long(session_wav: bytes) -> bytes:
    return session_wav


def _eventually(condition: Callable[[], bool], within: float = 20.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def _code(response: httpx.Response) -> str:
    return str(response.json()["error"]["code"])


def test_it_is_well_only_once_it_is_warm(server: Running) -> None:
    assert server.answers[-1] == 200
    assert set(server.answers[:-1]) <= {503}


def test_a_recording_comes_back_as_turns(server: Running, short: bytes) -> None:
    response = server.send(short, "session=s-17;speakers=2")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    transcript = read_transcript(response.content)
    assert [turn.role for turn in transcript.turns] == [Role.THERAPIST, Role.PATIENT]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "EmptyInput"),
        (b"Hello, I am a text.\n" * 100, "NotAudio"),
        (encode(noise(3.0))[:40_000], "TruncatedAudio"),
        (encode(noise(3.0)), "NoSpeech"),
    ],
    ids=["nothing", "text", "half", "hiss"],
)
def test_bad_audio_is_the_callers_fault(server: Running, body: bytes, code: str) -> None:
    response = server.send(body)
    assert response.status_code == 422
    assert _code(response) == code


@pytest.mark.parametrize(
    "attributes",
    [
        "speakers=0",
        "speakers=many",
        "channels=left",
        "session=a b",
        "nothing",
        "x=" + "y" * 1100,
        "vocabulary=../speech",
        "voices=maybe",
        "task=translate",
    ],
)
def test_a_wrong_attribute_is_the_callers_fault(server: Running, attributes: str) -> None:
    response = server.send(b"whatever", attributes)
    assert response.status_code == 400
    assert _code(response) == "BadAttributes"


def test_every_attribute_is_read_and_unknown_ones_are_left_alone() -> None:
    told = "session=s-1; task=enrol; speakers=3; channels=mix; vocabulary=ketamine; voices=yes; x=1"
    read = Attributes.read(told, frozenset({"clinic", "ketamine"}))
    assert read == Attributes("s-1", "enrol", 3, "mix", "ketamine", True)
    assert Attributes.read("") == Attributes()


def test_a_print_of_each_voice_comes_when_asked_for_and_never_else(
    server: Running, short: bytes
) -> None:
    silent, asked = (
        read_transcript(server.send(short, told).content).speakers
        for told in ("speakers=2", "speakers=2;voices=yes")
    )
    assert not any(speaker.voice for speaker in silent)
    assert all(speaker.voice and speaker.seconds > 1 for speaker in asked)


def test_an_enrolment_comes_back_as_a_print(server: Running) -> None:
    response = server.send(encode(session(6.9)), "session=v-1;task=enrol")
    assert response.status_code == 200
    voice = response.json()
    assert set(voice) == {"voice", "seconds"}
    assert 3 < voice["seconds"] < 6.9
    assert resemblance(voice["voice"], voice["voice"]) == pytest.approx(1.0)
    assert _code(server.send(encode(noise(3.0)), "task=enrol")) == "NoSpeech"


def test_the_server_adds_hardly_anything_to_the_pipeline(server: Running, long: bytes) -> None:
    # Of one request: what its caller waited, without what the pipeline itself took of it.
    shares = []
    for _ in range(2):
        began = time.perf_counter()
        transcript = read_transcript(server.send(long).content)
        waited = time.perf_counter() - began
        shares.append((waited - transcript.compute_seconds) / transcript.compute_seconds)
    assert min(shares) < 0.02


def test_a_body_beyond_the_limit_is_refused_without_being_kept(
    tiny: Path, tmp_path: Path, session_wav: bytes
) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    policy = tmp_path / "policies" / "speech.toml"
    text = policy.read_text("utf-8")
    policy.write_text(text.replace("max_megabytes = 1024", "max_megabytes = 1"))
    assert len(session_wav) > 1_048_576

    def in_parts() -> Iterator[bytes]:
        for start in range(0, len(session_wav), 65_536):
            yield session_wav[start : start + 65_536]

    with _running(tiny, tmp_path, SPEECH_POLICY=str(policy)) as server:
        declared = server.send(session_wav)
        undeclared = server.client.post("/invocations", content=in_parts())
    assert [_code(declared), _code(undeclared)] == ["AudioTooLong", "AudioTooLong"]


def test_other_paths_and_methods_are_not_there(server: Running) -> None:
    assert server.client.get("/").status_code == 404
    assert server.client.get("/invocations").status_code == 405


def test_a_full_queue_says_so_and_recovers(server: Running, long: bytes, short: bytes) -> None:
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(server.send(long).status_code))
    first.start()
    assert _eventually(lambda: server.send(b"").status_code == 429)
    refused = server.send(short)
    assert _code(refused) == "SpeechBusy"
    first.join()
    assert answers == [200]
    assert server.send(short).status_code == 200


def test_hanging_up_frees_the_place(server: Running, long: bytes) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.client.base_url}/invocations", content=long, timeout=0.2)
    assert _eventually(lambda: server.send(b"").status_code == 422)


def test_logs_hold_no_word_and_no_disk_holds_anything(server: Running, short: bytes) -> None:
    said = read_transcript(server.send(short, "session=s-18").content)
    assert _eventually(lambda: "s-18" in server.log())
    for line in server.log().splitlines():
        assert set(json.loads(line)) <= {
            "time", "level", "logger", "message",
            "session_id", "code", "status", "bytes", "seconds", "milliseconds", "turns", "warnings",
        }  # fmt: skip
    for turn in said.turns:
        for word in turn.words:
            if len(word.text) > 5:
                assert word.text.lower().strip(".,?!") not in server.log().lower()
    assert not [path for path in server.folder.rglob("*") if path.is_file()]


def test_a_stop_finishes_what_runs(tiny: Path, tmp_path: Path, short: bytes) -> None:
    with _running(tiny, tmp_path) as server:
        answers: list[int] = []
        sending = threading.Thread(target=lambda: answers.append(server.send(short).status_code))
        sending.start()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        sending.join()
        assert answers == [200]
        assert server.process.wait(timeout=20) == 0
        assert "stopped" in server.log()


def test_the_image_holds_all_that_the_server_reads(tmp_path: Path) -> None:
    text = (ROOT / "inference/Dockerfile").read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith("COPY") and "/opt/countersign" in line:
            *sources, target = line.split()[1:]
            there = tmp_path / target.removeprefix("/opt/countersign/")
            for source in map(ROOT.joinpath, sources):
                if source.is_dir():
                    shutil.copytree(source, there, dirs_exist_ok=True)
                else:
                    place = there / source.name if target.endswith("/") else there
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, place)
    reading = (
        "import inference.server, inference.settings as s; s.SpeechPolicy.read(s.Settings().policy)"
    )
    subprocess.run(
        [sys.executable, "-c", reading],
        cwd=tmp_path,
        env=_environment() | {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"},
        check=True,
        timeout=STARTS_WITHIN,
    )


def _exit(**settings: str) -> tuple[int, str]:
    finished = subprocess.run(
        [sys.executable, "-m", "inference"],
        env=_environment(SPEECH_HOST="127.0.0.1", SPEECH_PORT="0", **settings),
        capture_output=True,
        text=True,
        timeout=STARTS_WITHIN,
        check=False,
    )
    return finished.returncode, finished.stderr


def test_without_a_model_it_does_not_stay_up(tmp_path: Path) -> None:
    code, said = _exit(SPEECH_MODEL_DIR=str(tmp_path))
    assert code == 1
    assert "ModelMissing" in said


def test_a_wrong_setting_is_named() -> None:
    code, said = _exit(SPEECH_BEAM="wide")
    assert code == 2
    assert "SPEECH_BEAM" in said
