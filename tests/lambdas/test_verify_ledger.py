"""The daily verification says what is broken, and what is broken fails the function."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.errors import LedgerBroken, LedgerUnavailable
from lambdas.adapters.ledger import DynamoLedger
from lambdas.oversight import verify_ledger
from lambdas.wiring import Ports
from tests.audit_logs import ORIGIN, Key, event
from tests.fakes import FakeClock, FakeLedger


@pytest.fixture
def clients(client: Any) -> tuple[Any, Any]:
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
    return dynamodb, s3


@pytest.fixture
def ledger(clients: tuple[Any, Any]) -> DynamoLedger:
    made = DynamoLedger(
        *clients, Key(), table="ledger", bucket="ledger", origin=ORIGIN, sleep=lambda seconds: None
    )
    for number in range(3):
        made.append(event(number))
    made.publish("main")
    return made


def test_a_log_in_order_has_nothing_broken(ledger: DynamoLedger) -> None:
    assert ledger.verify("main") == ()
    ledger.append(event(3))
    assert ledger.verify("main") == ()


def test_a_log_that_nobody_published_yet_is_in_order(clients: tuple[Any, Any]) -> None:
    empty = DynamoLedger(*clients, Key(), table="ledger", bucket="ledger", origin=ORIGIN)
    assert empty.verify("main") == ()


def test_a_changed_entry_is_found(ledger: DynamoLedger, clients: tuple[Any, Any]) -> None:
    key = next(key for key in ledger.published.list() if "entries" in key)
    content = ledger.published.read(key) or b""
    clients[1].put_object(Bucket="ledger", Key=key, Body=content.replace(b"T", b"t", 1))
    assert ledger.published.read(key) != content
    assert ledger.verify("main")


def test_a_bucket_that_was_emptied_is_found(ledger: DynamoLedger, clients: tuple[Any, Any]) -> None:
    for key in list(ledger.published.list()):
        clients[1].delete_object(Bucket="ledger", Key=key)
    assert ledger.verify("main")


def test_a_table_that_was_set_back_is_found(ledger: DynamoLedger, clients: tuple[Any, Any]) -> None:
    clients[0].delete_item(TableName="ledger", Key={"pk": {"S": "log"}, "sk": {"S": "published"}})
    assert ledger.verify("main") == ("the bucket holds a log that the table does not know",)


def test_an_older_checkpoint_in_the_table_is_found(
    ledger: DynamoLedger, clients: tuple[Any, Any]
) -> None:
    where = {"pk": {"S": "log"}, "sk": {"S": "published"}}
    old = clients[0].get_item(TableName="ledger", Key=where)["Item"]
    ledger.append(event(3))
    ledger.publish("main")
    clients[0].put_item(TableName="ledger", Item=old)
    assert any("the table 3" in line for line in ledger.verify("main"))


def test_another_sites_log_is_not_this_ledgers(ledger: DynamoLedger) -> None:
    with pytest.raises(LedgerUnavailable):
        ledger.verify("elsewhere")


def _ports(ledger: FakeLedger) -> Ports:
    return Ports(clock=FakeClock(), connected={"ledger": ledger})


def test_the_function_fails_for_a_broken_log_and_names_the_break() -> None:
    ledger = FakeLedger()
    ledger.append(event(0))
    assert verify_ledger.handler({}, None, ports=_ports(ledger)) == {"sites": 1}
    ledger.broken = ("leaf at 7: the tile says otherwise",)
    with pytest.raises(LedgerBroken, match="leaf at 7"):
        verify_ledger.handler({}, None, ports=_ports(ledger))
