"""However a session ends, good or bad: no audio and no output of the endpoint is left anywhere."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from countersign.consent import Purpose
from countersign.errors import KeyDestroyed
from countersign.session import State
from lambdas import recording
from lambdas.adapters.audio import S3AudioStore
from lambdas.adapters.vault import S3Vault
from lambdas.oversight.settle_recordings import handler as settle
from lambdas.oversight.sweep_audio import handler as sweep
from lambdas.portal import sessions
from tests import fakes
from tests.machine import machine
from tests.sessions import PIECES, SID, World, ready

AUDIO = b"the sound of somebody's voice"
# Nothing of the vault's content may be readable in a bucket either.
SPOKEN = (b"sleeping", b"hurting", b"breathing")

REGION = "us-east-1"


class Ingest(S3AudioStore):
    """The adapter, and what a browser or the endpoint puts into its bucket."""

    def put(self, key: str, content: bytes) -> None:
        body = AUDIO + content if key.startswith("audio/") else content
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)


def buckets() -> tuple[Any, Ingest, S3Vault]:
    """An ingest bucket that keeps every version, which is worse than the one that is deployed."""
    s3, kms, dynamodb = (
        boto3.client(name, region_name=REGION) for name in ("s3", "kms", "dynamodb")
    )
    for name in ("ingest", "vault", "elsewhere"):
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    dynamodb.create_table(
        TableName="keys",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in ("pk", "sk")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )
    key = kms.create_key()["KeyMetadata"]["Arn"]
    vault = S3Vault(s3, kms, dynamodb, bucket="vault", key_arn=key, keys_table="keys")
    return s3, Ingest(s3, "ingest"), vault


def everything(s3: Any) -> Iterator[tuple[str, str, bytes]]:
    """Every version and every delete marker of every bucket: bucket, key, content."""
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for marker in page.get("DeleteMarkers", ()):
                yield name, marker["Key"], b""
            for item in page.get("Versions", ()):
                got = s3.get_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])
                yield name, item["Key"], got["Body"].read()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The process's own temporary folder, empty at first."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


# The endings ---------------------------------------------------------------------------------


def signed_and_closed(world: World) -> None:
    for index in range(PIECES):
        world.sends(index)
        world.hears_piece(index)
    world.ends(PIECES)
    world.reviewed()
    world.signs()
    world.machine.until(lambda: world.session.state is State.CLOSED)


def no_consent(world: World) -> None:
    for purpose in Purpose:
        world.ports.records.revoke_consent("pat", purpose, world.ports.clock.now())
    world.sends(0)
    world.machine.finished(SID)


def revoked_mid_session(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    world.sends(1)
    amy = world.ports.records.person("amy")
    sessions.revoke_consent(world.ports, amy, "pat", Purpose.RECORDING)
    world.machine.finished(SID)
    world.hears_piece(1)


def discarded(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    world.sends(1)
    sessions.discard(world.ports, world.ports.records.person("amy"), SID)
    world.machine.finished(SID)
    world.arrives(1)


def speech_failed(world: World) -> None:
    world.sends(0)
    world.ends(1)
    for attempt in range(1, recording.rules().attempts + 1):
        world.ports.audio.put(f"speech/{SID}.0.{attempt}-error.out", b"failed")
        world.fails(0, "The container was stopped", attempt)
    world.machine.finished(SID)


def bad_audio(world: World) -> None:
    world.sends(0)
    world.ends(1)
    world.fails(0, '{"error": {"code": "NotAudio"}}')
    world.machine.finished(SID)


def bad_output(world: World) -> None:
    world.sends(0)
    world.ends(1)
    for attempt in range(1, recording.rules().attempts + 1):
        key = f"speech/{SID}/0-{attempt}.out"
        world.ports.audio.put(key, b'{"turns": "sleeping"}')
        world.notice(
            {
                "invocationStatus": "Completed",
                "inferenceId": f"{SID}.0.{attempt}",
                "responseParameters": {"outputLocation": f"s3://ingest/{key}"},
            }
        )
    world.machine.finished(SID)


def never_ended(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    world.ports.clock.forward(minutes=recording.rules().quiet_minutes)
    settle({}, None, ports=world.ports)
    world.reviewed()


def crashed_recorder(world: World) -> None:
    world.sends(0)
    world.hears_piece(0)
    world.allow(1, starts_at=20.0)
    world.ends(3)
    world.ports.clock.forward(minutes=recording.rules().late_minutes)
    settle({}, None, ports=world.ports)
    world.reviewed()


def hard_limit(world: World) -> None:
    world.sends(0)
    world.ends(1)
    world.ports.clock.forward(hours=4, minutes=1)
    sweep({}, None, ports=world.ports)
    world.machine.finished(SID)


def answered_after_the_hard_limit(world: World) -> None:
    hard_limit(world)
    world.hears_piece(0)


def a_late_segment(world: World) -> None:
    crashed_recorder(world)
    world.arrives(1)
    world.arrives(2)


def a_segment_sent_twice(world: World) -> None:
    world.sends(0)
    world.arrives(0)
    world.ends(1)
    world.hears_piece(0)
    world.arrives(0)
    world.hears_piece(0)
    world.reviewed()


def locked(world: World) -> None:
    world.sends(0)
    world.ends(1)
    world.hears_piece(0)
    world.machine.until(lambda: world.session.state is State.LOCKED)


ENDINGS: tuple[tuple[Callable[[World], None], State], ...] = (
    (signed_and_closed, State.CLOSED),
    (no_consent, State.FAILED),
    (revoked_mid_session, State.FAILED),
    (discarded, State.FAILED),
    (speech_failed, State.FAILED),
    (bad_audio, State.FAILED),
    (bad_output, State.FAILED),
    (never_ended, State.AWAITING_SIGNATURE),
    (crashed_recorder, State.AWAITING_SIGNATURE),
    (hard_limit, State.FAILED),
    (answered_after_the_hard_limit, State.FAILED),
    (a_late_segment, State.AWAITING_SIGNATURE),
    (a_segment_sent_twice, State.AWAITING_SIGNATURE),
    (locked, State.LOCKED),
)


@pytest.mark.parametrize(("ending", "state"), ENDINGS, ids=[e.__name__ for e, _ in ENDINGS])
def test_no_audio_is_left(ending: Callable[[World], None], state: State, temporary: Path) -> None:
    hurry = {"AwaitSignature": 1} if ending is locked else None
    ports = ready(clock=fakes.FakeClock(datetime.now(UTC)))
    with machine("session", ports, hurry) as flow:
        s3, ports.connected["audio"], ports.connected["vault"] = buckets()
        world = World(ports, flow)
        world.agree(*Purpose)

        ending(world)

        assert world.session.state is state
        left = list(everything(s3))
        assert [key for bucket, key, _ in left if bucket != "vault"] == []
        for _, key, content in left:
            assert AUDIO not in content, key
            assert not any(word in content for word in SPOKEN), key
        for index in range(PIECES):
            kept = f"{index:05d}"
            with pytest.raises(KeyDestroyed):
                ports.vault.put(recording.sealed(SID), kept, b"")
        assert list(temporary.rglob("*")) == []
        receipts = [e for e in ports.ledger.events if e.act == "audio.erased"]
        assert receipts and all(e.counts["left"] == 0 and e.hashes["receipt"] for e in receipts)
        ports.clock.forward(days=1)
        assert sweep({}, None, ports=ports) == {"sessions": 0, "objects": 0}
