"""Decides nothing of the product: handlers that show what the emulator does with ours."""

import json
import os
from typing import Any

import boto3

table = boto3.resource("dynamodb").Table(os.environ["RECORDS_TABLE"])


class ConsentMissing(Exception):
    """Stands for one of the product's refusals."""


def check(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Refuses by type when asked to, so that a Catch can be seen to match."""
    if event.get("refuse"):
        raise ConsentMissing("no consent for this purpose")
    return {"session_id": event["session_id"], "checked": True}


def wait(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Keeps the task token, as the product's waits do."""
    table.put_item(Item={"pk": event["session_id"], "sk": "WAIT", "token": event["token"]})
    return {}


def on_speech(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Stores each completion notice."""
    for record in event["Records"]:
        notice = json.loads(record["Sns"]["Message"])
        table.put_item(
            Item={"pk": notice["inferenceId"], "sk": "NOTICE", "notice": record["Sns"]["Message"]}
        )
    return {}


def on_upload(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Stores each uploaded object's key and size."""
    found = event["detail"]["object"]
    table.put_item(
        Item={"pk": found["key"], "sk": "UPLOAD", "size": found["size"], "kind": event["source"]}
    )
    return {}


def tick(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Stores what a schedule sent."""
    table.put_item(Item={"pk": "TICK", "sk": event["id"], "kind": event["detail-type"]})
    return {}


def web(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers with what it was asked, and sets two cookies."""
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "cookies": ["a=1; HttpOnly; Path=/", "b=2; Path=/"],
        "body": json.dumps(event),
    }
