"""Decides the account of a stage: every capability, in the order in which they need one another."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from aws_cdk import App

from infra import (
    addresses,
    alarms,
    capture,
    checks,
    config,
    flow,
    identity,
    keys,
    ledger,
    notices,
    schedules,
    speech,
    storage,
    trail,
    web,
    workflows,
)
from infra.account import Account
from infra.functions import Functions
from infra.ports import World, ports


def build(app: App, stage: config.Stage) -> Account:
    """The whole stack of a stage, without its checks."""
    account = Account(app, stage)
    flows = flow.discover()
    where = addresses.declare(account)
    api, api_url = web.address(account)
    portal_url = where.portal(api_url)
    made_keys = keys.declare(account)
    stored = storage.declare(account, made_keys, portal_url)
    log = ledger.declare(account, made_keys, stored.access_logs)
    people = identity.declare(account, portal_url)
    told = notices.declare(account, made_keys)
    world = World(
        keys=made_keys,
        storage=stored,
        ledger=log,
        identity=people,
        notices=told,
        fhir_base_url=where.fhir,
        portal_url=portal_url,
        sign_in_url=where.sign_in(people.address),
    )
    functions = Functions(account, made_keys, flows, ports(account, world))
    workflows.declare(account, made_keys, flows, functions)
    capture.declare(account, stored, functions)
    schedules.declare(account, functions)
    alarms.declare(account, told, functions)
    speech.declare(account, made_keys, stored, told, functions)
    web.declare(account, made_keys, api, portal_url, functions)
    trail.declare(account, made_keys, stored, log)
    return account


def synthesize(outdir: Path, stage: str | None = None) -> Path:
    """Writes the cloud assembly into `outdir` and returns the template's path.

    Needs no account and no network once the functions' dependencies are in the cache. Raises
    `ConfigError` for a wrong cdk.json; an open finding ends the process with jsii's report.
    """
    app = App(outdir=str(outdir), context=config.context())
    # Asked of the app and not of the file: the CDK CLI's `-c stage=…` comes before cdk.json.
    context = {name: app.node.try_get_context(name) for name in ("stage", "stages")}
    account = build(app, config.stage(context, stage))
    checks.accept(account)
    checks.gate(app)
    app.synth()
    _forget_old_code(outdir, account)
    return outdir / account.template_file


def _forget_old_code(outdir: Path, account: Account) -> None:
    # CDK leaves the assets of earlier syntheses behind, eighty megabytes each.
    manifest = (outdir / f"{account.artifact_id}.assets.json").read_text(encoding="utf-8")
    for old in outdir.glob("asset.*"):
        if old.is_dir() and old.name not in manifest:
            shutil.rmtree(old)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=__doc__)
    parser.add_argument("outdir", nargs="?", default=os.environ.get("CDK_OUTDIR", "cdk.out"))
    parser.add_argument("--stage", help="a stage of cdk.json; else the one that it selects")
    arguments = parser.parse_args()
    synthesize(Path(arguments.outdir), arguments.stage)


if __name__ == "__main__":
    main()
