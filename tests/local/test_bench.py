import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from countersign.errors import FileMissing
from local import bench
from local.scores import Row


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
    assert len(json.loads(out.read_text())) == 6


def test_nothing_measured_is_an_empty_list(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    assert "nothing was measured" in run("speech", "--model", "none", "--out", str(out))
    assert json.loads(out.read_text()) == []


def test_an_unknown_room_is_wrong_usage() -> None:
    assert CliRunner().invoke(bench.app, ["kitchen"]).exit_code == 2


def test_rows_from_before_a_refusal_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure() -> Iterator[Row]:
        yield Row("one", 1, "s")
        raise FileMissing("the second file is not there")

    rows = bench.report([("room", measure)], tmp_path / "bench.json")
    assert [row.name for row in rows] == ["one"]
    assert "room: measured in part. the second file" in capsys.readouterr().out


def test_the_baseline_marks_what_is_written_and_not_what_is_spoken() -> None:
    text = "415-555-0142, m@x.org or march 14, 1988; four one five, and maya"
    assert [text[start:end] for start, end, _ in bench.patterns(text)] == [
        "415-555-0142",
        "m@x.org",
        "march 14, 1988",
    ]
