"""The cost of an empty deployment is counted from what the template declares."""

from __future__ import annotations

from collections import Counter

from countersign.costing import read_usage
from lambdas import policies
from tests.infra.synthesized import Synthesized

# What the price list charges for while it stands there; every other type is free until it is used.
CHARGED = {
    "AWS::KMS::Key",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::EC2::NatGateway",
    "AWS::EC2::VPCEndpoint",
    "AWS::WAFv2::WebACL",
    "AWS::SecretsManager::Secret",
    "AWS::GuardDuty::Detector",
    "AWS::Config::ConfigurationRecorder",
}


def test_what_stands_in_the_account_is_what_is_priced(synthesized: Synthesized) -> None:
    counts = Counter(each["Type"] for each in synthesized.template["Resources"].values())
    standing = read_usage(policies.text("usage.toml")).standing
    wanted = {kind: counts[kind] for kind in CHARGED | set(standing) if counts[kind]}
    assert {kind: count for kind, count in standing.items() if count} == wanted
