"""The audit log on DynamoDB, which puts entries in order, and S3, where anybody can check them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from countersign.audit.checkpoint import Checkpoint, LogKey, open_checkpoint, sign
from countersign.audit.event import Event
from countersign.audit.merkle import leaf_hash
from countersign.audit.retention import Retention
from countersign.audit.tiles import LARGEST_ENTRY, WIDTH, Edge, Tile, encode_bundle, read_edge
from countersign.audit.verify import prove, verify_directory
from countersign.errors import (
    BadCheckpoint,
    LedgerBroken,
    LedgerConflict,
    LedgerUnavailable,
)
from countersign.ports import Clock, Signer

_LOG = "log"
_HEAD = {"pk": {"S": _LOG}, "sk": {"S": "head"}}
_PUBLISHED = {"pk": {"S": _LOG}, "sk": {"S": "published"}}

LONGEST_ID = 1024
"""Bytes of an event id: it is part of a table key, for which DynamoDB allows 2,048."""

MOST_AT_ONCE = 16_384
"""Entries that one checkpoint may add, so that a long backlog is published in steps that stay."""

_FIRST_WAIT, _LONGEST_WAIT = 0.02, 1.0
"""Seconds: full jitter between zero and an exponentially growing bound, as AWS's Architecture
blog advises under contention ("Exponential Backoff and Jitter")."""

_NOT_WRITTEN = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "ThrottlingError",
    "TransactionConflictException",
    "TransactionInProgressException",
}
_JITTER = random.SystemRandom()


class _Outcome(Enum):
    """What a failed append means for the entry."""

    REPEATED = auto()  # an entry with this id is there
    MAYBE = auto()  # nobody knows: it may have been written
    NOT_YET = auto()  # not written, and worth another try
    REFUSED = auto()  # not written, and another try would end the same way


@dataclass(frozen=True)
class _Published:
    size: int
    text: str


class DynamoLedger:
    """`ports.Ledger`: one log per site, whose name is the last part of `origin`.

    Sequencing: one transaction moves the head, creates the entry and creates the item that
    remembers the event's id. Integration: entries become create-only bundles and tiles. Publishing:
    the checkpoint is signed, wins the `published` item by compare-and-set, and is then shown as
    the object `checkpoint`. A process may die between any two of these, and the next call goes on.

    The table has string keys: `log`/`head` (tree_size), `log`/`published` (tree_size, checkpoint),
    `entries#<bundle>`/`<place>` (leaf) and `event#<id>`/`event` (entry, leaf_hash, identity).
    """

    def __init__(
        self,
        dynamodb: Any,
        s3: Any,
        signer: Signer,
        *,
        table: str,
        bucket: str,
        origin: str,
        retention: Retention | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = 10,
    ) -> None:
        """`retention` is only for a bucket without a default of its own; it needs the clock."""
        if retention is not None and clock is None:
            raise ValueError("a retention is counted from now: give a clock")
        self._dynamodb = dynamodb
        self._s3 = s3
        self._signer = signer
        self._table = table
        self._bucket = bucket
        self._origin = origin
        self._site = origin.rsplit("/", 1)[-1]
        self._retention = retention
        self._clock = clock
        self._sleep = sleep
        self._attempts = attempts
        self.published = S3Log(s3, bucket)

    def sites(self) -> tuple[str, ...]:
        """The sites whose logs this ledger keeps: one."""
        return (self._site,)

    # Sequencing -----------------------------------------------------------------------------

    def append(self, event: Event) -> int:
        """The entry's index, counted from 0; the same act again gives the same index.

        Two events are the same act when all but their moment and run agree (`Event.identity`); the
        first one's bytes stay. Raises `LedgerConflict` when the id stands for another act, and
        `LedgerUnavailable` when nothing could be written or nobody can say whether it was: calling
        again with the same event is then safe.
        """
        leaf = self._leaf(event)
        why = "no attempt was made"
        for attempt in range(self._attempts):
            if attempt:
                self._wait(attempt)
            try:
                index = self._tree_size(_HEAD)
                self._write(event, leaf, index)
                return index
            except (ClientError, BotoCoreError) as error:
                outcome, why = _outcome(error), _code(error)
            if outcome is _Outcome.REFUSED:
                break
            if outcome is not _Outcome.NOT_YET:
                try:
                    known = self._known(event)
                except (ClientError, BotoCoreError) as error:
                    why = _code(error)
                    continue
                if known is not None:
                    return known
        raise LedgerUnavailable(f"event {event.id} could not be entered: {why}")

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The entries `[start, stop)` as they were sequenced, published or not.

        Raises `LedgerBroken` for a gap, `LedgerUnavailable` when the table cannot be read.
        """
        try:
            stop = self._tree_size(_HEAD) if stop is None else stop
            for bundle in range(start // WIDTH, -(-stop // WIDTH)):
                first = bundle * WIDTH
                leaves = self._bundle(bundle, min(WIDTH, stop - first))
                yield from leaves[max(start - first, 0) :]
        except (ClientError, BotoCoreError) as error:
            raise LedgerUnavailable(f"the ledger cannot be read: {_code(error)}") from error

    def newest(self, most: int) -> tuple[tuple[int, bytes], ...]:
        """The last `most` entries, newest first, with their indexes; raises as `entries` does."""
        try:
            size = self._tree_size(_HEAD)
        except (ClientError, BotoCoreError) as error:
            raise LedgerUnavailable(f"the ledger cannot be read: {_code(error)}") from error
        first = max(0, size - most)
        found = list(enumerate(self.entries(first, size), start=first))
        return tuple(reversed(found))

    def prove(self, event_id: str) -> str:
        """The proof that `countersign.audit.verify.verify_proof` checks, from what is published."""
        return prove(self.published, event_id)

    def _leaf(self, event: Event) -> bytes:
        leaf = event.leaf()
        if event.site != self._site:
            raise LedgerUnavailable(f"this ledger keeps the log of {self._site}, not {event.site}")
        if len(leaf) > LARGEST_ENTRY:
            raise LedgerUnavailable(f"event {event.id} has {len(leaf)} of {LARGEST_ENTRY} bytes")
        if not 0 < len(event.id.encode()) <= LONGEST_ID:
            raise LedgerUnavailable(f"an event id has 1 to {LONGEST_ID} bytes")
        return leaf

    def _write(self, event: Event, leaf: bytes, index: int) -> None:
        unmoved = "tree_size = :index" if index else "attribute_not_exists(pk)"
        values = {":next": {"N": str(index + 1)}}
        if index:
            values[":index"] = {"N": str(index)}
        self._dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": self._table,
                        "Key": _HEAD,
                        "UpdateExpression": "SET tree_size = :next",
                        "ConditionExpression": unmoved,
                        "ExpressionAttributeValues": values,
                    }
                },
                self._create(_entry_key(index) | {"leaf": {"B": leaf}}),
                self._create(
                    _event_key(event.id)
                    | {
                        "entry": {"N": str(index)},
                        "leaf_hash": {"B": leaf_hash(leaf)},
                        "identity": {"B": sha256(event.identity()).digest()},
                    }
                ),
            ]
        )

    def _create(self, item: dict[str, Any]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _known(self, event: Event) -> int | None:
        item = self._item(_event_key(event.id))
        if item is None:
            return None
        if item["identity"]["B"] != sha256(event.identity()).digest():
            raise LedgerConflict(f"event {event.id} stands in the log with other content")
        return int(item["entry"]["N"])

    def _item(self, key: dict[str, Any]) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def _tree_size(self, key: dict[str, Any]) -> int:
        item = self._item(key)
        return 0 if item is None else int(item["tree_size"]["N"])

    def _wait(self, attempt: int) -> None:
        self._sleep(_JITTER.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)))

    # Integration and publishing -------------------------------------------------------------

    def publish(self, site: str) -> str:
        """Publishes all entries sequenced so far; the newest checkpoint's text.

        Never signs anything that does not extend what was published. Raises `LedgerBroken` when
        table, tiles and checkpoints contradict one another, `LedgerUnavailable` when something
        cannot be reached; whatever was done by then stays and is picked up by the next call.
        """
        if site != self._site:
            raise LedgerUnavailable(f"this ledger keeps the log of {self._site}, not {site}")
        try:
            key = LogKey(self._origin, self._signer.public_key())
            for attempt in range(self._attempts):
                if attempt:
                    self._wait(attempt)
                text = self._catch_up(key)
                if text is not None:
                    return text
        except (ClientError, BotoCoreError) as error:
            raise LedgerUnavailable(f"the log cannot be published: {_code(error)}") from error
        raise LedgerUnavailable("the log cannot be published: others keep publishing it")

    def _catch_up(self, key: LogKey) -> str | None:
        """A checkpoint over all entries there were, or None when another publisher came first."""
        published = self._newest()
        # Read after `published`, the head can only be as far or further.
        head = self._tree_size(_HEAD)
        if published is not None and published.size > head:
            raise LedgerBroken(f"{published.size} entries are published, {head} are sequenced")
        while True:
            if published is not None:
                self._show(published, key)
                if published.size == head:
                    return published.text
            size = min(head, (published.size if published else 0) + MOST_AT_ONCE)
            edge = self._integrate(published, size, key)
            text = sign(Checkpoint(self._origin, size, edge.root()), self._signer)
            after = _Published(size, text)
            if not self._advance(published, after):
                return None
            published = after

    def verify(self, site: str) -> tuple[str, ...]:
        """Recomputes the whole published log and holds the table's checkpoint against it.

        The key is asked of the signer, never read from the bucket. A publisher may come between;
        then the log is read once more.
        """
        if site != self._site:
            raise LedgerUnavailable(f"this ledger keeps the log of {self._site}, not {site}")
        try:
            key = LogKey(self._origin, self._signer.public_key())
            found: tuple[str, ...] = ()
            for _ in range(2):
                before = self._newest()
                if before is None:
                    empty = next(iter(self.published.list()), None) is None
                    return () if empty else ("the bucket holds a log that the table does not know",)
                report = verify_directory(self.published, str(key), before.text)
                found = tuple(f"{b.kind} at {b.index}: {b.why}" for b in report.breaks)
                if report.size > before.size and self._newest() == before:
                    found += (f"the bucket shows {report.size} entries, the table {before.size}",)
                if not found:
                    return ()
        except (ClientError, BotoCoreError) as error:
            raise LedgerUnavailable(f"the log cannot be read: {_code(error)}") from error
        return found

    def _newest(self) -> _Published | None:
        item = self._item(_PUBLISHED)
        if item is None:
            return None
        return _Published(int(item["tree_size"]["N"]), item["checkpoint"]["S"])

    def _integrate(self, published: _Published | None, size: int, key: LogKey) -> Edge:
        """Writes what the log of `size` entries needs beyond the published one; the new edge."""
        edge = Edge() if published is None else self._edge(published, key)
        start, hashes = edge.size, list[bytes]()
        for bundle in range(start // WIDTH, -(-size // WIDTH)):
            width = min(WIDTH, size - bundle * WIDTH)
            leaves = self._bundle(bundle, width)
            fresh = [leaf_hash(leaf) for leaf in leaves]
            held = max(start - bundle * WIDTH, 0)
            if held and b"".join(fresh[:held]) != edge.levels[0]:
                raise LedgerBroken(
                    f"table and tiles differ among entries {start - held} to {start}"
                )
            hashes += fresh[held:]
            if held < width:
                self._put_once(Tile(-1, bundle, width).path, encode_bundle(leaves))
        edge, tiles = edge.grow(hashes)
        for tile, content in tiles.items():
            self._put_once(tile.path, content)
        return edge

    def _edge(self, published: _Published, key: LogKey) -> Edge:
        try:
            checkpoint = open_checkpoint(published.text, key)
        except BadCheckpoint as error:
            raise LedgerBroken(f"the table's checkpoint: {error}") from error
        edge = read_edge(self.published, published.size)
        if edge is None:
            raise LedgerBroken(f"tiles of the published {published.size} entries are missing")
        if (checkpoint.size, checkpoint.root) != (published.size, edge.root()):
            raise LedgerBroken(f"the tiles do not give the root signed over {published.size}")
        return edge

    def _bundle(self, bundle: int, width: int) -> list[bytes]:
        """The first `width` entries of a bundle, from the table."""
        leaves: list[bytes] = []
        query: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :bundle AND sk < :end",
            "ExpressionAttributeValues": {
                ":bundle": {"S": _bundle_key(bundle)},
                ":end": {"S": f"{width:03d}"},
            },
        }
        while True:
            page = self._dynamodb.query(**query)
            for item in page["Items"]:
                if item["sk"]["S"] != f"{len(leaves):03d}":
                    raise LedgerBroken(f"entry {bundle * WIDTH + len(leaves)} is not in the table")
                leaves.append(bytes(item["leaf"]["B"]))
            if "LastEvaluatedKey" not in page:
                break
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        if len(leaves) != width:
            raise LedgerBroken(f"entry {bundle * WIDTH + len(leaves)} is not in the table")
        return leaves

    def _advance(self, before: _Published | None, after: _Published) -> bool:
        """Makes `after` the newest checkpoint unless another publisher did; the log's one moment
        of decision: what wins here will be shown, by us or by whoever publishes next."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_PUBLISHED
                | {"tree_size": {"N": str(after.size)}, "checkpoint": {"S": after.text}},
                ConditionExpression=(
                    "attribute_not_exists(pk)" if before is None else "tree_size = :before"
                ),
                **(
                    {}
                    if before is None
                    else {"ExpressionAttributeValues": {":before": {"N": str(before.size)}}}
                ),
            )
        except ClientError as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _show(self, newest: _Published, key: LogKey) -> None:
        """Makes `checkpoint` show the newest one, and keeps it for good as `checkpoint.<size>`."""
        for attempt in range(self._attempts):
            if attempt:
                self._wait(attempt)
            shown, tag = self._get("checkpoint")
            if shown == newest.text.encode():
                break
            if shown is not None and self._is_newer(shown, newest, key):
                return
            condition = {"IfNoneMatch": "*"} if shown is None else {"IfMatch": tag}
            if self._put("checkpoint", newest.text.encode(), condition):
                break
        else:
            raise LedgerUnavailable("the checkpoint cannot be shown: others keep changing it")
        self._put_once(f"checkpoint.{newest.size}", newest.text.encode())
        self._put_once("vkey", f"{key}\n".encode())

    def _is_newer(self, shown: bytes, newest: _Published, key: LogKey) -> bool:
        try:
            size = open_checkpoint(shown, key).size
        except BadCheckpoint as error:
            raise LedgerBroken(f"the object checkpoint is not the log's: {error}") from error
        if size == newest.size:
            raise LedgerBroken(f"two different checkpoints over {size} entries are signed")
        if size < newest.size:
            return False
        now = self._newest()
        if now is None or now.size < size:
            raise LedgerBroken(f"a checkpoint over {size} is shown that the table does not know")
        return True

    # Objects --------------------------------------------------------------------------------

    def _put_once(self, path: str, content: bytes) -> None:
        """Creates an object; one that is there must hold the same bytes."""
        for attempt in range(self._attempts):
            if attempt:
                self._wait(attempt)
            held, _ = self._get(path)
            if held is not None:
                if held != content:
                    raise LedgerBroken(f"{path} is published with other content")
                return
            if self._put(path, content, {"IfNoneMatch": "*"}):
                return
        raise LedgerUnavailable(f"{path} cannot be written")

    def _put(self, path: str, content: bytes, condition: dict[str, str]) -> bool:
        text = not path.startswith("tile/")
        lock: dict[str, Any] = {}
        if self._retention is not None and self._clock is not None:
            lock = {
                "ObjectLockMode": self._retention.mode,
                "ObjectLockRetainUntilDate": self._retention.until(self._clock.now()),
            }
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=path,
                Body=content,
                ContentType="text/plain; charset=utf-8" if text else "application/octet-stream",
                CacheControl="no-cache" if path == "checkpoint" else "max-age=31536000, immutable",
                **condition,
                **lock,
            )
        except ClientError as error:
            # 409: another conditional write of the same key is under way; 404: a version to
            # match against is gone. In both cases look again.
            if _status(error) not in (404, 409, 412):
                raise
            return False
        return True

    def _get(self, path: str) -> tuple[bytes | None, str]:
        return self.published.fetch(path)


class S3Log:
    """`countersign.audit.tiles.Reader` over a bucket that holds one published log."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def read(self, path: str) -> bytes | None:
        """The object's bytes, or None when there is none, or only a delete marker."""
        return self.fetch(path)[0]

    def fetch(self, path: str) -> tuple[bytes | None, str]:
        """The object's bytes and its entity tag; None and an empty tag when there is none."""
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=path)
        except ClientError as error:
            if _code(error) not in ("NoSuchKey", "404"):
                raise
            return None, ""
        return found["Body"].read(), found["ETag"]

    def list(self) -> Iterator[str]:
        """Every key in the bucket."""
        query = {"Bucket": self._bucket}
        while True:
            page = self._s3.list_objects_v2(**query)
            for item in page.get("Contents", ()):
                yield item["Key"]
            if not page.get("IsTruncated"):
                return
            query["ContinuationToken"] = page["NextContinuationToken"]


