"""A ledger's table and bucket in memory, and many processes on them that are stopped anywhere.

Every call to AWS is a step. A seeded scheduler decides whose step is next, and which one fails:
refused, answered with an error although it took effect, or the end of its process, before or
after the step took effect. A task whose process ended is begun again by another one, later.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from countersign.audit.checkpoint import LogKey, open_checkpoint
from countersign.audit.event import Event, read_event
from countersign.audit.merkle import leaf_hash
from countersign.audit.verify import entries, verify_directory
from countersign.errors import LedgerConflict, LedgerUnavailable
from lambdas.adapters.ledger import DynamoLedger, S3Log
from tests.audit_logs import ORIGIN, Key, event

VKEY = Key().vkey()
Item = dict[str, Any]

PATIENCE = 200
"""How often a step is repeated before nobody believes any more that it will succeed."""

FREEZE, LONGEST_FREEZE = 0.05, 1_000
"""How often a process stands still before a step, and for how many of the others' steps: what is
read and then decided upon is old by then."""


class Killed(BaseException):
    """The process ends here; nothing of it runs on."""


class Stopped(BaseException):
    """Another process saw a promise broken: the simulation is over."""


class Wrong(AssertionError):
    """A promise of the ledger that a simulation saw broken."""


def refusal(code: str, status: int = 400, reasons: tuple[str, ...] = ()) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": status},
            "CancellationReasons": [{"Code": reason} for reason in reasons],
        },
        "Simulated",
    )


@dataclass
class Store:
    """DynamoDB and S3 as far as the ledger uses them.

    `careless` names conditions that are not heeded, as if the ledger had not set them: `head`,
    `entry`, `event`, `published`, `replace` (of the shown checkpoint) and `consistent` reads.
    """

    dice: random.Random
    careless: frozenset[str] = frozenset()
    items: dict[tuple[str, str], Item] = field(default_factory=dict)
    stale: dict[tuple[str, str], Item] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    shown: list[bytes] = field(default_factory=list)

    # DynamoDB -------------------------------------------------------------------------------

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> Item:
        heeded = ConsistentRead and "consistent" not in self.careless
        late = not heeded and self.dice.random() < 0.5
        found = (self.stale if late else self.items).get(_key(Key))
        return {} if found is None else {"Item": found}

    def query(self, **asked: Any) -> Item:
        values = asked["ExpressionAttributeValues"]
        pk, end = values[":bundle"]["S"], values[":end"]["S"]
        found = [item for key, item in sorted(self.items.items()) if key[0] == pk and key[1] < end]
        return {"Items": found}

    def put_item(self, *, Item: Item, ConditionExpression: str, **rest: Any) -> Item:
        before = self.items.get(_key(Item))
        if not self._holds(before, ConditionExpression, rest) and "published" not in self.careless:
            raise refusal("ConditionalCheckFailedException")
        self._set(Item)
        return {}

    def transact_write_items(self, *, TransactItems: list[Item]) -> Item:
        update, entry, known = (next(iter(each.values())) for each in TransactItems)
        head = self.items.get(_key(update["Key"]))
        checks = {
            "head": self._holds(head, update["ConditionExpression"], update),
            "entry": _key(entry["Item"]) not in self.items,
            "event": _key(known["Item"]) not in self.items,
        }
        reasons = tuple(
            "None" if holds or name in self.careless else "ConditionalCheckFailed"
            for name, holds in checks.items()
        )
        if set(reasons) != {"None"}:
            raise refusal("TransactionCanceledException", 400, reasons)
        size = update["ExpressionAttributeValues"][":next"]
        for item in (update["Key"] | {"tree_size": size}, entry["Item"], known["Item"]):
            self._set(item)
        return {}

    def _set(self, item: Item) -> None:
        before = self.items.get(_key(item))
        if before is not None:
            self.stale[_key(item)] = before
        self.items[_key(item)] = item

    @staticmethod
    def _holds(before: Item | None, condition: str, given: Item) -> bool:
        if condition == "attribute_not_exists(pk)":
            return before is None
        wanted = next(
            value
            for name, value in given["ExpressionAttributeValues"].items()
            if condition == f"tree_size = {name}"
        )
        return before is not None and before["tree_size"] == wanted

    # S3 -------------------------------------------------------------------------------------

    def get_object(self, *, Bucket: str, Key: str) -> Item:
        if Key not in self.objects:
            raise refusal("NoSuchKey", 404)
        content = self.objects[Key]
        return {"Body": BytesIO(content), "ETag": sha256(content).hexdigest()}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **rest: Any) -> Item:
        held = self.objects.get(Key)
        if "IfNoneMatch" in rest and held is not None:
            raise refusal("PreconditionFailed", 412)
        tag = None if held is None else sha256(held).hexdigest()
        if rest.get("IfMatch", tag) != tag and "replace" not in self.careless:
            raise refusal("PreconditionFailed", 412)
        self.objects[Key] = Body
        if Key == "checkpoint":
            self.shown.append(Body)
        return {}

    def list_objects_v2(self, *, Bucket: str) -> Item:
        return {"Contents": [{"Key": key} for key in self.objects], "IsTruncated": False}


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


class Scheduler:
    """Lets one of several threads run at a time, from one step to the next, by the dice."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._turn = threading.Semaphore(0)
        self._mine = threading.local()
        self._failed: list[BaseException] = []
        self.steps = self.stopped = 0

    def step(self) -> None:
        """Called by a process before each step: waits until it is its turn."""
        self._turn.release()
        self._mine.gate.acquire()
        if self._failed:
            raise Stopped

    def run(self, processes: list[Callable[[], None]]) -> None:
        """Runs all to their end; raises the first exception that ended one of them."""
        waiting: list[threading.Semaphore] = []
        for process in processes:
            gate = threading.Semaphore(0)
            threading.Thread(target=self._live, args=(process, gate, waiting)).start()
            waiting.append(gate)
        frozen: dict[threading.Semaphore, int] = {}
        while waiting:
            self.steps += 1
            next_one = self._dice.choice(waiting)
            if next_one not in frozen and self._dice.random() < FREEZE:
                frozen[next_one] = self.steps + self._dice.randrange(LONGEST_FREEZE)
            if frozen.get(next_one, 0) > self.steps:
                continue
            frozen.pop(next_one, None)
            next_one.release()
            self._turn.acquire()
        if self._failed:
            raise self._failed[0]

    def _live(
        self,
        process: Callable[[], None],
        gate: threading.Semaphore,
        waiting: list[threading.Semaphore],
    ) -> None:
        self._mine.gate = gate
        gate.acquire()
        try:
            process()
        except Stopped:
            self.stopped += 1
        except BaseException as error:
            self._failed.append(error)
        waiting.remove(gate)
        self._turn.release()


