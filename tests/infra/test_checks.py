"""What a template must pass before it may be deployed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from infra import checks
from infra.checks import flattened
from tests.infra.synthesized import Finding, Synthesized


def test_no_finding_is_open(synthesized: Synthesized) -> None:
    assert synthesized.left == frozenset()


def test_every_acknowledgement_is_still_needed(synthesized: Synthesized) -> None:
    accepted = {Finding(each.rule, each.resource) for each in synthesized.account.acknowledgements}
    assert accepted == synthesized.found


def test_every_acknowledgement_is_on_one_resource_of_the_template(
    synthesized: Synthesized,
) -> None:
    accepted = synthesized.account.acknowledgements
    assert {each.resource for each in accepted} <= set(synthesized.template["Resources"])
    assert max(Counter((each.rule, each.resource) for each in accepted).values()) == 1


def test_every_reason_is_one_sentence(synthesized: Synthesized) -> None:
    for each in synthesized.account.acknowledgements:
        assert each.reason[0].isupper() and each.reason.endswith("."), each
        assert len(each.reason.split()) >= 6, each


def test_an_acknowledgement_of_nothing_is_refused(synthesized: Synthesized, tmp_path: Path) -> None:
    file = tmp_path / "acknowledgements.toml"
    file.write_text(
        'every_function = []\n[[resource]]\nid = "Nowhere"\nrules = ["X"]\nreason = "None."\n'
    )
    with pytest.raises(checks.AcknowledgementError, match="Nowhere"):
        checks.accept(synthesized.account, file)


def test_cfn_lint_has_nothing_to_say(synthesized: Synthesized) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, synthesized.path], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("*", "*"),
        ({"Ref": "PagerTopic"}, "<PagerTopic>"),
        ({"Fn::GetAtt": ["VaultBucket", "Arn"]}, "<VaultBucket.Arn>"),
        (
            {"Fn::Join": ["", [{"Fn::GetAtt": ["VaultBucket", "Arn"]}, "/*"]]},
            "<VaultBucket.Arn>/*",
        ),
        ("arn:${AWS::Partition}:x", "arn:<AWS::Partition>:x"),
    ],
)
def test_references_are_spelled_as_the_checks_spell_them(value: object, spelled: str) -> None:
    assert flattened(value) == spelled