def _bundle_key(bundle: int) -> str:
    return f"entries#{bundle:012d}"


def _entry_key(index: int) -> dict[str, Any]:
    return {"pk": {"S": _bundle_key(index // WIDTH)}, "sk": {"S": f"{index % WIDTH:03d}"}}


def _event_key(event_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"event#{event_id}"}, "sk": {"S": "event"}}


def _outcome(error: ClientError | BotoCoreError) -> _Outcome:
    """What a failed transaction (head, entry, event id, in this order) means for the entry."""
    if not isinstance(error, ClientError):
        return _Outcome.MAYBE
    code = _code(error)
    if code == "TransactionCanceledException":
        reasons = [r.get("Code", "None") for r in error.response.get("CancellationReasons", ())]
        failed = [reason == "ConditionalCheckFailed" for reason in reasons]
        if len(failed) != 3:
            return _Outcome.MAYBE
        if failed[2]:
            return _Outcome.REPEATED
        if failed[1] and not failed[0]:
            return _Outcome.REFUSED  # an entry stands where the head says there is none
        retryable = {"None", "ConditionalCheckFailed", "TransactionConflict"}
        retryable |= {"ThrottlingError", "ProvisionedThroughputExceeded"}
        return _Outcome.NOT_YET if set(reasons) <= retryable else _Outcome.REFUSED
    if code in _NOT_WRITTEN:
        return _Outcome.NOT_YET
    return _Outcome.MAYBE if (_status(error) or 500) >= 500 else _Outcome.REFUSED


def _code(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__


def _status(error: ClientError) -> int | None:
    status: int | None = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status