@dataclass
class Faulty:
    """The store's client as one process has it: each call a step, and any of them may fail."""

    store: Store
    scheduler: Scheduler
    dice: random.Random
    kills: list[str]

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            self.scheduler.step()
            fate = self.dice.random()
            if fate < 0.02:
                self.kills.append(operation)
                raise Killed
            if fate < 0.04:
                raise refusal("ThrottlingException")
            if fate < 0.05:
                raise ReadTimeoutError(endpoint_url="lost")
            answer = getattr(self.store, operation)(**given)
            if fate < 0.07:
                self.kills.append(operation)
                raise Killed
            if fate < 0.09:
                raise ReadTimeoutError(endpoint_url="lost")
            if fate < 0.10:
                raise refusal("InternalServerError", 500)
            return answer

        return call


@dataclass
class Simulation:
    """`events` acts, some delivered twice, by several appenders, while publishers publish."""

    seed: int
    events: int
    ledger: type[DynamoLedger] = DynamoLedger
    careless: frozenset[str] = frozenset()
    appenders: int = 6
    publishers: int = 2
    kills: list[str] = field(default_factory=list)
    indices: dict[str, set[int]] = field(default_factory=dict)
    spans: list[tuple[int, int, int]] = field(default_factory=list)

    def run(self) -> None:
        """Runs it to the end and checks every promise; raises `Wrong` for one that is broken."""
        self.dice = random.Random(self.seed)  # noqa: S311 (a simulation)
        self.store = Store(self.dice, self.careless)
        self.scheduler = Scheduler(self.dice)
        tasks = [event(n) for n in range(self.events)]
        tasks += self.dice.choices(tasks, k=self.events // 10)
        self.dice.shuffle(tasks)
        self.left = tasks
        self.scheduler.run(
            [self._append_all] * self.appenders + [self._publish_all] * self.publishers
        )
        self._finish()

    def _process(self) -> DynamoLedger:
        client = Faulty(self.store, self.scheduler, self.dice, self.kills)
        return self.ledger(
            client, client, Key(), table="t", bucket="b", origin=ORIGIN, sleep=lambda _: None
        )

    def _append_all(self) -> None:
        while self.left:
            self._append(self.left.pop())

    def _append(self, act: Event) -> None:
        began = self.scheduler.steps
        for attempt in range(PATIENCE):
            # A repeated step has a later clock and another run, and is the same act.
            later = act.at + timedelta(milliseconds=attempt)
            try:
                index = self._process().append(
                    act.model_copy(update={"at": later, "run": f"run-{attempt}"})
                )
            except (Killed, LedgerUnavailable):
                continue
            self.indices.setdefault(act.id, set()).add(index)
            self.spans.append((began, self.scheduler.steps, index))
            return
        raise Wrong(f"{act.id} could not be entered in {PATIENCE} attempts")

    def _publish_all(self) -> None:
        while self.left:
            self._publish()

    def _publish(self) -> None:
        try:
            self._process().publish("main")
        except (Killed, LedgerUnavailable):
            return

    def _finish(self) -> None:
        """Publishes the rest without faults and checks what anybody could see."""
        whole = self.ledger(
            self.store, self.store, Key(), table="t", bucket="b", origin=ORIGIN,
            sleep=lambda _: None,
        )  # fmt: skip
        whole.publish("main")
        log = S3Log(self.store, "b")
        report = verify_directory(log, VKEY)
        # The order of entries is that of their writing; the times are those of the acts.
        broken = [each for each in report.breaks if each.kind != "time"]
        if broken:
            raise Wrong(f"the published log is broken: {broken[0]}")
        published = [read_event(leaf).id for leaf in entries(log, report.size)]
        if len(set(published)) != len(published):
            raise Wrong("an event was entered twice")
        if set(published) != {event(n).id for n in range(self.events)}:
            raise Wrong("an event was lost, or was entered that nobody sent")
        for event_id, told in self.indices.items():
            if told != {published.index(event_id)}:
                raise Wrong(f"{event_id} is not where its sender was told: {told}")
        self._check_order()
        self._check_shown()

    def _check_order(self) -> None:
        """What was entered before another append began comes before it, duplicates aside."""
        first: dict[int, tuple[int, int]] = {}
        for began, ended, index in sorted(self.spans):
            low, high = first.get(index, (began, ended))
            first[index] = min(low, began), min(high, ended)
        ends = sorted((ended, index) for index, (_, ended) in first.items())
        highest, place = -1, 0
        for began, index in sorted((began, index) for index, (began, _) in first.items()):
            while place < len(ends) and ends[place][0] < began:
                highest = max(highest, ends[place][1])
                place += 1
            if index < highest:
                raise Wrong(f"entry {index} was begun after entry {highest} was there")

    def _check_shown(self) -> None:
        key, size = LogKey.parse(VKEY), 0
        for shown in self.store.shown:
            now = open_checkpoint(shown, key).size
            if now < size:
                raise Wrong(f"the shown checkpoint went back from {size} to {now}")
            size = now


class Forgetful(DynamoLedger):
    """Does not look whether a lost reply or a refusal means that the act is entered already."""

    def _known(self, event: Event) -> int | None:
        return None


class Literal(DynamoLedger):
    """Takes a repeated step for another act, because its clock is a later one."""

    def _known(self, event: Event) -> int | None:
        item = self._item({"pk": {"S": f"event#{event.id}"}, "sk": {"S": "event"}})
        if item is not None and item["leaf_hash"]["B"] != leaf_hash(event.leaf()):
            raise LedgerConflict(event.id)
        return super()._known(event)


class Hasty(DynamoLedger):
    """Decides on a checkpoint first and writes what it is about afterwards."""

    def _integrate(self, *given: Any) -> Any:
        self.later: list[tuple[str, bytes]] = []
        return super()._integrate(*given)

    def _put_once(self, path: str, content: bytes) -> None:
        if path.startswith("tile/"):
            self.later.append((path, content))
        else:
            super()._put_once(path, content)

    def _advance(self, *given: Any) -> bool:
        decided = super()._advance(*given)
        for path, content in self.later:
            super()._put_once(path, content)
        return decided


class Trusting(DynamoLedger):
    """Shows its checkpoint without looking for a newer one that is shown already."""

    def _is_newer(self, *given: Any) -> bool:
        return False


def careless(*conditions: str) -> dict[str, Any]:
    return {"careless": frozenset(conditions)}


MUTANTS: dict[str, dict[str, Any]] = {
    "moves the head and overwrites entries whoever was first": careless("head", "entry"),
    "does not remember which acts are entered": careless("event"),
    "decides on a checkpoint whoever decided first": careless("published"),
    "replaces the shown checkpoint whichever it was": careless("replace"),
    "reads what may be stale": careless("consistent"),
    "does not look whether an act is entered already": {"ledger": Forgetful},
    "takes a repeated step for another act": {"ledger": Literal},
    "decides first and writes afterwards": {"ledger": Hasty},
    "shows an older checkpoint over a newer one": {"ledger": Trusting},
}


def main(runs: int, events: int) -> None:
    """Runs `runs` seeds of `events` acts each and says what went on; stops at the first `Wrong`."""
    ends: list[str] = []
    for seed in range(runs):
        simulation = Simulation(seed, events)
        simulation.run()
        ends += simulation.kills
    sys.stdout.write(f"{runs * events:,} acts, {len(ends):,} processes ended, nothing broken\n")


if __name__ == "__main__":
    main(*(int(given) for given in sys.argv[1:3]))
