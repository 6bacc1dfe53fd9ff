import json
import wave
from pathlib import Path

import pytest
from typer.testing import CliRunner

from countersign.errors import FileMissing, ModelMissing, NotJson
from inference.audio import RATE, decode
from inference.settings import MODELS
from local import bench
from local.scores import word_errors

TINY = MODELS / "whisper-tiny" / "model.bin"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(bench.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_chosen_rooms_are_measured_printed_and_written(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    printed = run("ledger", "redaction", "--entries", "300", "--out", str(out))
    rows = json.loads(out.read_text())
    assert {row["name"].split(":")[0] for row in rows} == {"ledger of 300", "redaction"}
    for row in rows:
        assert row["name"] in printed
        assert row["ours"] > 0
        if row["baseline"] is not None:
            assert row["ratio"] == pytest.approx(row["ours"] / row["baseline"], rel=0.01)
            assert row["baseline_name"]


def test_a_room_without_its_model_says_so_and_the_others_are_measured(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    printed = run("speech", "ledger", "--model", "none", "--entries", "1", "--out", str(out))
    assert "speech: not measured. there is no model 'none' (ModelMissing)" in printed
    assert len(json.loads(out.read_text())) == 3


def test_nothing_measured_is_an_empty_list(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    assert "nothing was measured" in run("speech", "--model", "none", "--out", str(out))
    assert json.loads(out.read_text()) == []


def test_an_unknown_room_is_wrong_usage() -> None:
    assert CliRunner().invoke(bench.app, ["kitchen"]).exit_code == 2


def test_a_refusal_in_the_process_of_its_own_arrives_as_a_refusal() -> None:
    with pytest.raises(ModelMissing):
        bench.hear(bench.Recognizer.PLAIN, bench.SAMPLE / "session.flac", "none")


def test_the_baseline_marks_what_is_written_and_not_what_is_spoken() -> None:
    text = "415-555-0142, m@x.org or march 14, 1988; four one five, and maya"
    assert [text[start:end] for start, end, _ in bench.patterns(text)] == [
        "415-555-0142",
        "m@x.org",
        "march 14, 1988",
    ]


@pytest.mark.parametrize("content", ["{", "[1]", '[{"text": "a"}]', "3"])
def test_a_reference_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "reference.json").write_text(content)
    with pytest.raises(NotJson):
        bench.read_reference(tmp_path / "reference.json")


def test_a_missing_reference_or_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        bench.speech("tiny", tmp_path)
    (tmp_path / "reference.json").write_text('[{"role": "patient", "text": "hello"}]')
    with pytest.raises(FileMissing):
        bench.speech("tiny", tmp_path)


@pytest.mark.skipif(not TINY.is_file(), reason="needs the tiny model: make models")
def test_a_recording_is_heard_in_a_process_of_its_own_with_its_time_and_memory(
    tmp_path: Path,
) -> None:
    seconds = 7
    samples = decode(bench.SAMPLE / "session.flac", max_seconds=3600, max_bytes=10**8).channels
    with wave.open(str(tmp_path / "start.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples[0, : seconds * RATE].tobytes())
    true = bench.read_reference(bench.SAMPLE / "reference.json")[0][1]
    heard = bench.hear(bench.Recognizer.PLAIN, tmp_path / "start.wav", "tiny")
    assert heard.seconds > 0
    assert 80 < heard.megabytes < 2000
    assert word_errors(true, heard.text).rate < 0.3
