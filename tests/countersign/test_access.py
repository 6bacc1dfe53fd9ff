"""Who may do what: the officer's examples, the whole matrix, and rules that cannot be evaded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from countersign.access import Access, Action, Resource, SessionOf, Site, describe
from countersign.errors import BadPolicy
from countersign.ports import Patient, Person
from countersign.session import Session

FOLDER = Path(__file__).parents[2] / "policies" / "access"
RULES = (FOLDER / "rules.cedar").read_text(encoding="utf-8")
SCHEMA = (FOLDER / "schema.cedarschema").read_text(encoding="utf-8")
ACCESS = Access(RULES, SCHEMA)
EXAMPLES = sorted([*FOLDER.glob("allow/*.json"), *FOLDER.glob("deny/*.json")])

ON_PATIENTS = (Action.RECORD_CONSENT, Action.REVOKE_CONSENT, Action.REGISTER_SESSION)
ON_SITES = (
    Action.ANSWER_ALERTS,
    Action.READ_AUDIT,
    Action.READ_QUALITY,
    Action.READ_USAGE,
)
ON_VOICES = (Action.ENROL_VOICE, Action.DELETE_VOICE)
CONTENT = (Action.READ_DRAFT, Action.EDIT_DRAFT, Action.SIGN_NOTE, Action.AMEND_NOTE)
MAY_BREAK_GLASS = ("on_duty_clinician", "supervisor", "clinical_director")
ROLES = (
    "clinician",
    "supervisor",
    "front_desk",
    "on_duty_clinician",
    "clinical_director",
    "compliance_officer",
    "operations_lead",
    "it_admin",
)


def patient_of(fields: dict[str, Any]) -> Patient:
    return Patient(fields["id"], fields["site"], tuple(fields["clinicians"]), {})


def person_of(fields: dict[str, Any]) -> Person:
    return Person(
        fields["id"], fields["id"], tuple(fields["roles"]), fields["site"], fields.get("licence")
    )


def resource_of(example: dict[str, Any]) -> Resource:
    if "voice_of" in example:
        return person_of(example["voice_of"])
    if "at_site" in example:
        return Site(example["at_site"])
    if "session" not in example:
        return patient_of(example["patient"])
    fields = example["session"]
    patient = patient_of(fields["patient"])
    return SessionOf(
        Session(
            id=fields["id"],
            site=fields["site"],
            patient_id=patient.id,
            clinician_id=fields["clinician"],
            registered_at=datetime(2026, 11, 2, tzinfo=UTC),
        ),
        patient,
        tuple(fields.get("opened_to", ())),
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_example_comes_out_as_its_folder_says(path: Path) -> None:
    example = json.loads(path.read_text(encoding="utf-8"))
    person = person_of(example["who"])
    decision = ACCESS.decide(person, example["action"], resource_of(example))
    assert decision.allowed is (path.parent.name == "allow")
    assert list(decision.policy_ids) == example["rules"]


def test_every_rule_decides_some_example() -> None:
    used = {
        rule for path in EXAMPLES for rule in json.loads(path.read_text(encoding="utf-8"))["rules"]
    }
    assert used == set(ACCESS.policy_ids)


@pytest.mark.parametrize("folder", ["allow", "deny"])
def test_every_action_has_an_example_on_each_side(folder: str) -> None:
    shown = {
        json.loads(path.read_text(encoding="utf-8"))["action"]
        for path in FOLDER.glob(f"{folder}/*.json")
    }
    assert shown == set(Action)


def expected(role: str, action: Action, relation: str, same_site: bool, licensed: bool) -> bool:
    """The rules once more, in the plainest Python, from the table in docs/access.md."""
    if action in ON_VOICES:
        own = relation in ("holds", "held")
        return own and (role == "clinician" or action is Action.DELETE_VOICE)
    if not same_site:
        return False
    if action in ON_SITES:
        return (
            role
            in {
                Action.ANSWER_ALERTS: ("front_desk", "on_duty_clinician"),
                Action.READ_AUDIT: ("compliance_officer",),
                Action.READ_QUALITY: ("clinical_director",),
                Action.READ_USAGE: ("operations_lead", "clinical_director"),
            }[action]
        )
    if action is Action.BREAK_GLASS:
        return licensed and role in MAY_BREAK_GLASS
    holds, assigned = relation == "holds", relation in ("holds", "shares")
    if action in (Action.RECORD_CONSENT, Action.REVOKE_CONSENT):
        return role == "front_desk" or (role == "clinician" and assigned)
    if action is Action.REGISTER_SESSION:
        return role == "clinician" and assigned
    if action is Action.UPLOAD_AUDIO:
        return role == "clinician" and holds
    if action is Action.READ_SESSION:
        return role in ("supervisor", "clinical_director", "compliance_officer") or (
            role == "clinician" and relation != "none"
        )
    if role != "clinician" or not licensed:
        return False
    return assigned if action is Action.READ_DRAFT else holds


# holds: assigned and holds the session; held: holds it but is no longer assigned.
RELATIONS = {
    "holds": ("me", ("me",)),
    "shares": ("other", ("me", "other")),
    "held": ("me", ("other",)),
    "none": ("other", ("other",)),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", list(Action))
def test_the_whole_matrix(role: str, action: Action) -> None:
    for relation, same_site, licensed in product(RELATIONS, (True, False), (True, False)):
        holder, assigned = RELATIONS[relation]
        person = Person("me", "Me", (role,), "north", "L-1" if licensed else None)
        site = "north" if same_site else "south"
        patient = {"id": "p", "site": site, "clinicians": assigned}
        fields = {"id": "s", "site": site, "clinician": holder, "patient": patient}
        about: dict[str, Any] = (
            {"patient": patient} if action in ON_PATIENTS else {"session": fields}
        )
        if action in ON_SITES:
            about = {"at_site": site}
        if action in ON_VOICES:
            about = {"voice_of": {"id": holder, "roles": [role], "site": "north"}}
        decision = ACCESS.decide(person, action, resource_of(about))
        assert decision.allowed is expected(role, action, relation, same_site, licensed), (
            role, action, relation, same_site, licensed,
        )  # fmt: skip
        if decision.allowed:
            assert decision.policy_ids


def test_nobody_but_a_licensed_clinician_ever_reaches_content_whatever_roles_they_collect() -> None:
    everything = tuple(role for role in ROLES if role != "clinician")
    person = Person("me", "Me", everything, "north", "L-1")
    session = {
        "id": "s",
        "site": "north",
        "clinician": "me",
        "patient": {"id": "p", "site": "north", "clinicians": ["me"]},
    }
    for action in CONTENT:
        assert not ACCESS.decide(person, action, resource_of({"session": session})).allowed


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "action", [a for a in Action if a not in (*ON_PATIENTS, *ON_VOICES, *ON_SITES)]
)
def test_broken_glass_opens_reading_to_who_broke_it_and_nothing_else(
    role: str, action: Action
) -> None:
    session = {
        "id": "s",
        "site": "north",
        "clinician": "dana",
        "patient": {"id": "p", "site": "north", "clinicians": ["dana"]},
    }
    person = Person("me", "Me", (role,), "north", "L-1")
    closed = ACCESS.decide(person, action, resource_of({"session": session}))
    opened = resource_of({"session": {**session, "opened_to": ["me"]}})
    reading = action in (Action.READ_SESSION, Action.READ_DRAFT)
    expected = reading or closed.allowed
    assert ACCESS.decide(person, action, opened).allowed is expected
    other = resource_of({"session": {**session, "opened_to": ["somebody"]}})
    assert ACCESS.decide(person, action, other).allowed is closed.allowed
    unlicensed = Person("me", "Me", (role,), "north")
    assert not (action is Action.READ_DRAFT and ACCESS.decide(unlicensed, action, opened).allowed)


def test_a_role_that_nobody_declared_stops_the_decision() -> None:
    person = Person("me", "Me", ("superuser",), "north")
    with pytest.raises(BadPolicy):
        ACCESS.decide(person, Action.RECORD_CONSENT, Patient("p", "north", (), {}))


def test_an_action_that_nobody_declared_is_not_decided() -> None:
    with pytest.raises(BadPolicy):
        ACCESS.decide(Person("me", "Me", (), "north"), "Delete", Patient("p", "north", (), {}))


def test_ids_are_only_ids_however_they_are_written() -> None:
    odd = 'x" || true //\n'
    person = Person(odd, "Odd", ("clinician",), "north", "L-1")
    patient = Patient("p", "north", ("dana",), {})
    assert not ACCESS.decide(person, Action.REGISTER_SESSION, patient).allowed


def test_cedars_own_terms_give_the_same_decision() -> None:
    person = Person("dana", "Dana", ("clinician",), "north", "L-1")
    patient = Patient("p", "north", ("dana",), {})
    who, what, entities = describe(person, patient)
    judged = ACCESS.judge(who, "RegisterSession", what, entities)
    assert judged == ACCESS.decide(person, Action.REGISTER_SESSION, patient)


@pytest.mark.parametrize(
    "rules",
    [
        "permit (principal, action, resource)",
        "permit (principal, action, resource);",
        '@id("x") permit (principal, action, resource) when { principal.nothing };',
        2 * '@id("x") permit (principal, action, resource);',
    ],
    ids=["does not parse", "has no id", "does not fit the schema", "has an id twice"],
)
def test_a_rule_that_is_not_in_order_is_refused_at_the_start(rules: str) -> None:
    with pytest.raises(BadPolicy):
        Access(rules, SCHEMA)


def test_every_rule_has_a_line_of_intent() -> None:
    lines = RULES.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("@id("):
            assert lines[number - 1].startswith("// "), line


# The table that people read -----------------------------------------------------------------

COLUMNS = {
    "clinician who holds the session": ("clinician", "holds"),
    "clinician who shares the patient": ("clinician", "shares"),
    "clinician, no longer assigned": ("clinician", "held"),
    "any other clinician": ("clinician", "none"),
    **{role.replace("_", " "): (role, "none") for role in ROLES[1:]},
}


def table() -> str:
    """What everybody may do at their own site, with a licence where the role has one."""
    lines = [
        "| | " + " | ".join(str(action) for action in Action) + " |",
        "|---|" + "---|" * len(Action),
    ]
    for name, (role, relation) in COLUMNS.items():
        holder, assigned = RELATIONS[relation]
        patient = {"id": "p", "site": "north", "clinicians": assigned}
        session = {"id": "s", "site": "north", "clinician": holder, "patient": patient}
        person = Person("me", "Me", (role,), "north", "L-1")
        about = {
            **dict.fromkeys(ON_PATIENTS, resource_of({"patient": patient})),
            **dict.fromkeys(ON_VOICES, person),
            **dict.fromkeys(ON_SITES, Site("north")),
        }
        of_session = resource_of({"session": session})
        cells = [
            "yes" if ACCESS.decide(person, action, about.get(action, of_session)).allowed else "·"
            for action in Action
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def test_the_table_in_the_documentation_is_what_the_rules_decide() -> None:
    written = (FOLDER.parents[1] / "docs" / "access.md").read_text(encoding="utf-8")
    assert table() in written, f"docs/access.md should hold:\n{table()}"
