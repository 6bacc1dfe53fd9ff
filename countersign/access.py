"""Decides who may do what on which patient or session, and names the rules that decided."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cedarpy

from countersign.errors import BadPolicy
from countersign.ports import Patient, Person
from countersign.session import Session


class Action(StrEnum):
    """What a person can ask for; the names are those of policies/access/schema.cedarschema."""

    RECORD_CONSENT = "RecordConsent"
    REVOKE_CONSENT = "RevokeConsent"
    REGISTER_SESSION = "RegisterSession"
    UPLOAD_AUDIO = "UploadAudio"
    READ_SESSION = "ReadSession"
    READ_DRAFT = "ReadDraft"
    EDIT_DRAFT = "EditDraft"
    SIGN_NOTE = "SignNote"
    ENROL_VOICE = "EnrolVoice"
    DELETE_VOICE = "DeleteVoice"
    AMEND_NOTE = "AmendNote"
    BREAK_GLASS = "BreakGlass"
    ANSWER_ALERTS = "AnswerAlerts"
    READ_AUDIT = "ReadAudit"
    READ_QUALITY = "ReadQuality"
    READ_USAGE = "ReadUsage"


@dataclass(frozen=True)
class SessionOf:
    """A session together with the patient it is about, whose assignments the rules need.

    `opened_to`: the people who broke the glass and whose time is not over.
    """

    session: Session
    patient: Patient
    opened_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """A site as a whole: what its boards show."""

    id: str

    @property
    def site(self) -> str:
        return self.id


# A person is a resource where it is about that person's own voice.
Resource = Patient | SessionOf | Person | Site
Entity = dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """`policy_ids`: the rules that decided; none when it was denied because no rule permits it."""

    allowed: bool
    policy_ids: tuple[str, ...]


class Access:
    """The access rules of one site, parsed once.

    Raises `BadPolicy` when a rule does not parse, does not fit the schema, or has no `@id`.
    """

    def __init__(self, policies: str, schema: str) -> None:
        try:
            self._schema = cedarpy.Schema.from_str(schema)
            self._policies = cedarpy.PolicySet.from_str(policies)
        except ValueError as error:
            raise BadPolicy(f"policies/access: {error}") from None
        checked = cedarpy.validate_policies(policies, self._schema)
        if not checked.validation_passed:
            raise BadPolicy(f"policies/access: {checked.errors[0]}")
        self.policy_ids = _names(policies)

    def decide(self, person: Person, action: Action | str, resource: Resource) -> Decision:
        """Whether `person` may do `action` on `resource`, by the rules alone."""
        who, what, entities = describe(person, resource)
        return self.judge(who, str(action), what, entities)

    def judge(
        self,
        principal: Mapping[str, str],
        action: str,
        resource: Mapping[str, str],
        entities: Sequence[Entity],
    ) -> Decision:
        """The same on Cedar's own terms: `{"type", "id"}` references and a list of entities.

        Raises `BadPolicy` when the rules cannot be applied to these entities, or one of them fails
        while it is applied: a `forbid` that fails must not count as one that did not match.
        """
        answer = cedarpy.is_authorized(
            {
                "principal": dict(principal),
                "action": {"type": "Action", "id": action},
                "resource": dict(resource),
                "context": {},
            },
            self._policies,
            list(entities),
            self._schema,
        )
        if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            raise BadPolicy(
                f"no decision on {action}: the request does not fit policies/access",
                hint="Check the person's roles and the action's name against the schema.",
            )
        named = answer.diagnostics.id_annotations_by_reason
        return Decision(answer.allowed, tuple(sorted(named.values())))


def describe(person: Person, resource: Resource) -> tuple[Entity, Entity, list[Entity]]:
    """References to the person and the resource, and every entity that the rules look at."""
    who = {"type": "User", "id": person.id}
    entities = [_user(person)]
    if isinstance(resource, Person):
        # An entity is given once, also when somebody asks about the own voice.
        if resource.id != person.id:
            entities.append(_user(resource))
        return who, {"type": "User", "id": resource.id}, entities
    if isinstance(resource, Site):
        site = {"type": "Site", "id": resource.id}
        return who, site, [*entities, {"uid": site, "attrs": {"site": resource.id}, "parents": []}]
    patient = resource.patient if isinstance(resource, SessionOf) else resource
    what = {"type": "Patient", "id": patient.id}
    entities.append(
        {
            "uid": what,
            "attrs": {
                "site": patient.site,
                "clinicians": [_reference("User", one) for one in patient.clinician_ids],
            },
            "parents": [],
        }
    )
    if isinstance(resource, SessionOf):
        session = resource.session
        what = {"type": "Session", "id": session.id}
        entities.append(
            {
                "uid": what,
                "attrs": {
                    "site": session.site,
                    "patient": _reference("Patient", patient.id),
                    "clinician": _reference("User", session.clinician_id),
                    "opened_to": [_reference("User", one) for one in resource.opened_to],
                },
                "parents": [],
            }
        )
    return who, what, entities


def _user(person: Person) -> Entity:
    return {
        "uid": {"type": "User", "id": person.id},
        "attrs": {"site": person.site, "licensed": bool(person.licence)},
        "parents": [{"type": "Role", "id": role} for role in person.roles],
    }


def _reference(kind: str, name: str) -> Entity:
    return {"__entity": {"type": kind, "id": name}}


def _names(policies: str) -> tuple[str, ...]:
    rules = json.loads(cedarpy.policies_to_json_str(policies))["staticPolicies"]
    names = [rule.get("annotations", {}).get("id") for rule in rules.values()]
    if not all(names) or len(set(names)) != len(names):
        raise BadPolicy("policies/access: every rule needs an @id of its own")
    return tuple(sorted(names))
