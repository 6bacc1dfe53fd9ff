"""cdk.json is read strictly, and says what is wrong with it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from infra.config import ConfigError, context, stage


@pytest.mark.parametrize("name", sorted(context()["stages"]))
def test_every_stage_of_the_file_is_valid(name: str) -> None:
    assert stage(context(), name).name == name


def test_the_context_selects_a_stage() -> None:
    assert stage(context()).name == context()["stage"]


def test_production_locks_and_asks_for_a_second_factor() -> None:
    prod = stage(context(), "prod")
    assert prod.mfa == "ON"
    assert prod.keep_data
    assert prod.retention.lock_mode == "COMPLIANCE"
    # 45 CFR 164.316(b)(2)(i): six years.
    assert prod.retention.ledger_days >= 6 * 365
    assert prod.retention.trail_days >= 6 * 365


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("fhir_base_url",), "http://fhir.example.org", "stages.dev.fhir_base_url"),
        (("retention", "log_days"), 31, "stages.dev.retention.log_days"),
        (("retention", "lock_mode"), "NONE", "stages.dev.retention.lock_mode"),
        (("speech", "max_instances"), 0, "stages.dev.speech.max_instances"),
        (("speech", "instance"), "ml.g5.xlarge", "stages.dev.speech.instance"),
        (("audio_days",), 30, "stages.dev.audio_days"),
    ],
)
def test_a_wrong_field_is_named(path: tuple[str, ...], value: object, named: str) -> None:
    wrong: dict[str, Any] = copy.deepcopy(context())
    block = wrong["stages"]["dev"]
    for part in path[:-1]:
        block = block[part]
    block[path[-1]] = value
    with pytest.raises(ConfigError, match=named):
        stage(wrong, "dev")


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(ConfigError, match="dev, prod"):
        stage(context(), "staging")
