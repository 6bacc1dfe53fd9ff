"""The promise of the product, kept once by the command that anybody runs."""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import pytest

from local.stack import BUILD, ROOT

SAMPLE = ROOT / "local" / "sample" / "session.flac"
# Who and what the sample session is about; see local/sample/script.toml.
IDENTIFIERS = ("Maya", "Whitfield", "Daniel", "Hale", "415", "0142", "1988")
CONTENT = ("anxiety", "sertraline", "breathing", "homework", "manager")


def countersign(*arguments: str, timeout: float = 280) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.cli", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def document(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    lines = ended.stdout.splitlines()
    assert len(lines) == 1, f"one JSON document, not {lines[:3]}; {ended.stderr[-2000:]}"
    parsed: dict[str, Any] = json.loads(lines[0])
    return parsed


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of the demo on the tiny model, after a run that was killed in the middle."""
    killed = subprocess.Popen(
        [sys.executable, "-m", "local.cli", "demo", "--auto-sign", "--model", "tiny"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert killed.stderr is not None
    with killed.stderr as said:
        for line in said:
            if "Upload the recording" in line:
                break
        os.kill(killed.pid, signal.SIGKILL)
    killed.wait(10)
    ended = countersign("demo", "--auto-sign", "--json", "--model", "tiny")
    assert ended.returncode == 0, ended.stderr[-3000:]
    return document(ended)


def test_speech_becomes_a_transcript_of_both_people(demo: dict[str, Any]) -> None:
    assert 120 < demo["audio_seconds"] < 240
    turns = demo["transcript"]["turns"]
    assert {turn["role"] for turn in turns} == {"therapist", "patient"}
    said = " ".join(turn["text"] for turn in turns).lower()
    assert all(word in said for word in ("anxiety", "breathing", "homework"))


def test_no_audio_is_left(demo: dict[str, Any]) -> None:
    assert demo["audio_objects_left"] == 0


def test_every_sentence_of_the_note_points_at_what_was_said(demo: dict[str, Any]) -> None:
    texts = {turn["id"]: turn["text"] for turn in demo["transcript"]["turns"]}
    sentences = [s for section in demo["note"]["sections"] for s in section["sentences"]]
    assert len(sentences) >= 5
    for sentence in sentences:
        if sentence["origin"] in ("quote", "statement"):
            assert sentence["evidence"], sentence
        for span in sentence["evidence"]:
            assert 0 <= span["start"] < span["end"] <= len(texts[span["turn"]])


def test_the_note_is_in_the_record_once_with_real_names_and_says_how_it_came_to_be(
    demo: dict[str, Any],
) -> None:
    assert demo["delivery"]["status"] == "created"
    assert demo["delivery"]["resource"] == "DocumentReference"
    store = sqlite3.connect(BUILD / "local" / "demo" / "fhir" / "store.sqlite")
    kept = store.execute("select content from resource where type = 'DocumentReference'").fetchall()
    store.close()
    assert len(kept) == 1
    resource = json.loads(kept[0][0])
    assert resource["id"] == demo["delivery"]["id"]
    text = base64.b64decode(resource["content"][0]["attachment"]["data"]).decode()
    assert "Dr. Robert Hale" in text
    assert "[PATIENT_1]" not in text
    assert "AI" in text


def test_the_ledger_is_verified_and_holds_every_step(demo: dict[str, Any]) -> None:
    assert demo["ledger"]["verified"] is True
    directory = demo["ledger"]["directory"]
    again = countersign("audit", "verify", directory, "--json")
    assert again.returncode == 0
    report = document(again)
    assert (report["size"], report["root"]) == (demo["ledger"]["size"], demo["ledger"]["root"])
    names = {stage["name"] for stage in demo["stages"]}
    assert {"transcribe", "erase", "redact", "draft", "ground", "sign", "deliver"} <= names


def test_a_flipped_bit_in_the_exported_log_is_found(demo: dict[str, Any], tmp_path: Path) -> None:
    copied = tmp_path / "ledger"
    subprocess.run(["cp", "-r", demo["ledger"]["directory"], copied], check=True)
    entries = next(path for path in (copied / "tile" / "entries").rglob("*") if path.is_file())
    content = bytearray(entries.read_bytes())
    content[len(content) // 2] ^= 1
    entries.write_bytes(bytes(content))
    ended = countersign("audit", "verify", str(copied), "--json")
    assert ended.returncode == 1
    assert document(ended)["breaks"]


def test_what_was_said_is_in_no_log_no_workflow_and_no_ledger(demo: dict[str, Any]) -> None:
    """Marker words of the session appear nowhere but in the vault and the signed note."""
    folder = BUILD / "local" / "demo"
    looked_at = 0
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".log", "") and "fhir" not in path.parts:
            looked_at += 1
            content = path.read_bytes().decode("utf-8", "replace")
            for word in (*IDENTIFIERS[:4], *CONTENT):
                assert word not in content, f"{word!r} is in {path.relative_to(folder)}"
    assert looked_at >= 5


def test_the_recording_of_nobody_is_refused_in_words(tmp_path: Path) -> None:
    text = tmp_path / "notes.wav"
    text.write_text("this is not a recording")
    ended = countersign("transcribe", str(text), "--model", "tiny", "--json")
    assert ended.returncode == 1
    assert document(ended)["error"]["code"] == "NotAudio"


def test_silence_goes_the_whole_way_to_a_clear_refusal_and_leaves_nothing(tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    with av.open(str(silence), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=16000 * 5)
        frame.sample_rate = 16000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    began = time.monotonic()
    ended = countersign("demo", "--audio", str(silence), "--auto-sign", "--json", "--model", "tiny")
    assert ended.returncode == 1
    assert document(ended)["error"]["code"] == "NoSpeech", ended.stderr[-2000:]
    assert time.monotonic() - began < 200
