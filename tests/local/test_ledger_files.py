"""An export is the published log, whole, and can be brought up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from countersign.audit.sweep import SPAN
from countersign.audit.tiles import WIDTH
from countersign.audit.verify import Kind, verify_directory
from countersign.errors import BadCheckpoint, CannotWrite, FileMissing, LedgerBroken
from local.ledger_files import DirectoryReader, export, in_processes, open_log
from tests.audit_logs import START, Files, Key, event, leaves, published

VKEY = Key().vkey()


def test_an_export_verifies_and_holds_every_file(tmp_path: Path) -> None:
    log = published(leaves(261), sizes=(3, 256))
    assert export(log, tmp_path / "log") == len(log)
    copy = DirectoryReader(tmp_path / "log")
    assert {path: copy.read(path) for path in copy.list()} == log
    assert verify_directory(copy, VKEY).verified


def test_an_export_is_brought_up_to_date_without_writing_anything_twice(tmp_path: Path) -> None:
    before, after = published(leaves(3)), published(leaves(9), sizes=(3,))
    export(before, tmp_path)
    kept = before["checkpoint"].decode()
    assert export(after, tmp_path) == len(after) - len(before) + 1
    assert export(after, tmp_path) == 0
    assert verify_directory(DirectoryReader(tmp_path), VKEY, since=kept).verified


def test_tiles_that_are_not_published_yet_stay_behind(tmp_path: Path) -> None:
    ahead = Files(published(leaves(9), sizes=(3,)))
    ahead["checkpoint"] = ahead["checkpoint.3"]
    del ahead["checkpoint.9"]
    export(ahead, tmp_path)
    report = verify_directory(DirectoryReader(tmp_path), VKEY)
    assert report.verified and report.size == 3


def test_a_checkpoint_that_was_put_back_shows_in_the_export(tmp_path: Path) -> None:
    log = published(leaves(9), sizes=(3,))
    log["checkpoint"] = log["checkpoint.3"]
    export(log, tmp_path)
    report = verify_directory(DirectoryReader(tmp_path), VKEY)
    assert [each.kind for each in report.breaks] == ["rollback"]


def test_what_was_exported_once_is_not_overwritten(tmp_path: Path) -> None:
    export(published(leaves(5)), tmp_path)
    rewritten = published([event(n, role="clinician").leaf() for n in range(9)], sizes=(5,))
    with pytest.raises(LedgerBroken, match="exported before"):
        export(rewritten, tmp_path)
    kept = published(leaves(5))
    assert {path: DirectoryReader(tmp_path).read(path) for path in kept} == kept


def looped(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


def folder_instead(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("lay", [looped, folder_instead], ids=["a link to itself", "a folder"])
@pytest.mark.parametrize(
    ("path", "kind", "index"),
    [
        ("tile/entries/000", Kind.GAP, 0),
        ("tile/0/001.p/5", Kind.TILE, 256),
        ("checkpoint", Kind.CHECKPOINT, None),
    ],
)
def test_what_cannot_be_read_is_missing_where_it_is_due(
    tmp_path: Path, lay: Callable[[Path], None], path: str, kind: Kind, index: int | None
) -> None:
    export(published(leaves(261)), tmp_path)
    lay(tmp_path / path)
    breaks = verify_directory(DirectoryReader(tmp_path), VKEY).breaks
    assert (kind, index) in {(each.kind, each.index) for each in breaks}


@pytest.mark.parametrize("taken", ["", "tile", "vkey/x"])
def test_an_export_to_where_something_else_lies_is_refused(tmp_path: Path, taken: str) -> None:
    file = tmp_path / "out" / taken
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine")
    with pytest.raises(CannotWrite, match="cannot be written"):
        export(published(leaves(3)), tmp_path / "out")
    assert file.read_text() == "mine"


def test_a_bucket_is_exported_as_a_directory_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    log = published(leaves(261))
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="the-log")
        for path, content in log.items():
            s3.put_object(Bucket="the-log", Key=path, Body=content)
        assert export(open_log("s3://the-log"), tmp_path) == len(log)
    assert verify_directory(DirectoryReader(tmp_path), VKEY).verified


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        DirectoryReader(tmp_path / "nowhere")
    with pytest.raises(BadCheckpoint):
        export(Files(), tmp_path)
    assert DirectoryReader(tmp_path).read("checkpoint") is None


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    sample = event(0).leaf()
    assert sample.count(b"session-0") == 2
    entries = [sample.replace(b"session-0", b"session-%d" % n) for n in range(5 * SPAN * WIDTH)]
    entries[40_000] = entries[7]
    entries[20_000] = event(20_000, site="north").leaf()
    entries[30_000] = event(30_000, at=START - timedelta(days=1)).leaf()
    log = published(entries)
    log["tile/0/x099"] = log["tile/0/099"]
    export(log, tmp_path)
    (tmp_path / "tile/0/009").write_bytes(bytes(256 * 32))
    reader = DirectoryReader(tmp_path)
    alone = verify_directory(reader, VKEY)
    assert verify_directory(reader, VKEY, spread=in_processes) == alone
    assert [(each.kind, each.index) for each in alone.breaks] == [
        ("site", 20_000),
        ("time", 20_001),
        ("time", 30_000),
        ("duplicate", 40_000),
        ("tile", 9 * 256),
    ]


def test_a_pipe_in_the_directory_keeps_nobody_waiting(tmp_path: Path) -> None:
    export(published(leaves(3)), tmp_path)
    (tmp_path / "tile/entries/000.p/3").unlink()
    os.mkfifo(tmp_path / "tile/entries/000.p/3")
    report = verify_directory(DirectoryReader(tmp_path), VKEY)
    assert [each.kind for each in report.breaks] == ["gap"]
