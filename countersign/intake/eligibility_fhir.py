"""Decides how a question to a payer and its answer look in FHIR R4.

CoverageEligibilityRequest and CoverageEligibilityResponse, for record systems that keep them.
References are the caller's. What the payer did not say is left out; an answer that verifies
nothing has the outcome `error`, or `partial` where it says something all the same, and no
`inforce`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from countersign.intake.eligibility import Answer, Benefit, Status
from countersign.intake.eligibility_question import SERVICES

_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
_SERVICE: Final = "https://x12.org/codes/service-type-codes"
_NETWORKS: Final = {"yes": "in", "no": "out"}
_UNITS: Final = {"individual": "individual", "family": "family"}
_TERMS: Final = {
    "calendar year": "annual",
    "service year": "annual",
    "day": "day",
    "lifetime": "lifetime",
    "lifetime, remaining": "lifetime",
}
# EB01 to the kinds of benefit that FHIR has.
_KINDS: Final = {
    "B": "copay",
    "A": "copay-percent",
    "C": "deductible",
    "G": "benefit",
    "F": "visit",
}


def request(
    *, patient: str, insurer: str, coverage: str, asked: datetime, day: date
) -> dict[str, Any]:
    """A CoverageEligibilityRequest for one day; `patient` and the others are references."""
    return {
        "resourceType": "CoverageEligibilityRequest",
        "status": "active",
        "purpose": ["validation", "benefits"],
        "patient": {"reference": patient},
        "servicedDate": day.isoformat(),
        "created": asked.isoformat(),
        "insurer": {"reference": insurer},
        "insurance": [{"focal": True, "coverage": {"reference": coverage}}],
        "item": [{"category": _coded(_SERVICE, code)} for code in SERVICES],
    }


def response(
    answer: Answer, *, patient: str, insurer: str, coverage: str, request: str, received: datetime
) -> dict[str, Any]:
    """A CoverageEligibilityResponse of one person's answer."""
    verified = answer.status is not Status.NOT_VERIFIED
    outcome = "complete" if verified else "partial" if answer.benefits else "error"
    insurance: dict[str, Any] = {"coverage": {"reference": coverage}}
    if verified:
        insurance["inforce"] = answer.status is Status.ACTIVE
        items = [_item(benefit) for benefit in answer.benefits if benefit.service_codes]
        if items:
            insurance["item"] = items
    found: dict[str, Any] = {
        "resourceType": "CoverageEligibilityResponse",
        "status": "active",
        "purpose": ["validation", "benefits"],
        "patient": {"reference": patient},
        "created": received.isoformat(),
        "request": {"reference": request},
        "outcome": outcome,
        "disposition": " ".join(answer.words),
        "insurer": {"reference": insurer},
        "insurance": [insurance],
    }
    if answer.asked_on:
        found["servicedDate"] = answer.asked_on
    if answer.rejections:
        found["error"] = [
            {"code": {"text": f"{each.code}: {each.why}. {each.next}"}}
            for each in answer.rejections
        ]
    return found


def _item(benefit: Benefit) -> dict[str, Any]:
    codings = [{"system": _SERVICE, "code": code} for code in benefit.service_codes]
    item: dict[str, Any] = {"category": {"coding": codings}, "name": benefit.information}
    for field, system, known, said in (
        ("network", "benefit-network", _NETWORKS, benefit.in_network),
        ("unit", "benefit-unit", _UNITS, benefit.level),
        ("term", "benefit-term", _TERMS, benefit.period),
    ):
        if said in known:
            item[field] = _coded(f"{_TERMINOLOGY}/{system}", known[said])
    if benefit.code in ("I", "E"):
        item["excluded"] = True
    if benefit.authorization in ("yes", "no"):
        item["authorizationRequired"] = benefit.authorization == "yes"
    if benefit.messages:
        item["description"] = " ".join(benefit.messages)
    amount = _amount(benefit)
    if amount:
        item["benefit"] = [amount]
    return item


def _amount(benefit: Benefit) -> dict[str, Any]:
    """One `benefit` of an item, or nothing where the payer gave no figure.

    What is left of a sum is said in its text: FHIR has a place for what is used, not for what is
    left.
    """
    kind: dict[str, Any] = _coded(
        f"{_TERMINOLOGY}/benefit-type", _KINDS.get(benefit.code, "benefit")
    )
    if benefit.remaining:
        kind["text"] = f"{benefit.information}, remaining"
    elif benefit.code == "G":
        kind["text"] = benefit.information
    if benefit.percent.isdecimal():
        return {"type": kind, "allowedUnsignedInt": int(benefit.percent)}
    if benefit.amount:
        try:
            value = float(benefit.amount)
        except ValueError:
            return {"type": kind, "allowedString": benefit.amount}
        return {"type": kind, "allowedMoney": {"value": value, "currency": "USD"}}
    if benefit.quantity.isdecimal() and benefit.quantity_of == "visits":
        return {"type": kind, "allowedUnsignedInt": int(benefit.quantity)}
    return {}


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}
