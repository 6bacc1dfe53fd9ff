"""Decides what a stage may be configured to be: the typed form of its block in cdk.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

ROOT = Path(__file__).resolve().parent.parent

# Values that CloudWatch Logs accepts for RetentionInDays, up to a HIPAA documentation period
# (45 CFR 164.316(b)(2)(i): six years).
LogDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192]

_HTTPS = r"^https://[^\s/]+(/[^\s]*)?$"


class ConfigError(ValueError):
    """cdk.json does not describe the stage; the message names the field and what is wrong."""


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Retention(_Block):
    """How long what may be kept is kept. Audio has no entry here: one day is a fixed backstop."""

    lock_mode: Literal["GOVERNANCE", "COMPLIANCE"]
    ledger_days: int = Field(ge=1)
    trail_days: int = Field(ge=1)
    log_days: LogDays


class Speech(_Block):
    """The transcription endpoint: an image in this account's own registry, and its machines."""

    repository: str = Field(pattern=r"^[a-z0-9]+([._/-][a-z0-9]+)*$")
    tag: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
    instance_type: str = Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$")
    max_instances: int = Field(ge=1, le=100)
    concurrency: int = Field(ge=1, le=16)


class Stage(_Block):
    """One deployment: a site of a clinic group in one region of one account."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,11}$")
    site: str = Field(pattern=r"^[a-z][a-z0-9-]{1,31}$")
    fhir_base_url: str = Field(pattern=_HTTPS)
    portal_url: str = Field(default="", pattern=f"^$|{_HTTPS}")
    sign_in_url: str = Field(default="", pattern=f"^$|{_HTTPS}")
    mfa: Literal["ON", "OPTIONAL"]
    keep_data: bool
    on_call: tuple[str, ...] = ()
    requests_per_second: int = Field(default=50, ge=1)
    retention: Retention
    speech: Speech

    @property
    def prefix(self) -> str:
        """What every explicit name in the account starts with."""
        return f"countersign-{self.name}"

    @property
    def ledger_origin(self) -> str:
        """The log's name in its checkpoints (C2SP tlog-checkpoint: a schema-less URL)."""
        return f"{self.prefix}/{self.site}"


def context(path: Path = ROOT / "cdk.json") -> dict[str, Any]:
    """The context block of cdk.json, as the CDK CLI would hand it to the app."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["context"]
    return loaded


def stage(context: dict[str, Any], name: str | None = None) -> Stage:
    """The named stage, or the one the context selects; raises `ConfigError`."""
    chosen = name or str(context.get("stage", "dev"))
    blocks = context.get("stages", {})
    if chosen not in blocks:
        raise ConfigError(f"cdk.json has no stage {chosen!r}; it has {', '.join(sorted(blocks))}")
    try:
        return Stage.model_validate({"name": chosen, **blocks[chosen]})
    except ValidationError as error:
        wrong = "; ".join(
            f"stages.{chosen}.{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors()
        )
        raise ConfigError(f"cdk.json: {wrong}") from None
