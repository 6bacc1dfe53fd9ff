"""A template is data: each is complete, and a broken one is refused with its line."""

from __future__ import annotations

import tomllib

import pytest

from countersign.drafting import Template, draft
from countersign.errors import BadPolicy
from countersign.transcript import Role
from tests.clinical import POLICIES, SESSION, TEMPLATES, lexicons, template

SOAP = (POLICIES / "templates" / "soap.toml").read_text()


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_template_leaves_risk_diagnosis_and_mental_status_to_a_human(name: str) -> None:
    codes = {part.code for rule in template(name).sections for part in rule.human}
    assert {
        "risk_level",
        "diagnosis",
        "emotion_inference",
        "treatment_plan",
        "session_time",
    } <= codes
    for rule in template(name).sections:
        if rule.name in {"Assessment", "Plan"}:
            assert rule.sources == (Role.THERAPIST,)


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_template_asks_for_what_payers_ask_for(name: str) -> None:
    topics = {part.topic for rule in template(name).sections for part in rule.required}
    assert {"intervention", "goal"} <= topics


def test_what_a_template_refuses_is_in_the_automation_policy() -> None:
    policy = tomllib.loads((POLICIES / "automation.toml").read_text())
    refused = {entry["code"] for entry in policy["refused"]}
    for name in TEMPLATES:
        assert set(draft(SESSION, template(name), lexicons()).refused) <= refused
    for group in ("free", "sign_off", "refused"):
        assert all(entry["what"] and entry["source"] for entry in policy[group])


@pytest.mark.parametrize(
    ("before", "after", "part"),
    [
        ('sources = ["therapist"]\nholds = ["homework"]',
         'sources = ["patient"]\nholds = ["homework"]', 'sources = ["patient"]\n'),
        ('holds = ["homework"]', "holds = 3", "holds = 3"),
        ('name = "Plan"', 'name = ""', 'name = ""'),
        ("words_max = 430", "words_max = 3", "words_max = 3"),
        ("answers = true", 'answers = "yes"', 'answers = "yes"'),
        ("answers = true", "anwsers = true", "anwsers"),
        ('label = "Diagnosis"', "label = 1", ""),
    ],
)  # fmt: skip
def test_a_broken_template_is_refused_with_its_line(before: str, after: str, part: str) -> None:
    assert before in SOAP
    broken = SOAP.replace(before, after)
    with pytest.raises(BadPolicy) as refusal:
        Template.from_toml(broken, "soap")
    assert "templates/soap.toml" in refusal.value.message
    if part and "\n" not in part:
        assert f"line {line_of(broken, part)}:" in refusal.value.message


def test_broken_toml_is_refused_with_its_line() -> None:
    with pytest.raises(BadPolicy, match="line 3"):
        Template.from_toml('name = "x"\ntitle = "y"\nsource = \n', "x")
    with pytest.raises(BadPolicy, match="section"):
        Template.from_toml('name = "x"\ntitle = "y"\nsource = "z"\n', "x")
