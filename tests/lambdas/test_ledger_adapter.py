"""Each act once, in one order, whatever fails; and published files that never contradict them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from countersign.audit.checkpoint import LogKey, open_checkpoint
from countersign.audit.event import read_event
from countersign.audit.retention import Retention
from countersign.audit.verify import Report, verify_directory, verify_proof
from countersign.errors import (
    BadLogKey,
    BadPolicy,
    EventUnknown,
    LedgerBroken,
    LedgerConflict,
    LedgerUnavailable,
)
from lambdas import policies
from lambdas.adapters import ledger as adapter
from lambdas.adapters.ledger import DynamoLedger, S3Log
from lambdas.adapters.signer import FileSigner, KmsSigner
from tests.audit_logs import ORIGIN, Key, event, leaves
from tests.fakes import FakeClock

VKEY = Key().vkey()


class Crash(Exception):
    """The process dies here."""


@dataclass
class Faults:
    """What happens around the calls to AWS: counts them, lets others in between, breaks one.

    `broken[n] = (error, persisted)` makes call `n` raise, after it took effect or without.
    """

    calls: list[str] = field(default_factory=list)
    broken: dict[int, tuple[Exception, bool]] = field(default_factory=dict)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)

    def client(self, real: Any) -> Any:
        return _Client(real, self)


class _Client:
    def __init__(self, real: Any, faults: Faults) -> None:
        self._real = real
        self._faults = faults

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            name = f"{operation} {given.get('Key', '')}" if "Body" in given else operation
            meanwhile = self._faults.before.pop(name, None)
            if meanwhile is not None:
                meanwhile()
            number = len(self._faults.calls)
            self._faults.calls.append(name)
            error, persisted = self._faults.broken.get(number, (None, True))
            answer = getattr(self._real, operation)(**given) if persisted else None
            if error is not None:
                raise error
            return answer

        return call


def refused(code: str, status: int = 400, reasons: tuple[str, ...] = ()) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": status},
            "CancellationReasons": [{"Code": reason} for reason in reasons],
        },
        "TransactWriteItems",
    )


def lost() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="dynamodb")


@dataclass
class Site:
    """A table and a bucket, and ledgers over them; each ledger stands for another process."""

    dynamodb: Any
    s3: Any

    def ledger(self, faults: Faults | None = None, **changes: Any) -> DynamoLedger:
        faults = faults or Faults()
        given = {
            "table": "ledger",
            "bucket": "ledger",
            "origin": ORIGIN,
            "sleep": lambda seconds: None,
        }
        return DynamoLedger(
            faults.client(self.dynamodb), faults.client(self.s3), Key(), **{**given, **changes}
        )

    def verify(self, since: str | None = None) -> Report:
        return verify_directory(S3Log(self.s3, "ledger"), VKEY, since=since)

    def put(self, path: str, content: bytes) -> None:
        self.s3.put_object(Bucket="ledger", Key=path, Body=content)

    def size(self, text: str) -> int:
        return open_checkpoint(text, LogKey.parse(VKEY)).size


@pytest.fixture
def site(client: Any) -> Site:
    dynamodb, s3 = client("dynamodb"), client("s3")
    dynamodb.create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in ("pk", "sk")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )
    s3.create_bucket(Bucket="ledger", ObjectLockEnabledForBucket=True)
    return Site(dynamodb, s3)


# Appending ----------------------------------------------------------------------------------


def test_entries_are_counted_from_zero_and_can_be_read_before_they_are_published(
    site: Site,
) -> None:
    ledger = site.ledger()
    assert [ledger.append(event(number)) for number in range(3)] == [0, 1, 2]
    assert list(ledger.entries()) == leaves(3)
    assert list(ledger.entries(1, 2)) == leaves(3)[1:2]
    assert ledger.sites() == ("main",)


@pytest.mark.parametrize(
    ("most", "expected"), [(0, []), (2, [257, 256]), (4, [257, 256, 255, 254])]
)
def test_the_newest_entries_are_read_backwards_across_bundles(
    site: Site, most: int, expected: list[int]
) -> None:
    _sequenced(site, 258)
    found = site.ledger().newest(most)
    assert [index for index, _ in found] == expected
    assert [leaf for _, leaf in found] == [leaves(258)[index] for index in expected]


def test_more_than_all_entries_are_all(site: Site) -> None:
    assert site.ledger().newest(9) == ()
    _sequenced(site, 2)
    assert [index for index, _ in site.ledger().newest(9)] == [1, 0]


def test_a_published_entry_is_proven_by_the_ledger_itself(three: Site) -> None:
    proof = three.ledger().prove(event(1).id)
    assert verify_proof(proof, VKEY).verified
    with pytest.raises(EventUnknown):
        three.ledger().prove("nothing")


def test_the_same_act_is_entered_once_and_its_first_bytes_stay(site: Site) -> None:
    ledger = site.ledger()
    ledger.append(event(0))
    ledger.append(event(1))
    assert ledger.append(event(0)) == 0
    assert site.ledger().append(event(0, at=event(5).at, run="a-second-run")) == 0
    assert list(ledger.entries()) == leaves(2)


def test_the_same_id_for_another_act_is_a_conflict(site: Site) -> None:
    ledger = site.ledger()
    ledger.append(event(0))
    with pytest.raises(LedgerConflict):
        ledger.append(event(0, counts={"turns": 9}))
    assert list(ledger.entries()) == leaves(1)


def test_what_cannot_be_an_entry_is_refused_before_anything_is_written(site: Site) -> None:
    faults = Faults()
    ledger = site.ledger(faults)
    for impossible in (
        event(0, site="north"),
        event(0, reason="x" * 70_000),
        event(0, id=""),
        event(0, id="x" * 1025),
    ):
        with pytest.raises(LedgerUnavailable):
            ledger.append(impossible)
    assert faults.calls == []


def test_others_who_come_first_are_given_way(site: Site) -> None:
    faults = Faults()
    faults.before["transact_write_items"] = lambda: [
        site.ledger().append(event(number)) for number in range(3)
    ]
    assert site.ledger(faults).append(event(3)) == 3
    assert list(site.ledger().entries()) == leaves(4)


def test_a_duplicate_delivery_that_comes_first_settles_it(site: Site) -> None:
    faults = Faults()
    faults.before["transact_write_items"] = lambda: site.ledger().append(event(0))
    assert site.ledger(faults).append(event(0)) == 0
    assert list(site.ledger().entries()) == leaves(1)


APPEND = ["get_item", "transact_write_items"]


def test_an_append_is_one_read_and_one_transaction(site: Site) -> None:
    faults = Faults()
    site.ledger(faults).append(event(0))
    assert faults.calls == APPEND


@pytest.mark.parametrize("persisted", [False, True], ids=["not_persisted", "persisted"])
@pytest.mark.parametrize("boundary", range(len(APPEND)), ids=APPEND)
def test_an_append_that_dies_and_is_repeated_is_one_entry(
    site: Site, boundary: int, persisted: bool
) -> None:
    site.ledger().append(event(0))
    faults = Faults(broken={boundary: (Crash(), persisted)})
    with pytest.raises(Crash):
        site.ledger(faults).append(event(1))
    assert site.ledger().append(event(1, at=event(3).at)) == 1
    assert site.ledger().append(event(2)) == 2
    assert [read_event(leaf).id for leaf in site.ledger().entries()] == [
        event(number).id for number in range(3)
    ]


@pytest.mark.parametrize("persisted", [False, True], ids=["not_persisted", "persisted"])
@pytest.mark.parametrize("error", [lost(), refused("InternalServerError", 500)], ids=str)
def test_an_append_whose_reply_is_lost_is_one_entry(
    site: Site, error: Exception, persisted: bool
) -> None:
    faults = Faults(broken={1: (error, persisted)})
    assert site.ledger(faults).append(event(0)) == 0
    assert list(site.ledger().entries()) == leaves(1)
    assert "get_item" in faults.calls[2:]


@pytest.mark.parametrize(
    "error",
    [
        refused("ThrottlingException"),
        refused("ProvisionedThroughputExceededException"),
        refused("TransactionConflictException"),
        refused("TransactionInProgressException"),
        refused("TransactionCanceledException", reasons=("TransactionConflict", "None", "None")),
        refused("TransactionCanceledException", reasons=("None", "ThrottlingError", "None")),
    ],
    ids=lambda error: error.response["Error"]["Code"],
)
def test_throttling_and_conflicts_are_waited_out(site: Site, error: Exception) -> None:
    waits: list[float] = []
    faults = Faults(broken={1: (error, False), 3: (error, False)})
    assert site.ledger(faults, sleep=waits.append).append(event(0)) == 0
    assert len(waits) == 2 and all(0 <= wait <= 1 for wait in waits)


@pytest.mark.parametrize(
    "error",
    [
        refused("AccessDeniedException"),
        refused("ResourceNotFoundException"),
        refused("TransactionCanceledException", reasons=("None", "ValidationError", "None")),
    ],
    ids=lambda error: error.response["Error"]["Code"],
)
def test_what_another_try_cannot_help_is_refused_at_once(site: Site, error: Exception) -> None:
    faults = Faults(broken={1: (error, False)})
    with pytest.raises(LedgerUnavailable):
        site.ledger(faults).append(event(0))
    assert faults.calls == APPEND


@pytest.mark.parametrize("error", [refused("ThrottlingException"), lost()], ids=str)
def test_endless_trouble_ends_in_a_refusal_with_nothing_written(
    site: Site, error: Exception
) -> None:
    faults = Faults(broken=dict.fromkeys(range(100), (error, False)))
    with pytest.raises(LedgerUnavailable, match="session-0/transcribed"):
        site.ledger(faults, attempts=5).append(event(0))
    assert list(site.ledger().entries()) == []


def test_a_head_that_was_set_back_cannot_overwrite_an_entry(site: Site) -> None:
    ledger = site.ledger()
    for number in range(2):
        ledger.append(event(number))
    site.dynamodb.put_item(
        TableName="ledger",
        Item={"pk": {"S": "log"}, "sk": {"S": "head"}, "tree_size": {"N": "1"}},
    )
    with pytest.raises(LedgerUnavailable):
        ledger.append(event(9))
    assert list(ledger.entries(0, 2)) == leaves(2)


# Publishing ---------------------------------------------------------------------------------


@pytest.fixture
def three(site: Site) -> Site:
    """A log of three published and two further entries."""
    for number in range(3):
        site.ledger().append(event(number))
    site.ledger().publish("main")
    for number in range(3, 5):
        site.ledger().append(event(number))
    return site


def test_a_log_without_entries_can_be_published(site: Site) -> None:
    assert site.size(site.ledger().publish("main")) == 0
    assert site.verify().verified


def _sequenced(site: Site, count: int) -> None:
    """Entries as appending leaves them, without paying the emulator for so many transactions."""
    for number, leaf in enumerate(leaves(count)):
        key = {"pk": {"S": f"entries#{number // 256:012d}"}, "sk": {"S": f"{number % 256:03d}"}}
        site.dynamodb.put_item(TableName="ledger", Item=key | {"leaf": {"B": leaf}})
    head = {"pk": {"S": "log"}, "sk": {"S": "head"}, "tree_size": {"N": str(count)}}
    site.dynamodb.put_item(TableName="ledger", Item=head)


def test_what_is_published_verifies_across_bundles(site: Site) -> None:
    _sequenced(site, 254)
    for number in range(254, 258):
        site.ledger().publish("main")
        assert site.ledger().append(event(number)) == number
    kept = site.ledger().publish("main")
    report = site.verify(since=kept)
    assert report.verified and report.size == 258 and report.checkpoint == kept
    assert len(list(site.ledger().entries())) == 258


def test_publishing_again_changes_nothing(three: Site) -> None:
    text = three.ledger().publish("main")
    faults = Faults()
    assert three.ledger(faults).publish("main") == text
    assert not [call for call in faults.calls if call.startswith("put")]


def test_a_long_backlog_is_published_in_steps_that_stay(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MOST_AT_ONCE", 4)
    for number in range(10):
        site.ledger().append(event(number))
    assert site.size(site.ledger().publish("main")) == 10
    assert {"checkpoint.4", "checkpoint.8", "checkpoint.10"} <= set(site.ledger().published.list())
    assert site.verify().verified


def test_another_sites_log_is_not_published_here(site: Site) -> None:
    with pytest.raises(LedgerUnavailable):
        site.ledger().publish("north")


PUBLISH = [
    "read_newest_checkpoint",
    "read_head",
    "read_shown_checkpoint",
    "read_history",
    "read_key",
    "read_partial_tile",
    "read_entries",
    "look_for_bundle",
    "put_bundle",
    "look_for_tile",
    "put_tile",
    "decide_checkpoint",
    "look_at_shown_checkpoint",
    "show_checkpoint",
    "look_for_history",
    "put_history",
    "read_key_again",
]
OPERATIONS = [
    "get_item",
    "get_item",
    "get_object",
    "get_object",
    "get_object",
    "get_object",
    "query",
    "get_object",
    "put_object tile/entries/000.p/5",
    "get_object",
    "put_object tile/0/000.p/5",
    "put_item",
    "get_object",
    "put_object checkpoint",
    "get_object",
    "put_object checkpoint.5",
    "get_object",
]


def test_the_boundaries_of_publishing_are_those_that_are_broken_below(three: Site) -> None:
    faults = Faults()
    three.ledger(faults).publish("main")
    assert faults.calls == OPERATIONS and len(PUBLISH) == len(OPERATIONS)


WRITTEN = [(step, False) for step in range(len(PUBLISH))] + [
    (step, True) for step, name in enumerate(OPERATIONS) if name.startswith("put_")
]


@pytest.mark.parametrize(
    ("boundary", "persisted"),
    WRITTEN,
    ids=[f"{PUBLISH[step]}-{'' if kept else 'not_'}persisted" for step, kept in WRITTEN],
)
def test_a_publisher_that_dies_is_continued_by_the_next(
    three: Site, boundary: int, persisted: bool
) -> None:
    before = three.ledger().published.read("checkpoint")
    assert before is not None
    with pytest.raises(Crash):
        three.ledger(Faults(broken={boundary: (Crash(), persisted)})).publish("main")
    shown = three.ledger().published.read("checkpoint")
    assert shown is not None and three.size(shown.decode()) in (3, 5)

    three.ledger().append(event(5))
    text = three.ledger().publish("main")
    assert three.size(text) == 6
    for kept in (before, shown):
        assert three.verify(since=kept.decode()).verified
    decided = boundary > PUBLISH.index("decide_checkpoint") or (
        persisted and boundary == PUBLISH.index("decide_checkpoint")
    )
    assert ("checkpoint.5" in set(three.ledger().published.list())) is decided


@pytest.mark.parametrize("error", [lost(), refused("InternalError", 500)], ids=str)
def test_a_publisher_without_answer_is_refused_and_continued(three: Site, error: Exception) -> None:
    decision = PUBLISH.index("decide_checkpoint")
    with pytest.raises(LedgerUnavailable):
        three.ledger(Faults(broken={decision: (error, True)})).publish("main")
    assert three.size(three.ledger().publish("main")) == 5
    assert three.verify().verified


@pytest.mark.parametrize(
    "moment", ["query", "put_object tile/0/000.p/5", "put_item", "put_object checkpoint"]
)
def test_a_publisher_who_is_overtaken_never_sets_the_log_back(three: Site, moment: str) -> None:
    def overtake() -> None:
        three.ledger().append(event(5))
        three.ledger().publish("main")

    faults = Faults(before={moment: overtake})
    three.ledger(faults).publish("main")
    assert not faults.before
    shown = three.ledger().published.read("checkpoint")
    assert shown is not None and three.size(shown.decode()) == 6
    assert three.verify().verified


# Contradictions -----------------------------------------------------------------------------


def _entry_removed(site: Site) -> None:
    site.dynamodb.delete_item(
        TableName="ledger", Key={"pk": {"S": "entries#000000000000"}, "sk": {"S": "003"}}
    )


def _entry_rewritten(site: Site) -> None:
    site.dynamodb.update_item(
        TableName="ledger",
        Key={"pk": {"S": "entries#000000000000"}, "sk": {"S": "001"}},
        UpdateExpression="SET leaf = :leaf",
        ExpressionAttributeValues={":leaf": {"B": event(99).leaf()}},
    )


def _published_set_back(site: Site) -> None:
    site.dynamodb.delete_item(
        TableName="ledger", Key={"pk": {"S": "log"}, "sk": {"S": "published"}}
    )


def _head_set_back(site: Site) -> None:
    site.dynamodb.put_item(
        TableName="ledger",
        Item={"pk": {"S": "log"}, "sk": {"S": "head"}, "tree_size": {"N": "2"}},
    )


CONTRADICTIONS: dict[str, Callable[[Site], object]] = {
    "an_entry_is_gone_from_the_table": _entry_removed,
    "a_published_entry_is_rewritten_in_the_table": _entry_rewritten,
    "the_head_is_set_back": _head_set_back,
    "a_tile_is_overwritten": lambda s: s.put("tile/0/000.p/3", bytes(96)),
    "a_tile_is_hidden_by_a_delete_marker": lambda s: s.s3.delete_object(
        Bucket="ledger", Key="tile/0/000.p/3"
    ),
    "a_tile_is_there_with_other_content": lambda s: s.put("tile/0/000.p/5", bytes(160)),
    "a_bundle_is_there_with_other_content": lambda s: s.put("tile/entries/000.p/5", b"\0\0" * 5),
    "the_shown_checkpoint_is_nonsense": lambda s: s.put("checkpoint", b"nonsense"),
    "a_kept_checkpoint_is_overwritten": lambda s: s.put("checkpoint.3", b"nonsense"),
    "the_key_file_is_another": lambda s: s.put("vkey", Key("attacker").vkey().encode()),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_nothing_is_signed_over_a_contradiction(three: Site, name: str) -> None:
    CONTRADICTIONS[name](three)
    newest = three.ledger().published.read("checkpoint")
    with pytest.raises(LedgerBroken):
        three.ledger().publish("main")
    assert three.ledger().published.read("checkpoint") == newest


OVERLAYS: dict[str, tuple[str, bytes | None, str, int | None]] = {
    "a_bundle_is_hidden_by_a_delete_marker": ("tile/entries/000.p/3", None, "gap", 0),
    "a_tile_is_hidden_by_a_delete_marker": ("tile/0/000.p/3", None, "tile", 0),
    "the_checkpoint_is_hidden_by_a_delete_marker": ("checkpoint", None, "checkpoint", None),
    "the_key_is_hidden_by_a_delete_marker": ("vkey", None, "key", None),
    "a_newer_version_lies_over_a_bundle": ("tile/entries/000.p/3", b"\0\1x" * 3, "root", None),
    "a_newer_version_lies_over_a_tile": ("tile/0/000.p/3", bytes(96), "tile", 0),
    "a_newer_version_lies_over_a_kept_checkpoint": ("checkpoint.3", b"nonsense", "history", 3),
}


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_lies_over_a_locked_object_is_found_when_the_bucket_is_verified(
    three: Site, name: str
) -> None:
    path, content, kind, index = OVERLAYS[name]
    assert verify_directory(S3Log(three.s3, "ledger")).verified
    if content is None:
        three.s3.delete_object(Bucket="ledger", Key=path)
    else:
        three.put(path, content)
    report = verify_directory(S3Log(three.s3, "ledger"))
    assert (kind, index) in {(each.kind, each.index) for each in report.breaks}


def test_a_forgotten_checkpoint_is_decided_again_and_is_the_same(three: Site) -> None:
    text = three.ledger().publish("main")
    _published_set_back(three)
    assert three.ledger().publish("main") == text
    assert three.verify(since=text).verified


def test_a_table_set_back_behind_what_is_shown_is_found(three: Site) -> None:
    text = three.ledger().publish("main")
    _published_set_back(three)
    _head_set_back(three)
    with pytest.raises(LedgerBroken, match="5"):
        three.ledger().publish("main")
    assert three.ledger().published.read("checkpoint") == text.encode()


def test_a_checkpoint_hidden_by_a_delete_marker_is_shown_again(three: Site) -> None:
    text = three.ledger().publish("main")
    three.s3.delete_object(Bucket="ledger", Key="checkpoint")
    assert three.ledger().publish("main") == text
    assert three.ledger().published.read("checkpoint") == text.encode()


def test_another_key_cannot_go_on_with_the_log(three: Site) -> None:
    ledger = DynamoLedger(
        three.dynamodb, three.s3, Key("new"), table="ledger", bucket="ledger", origin=ORIGIN
    )
    with pytest.raises(LedgerBroken):
        ledger.publish("main")


# Locks --------------------------------------------------------------------------------------


def test_objects_are_locked_for_as_long_as_the_policy_says(site: Site) -> None:
    clock = FakeClock()
    retention = Retention.from_toml(policies.text("retention.toml"), "prod")
    assert (retention.mode, retention.days) == ("COMPLIANCE", 2192)
    ledger = site.ledger(retention=retention, clock=clock)
    ledger.append(event(0))
    ledger.publish("main")
    for path in ledger.published.list():
        shown = site.s3.head_object(Bucket="ledger", Key=path)
        assert shown["ObjectLockMode"] == "COMPLIANCE"
        assert shown["ObjectLockRetainUntilDate"] == clock.now() + timedelta(days=2192)


def test_a_lock_needs_a_clock(site: Site) -> None:
    with pytest.raises(ValueError, match="clock"):
        site.ledger(retention=Retention(mode="GOVERNANCE", days=1))


def test_other_stages_are_locked_so_that_a_mistake_can_be_undone() -> None:
    text = policies.text("retention.toml")
    assert Retention.from_toml(text, "dev").mode == "GOVERNANCE"
    assert Retention(mode="GOVERNANCE", days=2).until(datetime(2026, 1, 1, tzinfo=UTC)) == (
        datetime(2026, 1, 3, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[ledger]",
        "[ledger]\ndays = 0\nmode = 'GOVERNANCE'",
        "[ledger]\ndays=1\nmode='NONE'",
        "[",
    ],
)
def test_a_broken_retention_policy_is_refused(text: str) -> None:
    with pytest.raises(BadPolicy, match=r"retention\.toml"):
        Retention.from_toml(text, "prod")


# Signers ------------------------------------------------------------------------------------


def test_a_signers_file_is_private_and_made_once(tmp_path: Path) -> None:
    made = FileSigner.create(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    again = FileSigner.create(tmp_path / "key.pem")
    assert made.public_key() == again.public_key() and len(made.public_key()) == 32
    assert made.sign(b"text") == FileSigner(tmp_path / "key.pem").sign(b"text")
    assert LogKey(ORIGIN, made.public_key()).verify(b"text", made.sign(b"text"))


class Kms:
    """The two calls of KMS on a key in memory, with the answers that KMS gives."""

    def __init__(self, pem: bytes) -> None:
        self._key: Any = load_pem_private_key(pem, password=None)
        self.asked: list[dict[str, Any]] = []
        self.down = False

    def sign(self, **given: Any) -> dict[str, Any]:
        if self.down:
            raise refused("KMSInternalException", 500)
        self.asked.append(given)
        return {"Signature": self._key.sign(given["Message"])}

    def get_public_key(self, **given: Any) -> dict[str, Any]:
        if self.down:
            raise lost()
        self.asked.append(given)
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"PublicKey": der}


@pytest.fixture
def kms(tmp_path: Path) -> Iterator[Kms]:
    FileSigner.create(tmp_path / "key.pem")
    yield Kms((tmp_path / "key.pem").read_bytes())


def test_kms_is_asked_to_sign_the_raw_text_and_once_for_the_key(kms: Kms) -> None:
    signer = KmsSigner(kms, "arn:key")
    assert LogKey(ORIGIN, signer.public_key()).verify(b"text", signer.sign(b"text"))
    signer.public_key()
    assert kms.asked == [
        {"KeyId": "arn:key"},
        {
            "KeyId": "arn:key",
            "Message": b"text",
            "MessageType": "RAW",
            "SigningAlgorithm": "ED25519_SHA_512",
        },
    ]


def test_a_key_that_cannot_be_reached_is_an_unavailable_ledger(kms: Kms) -> None:
    kms.down = True
    signer = KmsSigner(kms, "arn:key")
    with pytest.raises(LedgerUnavailable, match="KMSInternalException"):
        signer.sign(b"text")
    with pytest.raises(LedgerUnavailable, match="ReadTimeoutError"):
        signer.public_key()


def test_a_key_of_another_kind_is_refused(client: Any, tmp_path: Path) -> None:
    elliptic = client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with pytest.raises(BadLogKey):
        KmsSigner(client("kms"), elliptic["KeyMetadata"]["Arn"]).public_key()
