"""Decides how the synthesized template becomes a stack in the emulator."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from countersign.errors import Refusal
from local.differences import Differences, Places, Template
from local.emulator import ACCOUNT, REGION, Emulator

BOOTSTRAP = Path(__file__).with_name("bootstrap")

_SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_ENDED = ("_COMPLETE", "_FAILED")


class NotDeployed(Refusal):
    """The emulator refused the template; the message names the resource and its reason."""

    hint = "Correct the resource in infra/, or declare the difference in local/differences.toml."
    status = 500


def deploy(assembly: Path, emulator: Emulator, places: Places) -> dict[str, str]:
    """Deploys the one stack of a synthesized assembly; returns the stack's outputs by key.

    An existing stack of the same name is updated. Raises `NotDeployed` with the first failed
    resource, and `ValueError` when the folder does not hold exactly one stack.
    """
    files = sorted(assembly.glob("*.template.json"))
    if len(files) != 1:
        raise ValueError(f"{assembly} holds {len(files)} templates; one stack is expected")
    template: Template = json.loads(files[0].read_text())
    name = files[0].name.removesuffix(".template.json")
    changed = Differences.declared().apply(template, places)

    _put_code(emulator, places.code_bucket)
    _put_assets(assembly, changed, emulator)
    given = Differences.declared().parameters(template, places)
    outputs = _create(name, changed, given, emulator, places.code_bucket)
    _apply_afterwards(name, template, emulator)
    return outputs


def _put_code(emulator: Emulator, bucket: str) -> None:
    """Stores the one zip that every function gets: nothing but the bootstrap."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")  # its fixed date makes the zip the same every time
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, BOOTSTRAP.read_bytes())
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="bootstrap.zip", Body=packed.getvalue())


def _put_assets(assembly: Path, template: Template, emulator: Emulator) -> None:
    """Uploads the assembly's plain files, such as workflow definitions, to where CDK names them.

    Only those that the changed template still mentions: function code and custom resources are
    no longer among them.
    """
    mentioned = json.dumps(template)
    s3 = emulator.client("s3")
    buckets: set[str] = set()
    for manifest in sorted(assembly.glob("*.assets.json")):
        for asset in json.loads(manifest.read_text()).get("files", {}).values():
            source = asset["source"]
            if source.get("packaging", "file") != "file" or source["path"].endswith(
                ".template.json"
            ):
                continue
            for place in asset["destinations"].values():
                if place["objectKey"] not in mentioned:
                    continue
                bucket = (
                    place["bucketName"]
                    .replace("${AWS::AccountId}", ACCOUNT)
                    .replace("${AWS::Region}", REGION)
                    .replace("${AWS::Partition}", "aws")
                )
                if bucket not in buckets:
                    s3.create_bucket(Bucket=bucket)
                    buckets.add(bucket)
                content = (assembly / source["path"]).read_bytes()
                s3.put_object(Bucket=bucket, Key=place["objectKey"], Body=content)


def _create(
    name: str, template: Template, given: dict[str, str], emulator: Emulator, bucket: str
) -> dict[str, str]:
    key = f"{name}.template.json"
    emulator.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(template).encode())
    cloud = emulator.client("cloudformation")
    request = {
        "StackName": name,
        "TemplateURL": f"{emulator.address}/{bucket}/{key}",
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
        ],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        cloud.create_stack(**request)
    except cloud.exceptions.AlreadyExistsException:
        try:
            cloud.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise NotDeployed(str(error)) from error
    except ClientError as error:
        raise NotDeployed(str(error)) from error
    stack = _await(cloud, name)
    return {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}


def _await(cloud: Any, name: str, timeout: float = 120.0) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    while True:
        (stack,) = cloud.describe_stacks(StackName=name)["Stacks"]
        status: str = stack["StackStatus"]
        if status in _SETTLED:
            return dict(stack)
        if status.endswith(_ENDED) or time.monotonic() >= deadline:
            raise NotDeployed(f"{name} is {status}: {_first_failure(cloud, name)}")
        time.sleep(0.05)


def _first_failure(cloud: Any, name: str) -> str:
    events = cloud.describe_stack_events(StackName=name)["StackEvents"]
    for event in reversed(events):
        if event["ResourceStatus"].endswith("_FAILED"):
            return f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
    return "no resource failed"


def _apply_afterwards(name: str, template: Template, emulator: Emulator) -> None:
    """Applies by API what the emulator ignores at creation, from the unchanged template."""
    cloud = emulator.client("cloudformation")
    resources = cloud.describe_stack_resources(StackName=name)["StackResources"]
    physical = {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in resources}
    for difference in Differences.declared().afterwards:
        act = _ACTS[difference.type, difference.name]
        for logical, value in _properties(template, difference.type, difference.name):
            act(emulator, physical[logical], value)


def _properties(template: Template, kind: str, name: str) -> Iterator[tuple[str, Any]]:
    for logical, resource in template["Resources"].items():
        if resource["Type"] == kind and name in resource.get("Properties", {}):
            yield logical, resource["Properties"][name]


def _put_lifecycle(emulator: Emulator, bucket: str, value: dict[str, Any]) -> None:
    rules = [_lifecycle_rule(rule) for rule in value["Rules"]]
    emulator.client("s3").put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": rules}
    )


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as the S3 API spells it; raises `ValueError` on a property it does not know."""
    made: dict[str, Any] = {"Filter": {"Prefix": ""}}
    for key, value in rule.items():
        match key:
            case "Id":
                made["ID"] = value
            case "Status":
                made[key] = value
            case "Prefix":
                made["Filter"] = {"Prefix": value}
            case "ExpirationInDays":
                made.setdefault("Expiration", {})["Days"] = int(value)
            case "ExpiredObjectDeleteMarker":
                made.setdefault("Expiration", {})[key] = value
            case "AbortIncompleteMultipartUpload":
                made[key] = {"DaysAfterInitiation": int(value["DaysAfterInitiation"])}
            case "NoncurrentVersionExpiration":
                made[key] = {"NoncurrentDays": int(value["NoncurrentDays"])}
            case "Transitions":
                made[key] = [
                    {"Days": int(step["TransitionInDays"]), "StorageClass": step["StorageClass"]}
                    for step in value
                ]
            case _:
                raise ValueError(f"lifecycle property {key} has no local translation")
    return made


def _put_object_lock(emulator: Emulator, bucket: str, value: dict[str, Any]) -> None:
    rule = value.get("Rule", {}).get("DefaultRetention")
    configuration: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    if rule:
        retention = {key: int(v) if key in ("Days", "Years") else v for key, v in rule.items()}
        configuration["Rule"] = {"DefaultRetention": retention}
    emulator.client("s3").put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration=configuration
    )


_ACTS: dict[tuple[str, str], Callable[[Emulator, str, dict[str, Any]], None]] = {
    ("AWS::S3::Bucket", "LifecycleConfiguration"): _put_lifecycle,
    ("AWS::S3::Bucket", "ObjectLockConfiguration"): _put_object_lock,
}
