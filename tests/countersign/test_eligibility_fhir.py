"""A question to a payer and its answer are valid FHIR, and say no more than the payer did."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from fhir.resources.R4B.coverageeligibilityrequest import CoverageEligibilityRequest
from fhir.resources.R4B.coverageeligibilityresponse import CoverageEligibilityResponse

from countersign.intake import eligibility_fhir
from countersign.intake.eligibility import unanswered
from tests.countersign.test_eligibility import read

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)


def respond(*segments: str) -> dict[str, Any]:
    found = eligibility_fhir.response(
        read(*segments),
        patient="Patient/1",
        insurer="Organization/2",
        coverage="Coverage/3",
        request="CoverageEligibilityRequest/4",
        received=AT,
    )
    CoverageEligibilityResponse.model_validate(found)
    return found


def test_a_question_is_valid() -> None:
    found = eligibility_fhir.request(
        patient="Patient/1",
        insurer="Organization/2",
        coverage="Coverage/3",
        asked=AT,
        day=date(2026, 11, 27),
    )
    read_back = CoverageEligibilityRequest.model_validate(found)
    assert read_back.servicedDate == date(2026, 11, 27)


def test_an_active_plan_is_in_force_with_its_benefits() -> None:
    found = respond(
        "EB*1*IND*30**GOLD",
        "EB*B*IND*MH***27*25****Y*Y",
        "EB*A*IND*MH*****.2****N",
        "EB*C*FAM*30***29*420*****Y",
        "EB*F*IND*MH***23***VS*30",
        "EB*I**CE",
    )
    assert found["outcome"] == "complete"
    insurance = found["insurance"][0]
    assert insurance["inforce"] is True
    plan, copay, percent, left, visits, excluded = insurance["item"]
    assert "benefit" not in plan
    assert copay["benefit"][0]["allowedMoney"] == {"value": 25.0, "currency": "USD"}
    assert copay["authorizationRequired"] is True
    assert copay["network"]["coding"][0]["code"] == "in"
    assert percent["benefit"][0]["allowedUnsignedInt"] == 20
    assert left["benefit"][0]["type"]["text"] == "deductible, remaining"
    assert left["unit"]["coding"][0]["code"] == "family"
    assert visits["benefit"][0]["allowedUnsignedInt"] == 30
    assert excluded["excluded"] is True


def test_an_inactive_plan_is_not_in_force() -> None:
    assert respond("EB*6**30")["insurance"][0]["inforce"] is False


@pytest.mark.parametrize(
    ("segments", "outcome"),
    [(("AAA*N**75*C",), "error"), (("EB*1**30", "EB*6**30"), "partial"), ((), "error")],
)
def test_what_verifies_nothing_says_nothing_of_force(
    segments: tuple[str, ...], outcome: str
) -> None:
    found = respond(*segments)
    assert found["outcome"] == outcome
    assert "inforce" not in found["insurance"][0]
    assert "item" not in found["insurance"][0]


def test_a_rejection_is_an_error_in_words() -> None:
    assert respond("AAA*N**75*C")["error"][0]["code"]["text"] == (
        "75: the payer does not find the subscriber. Correct it and ask again."
    )


def test_no_answer_is_an_error() -> None:
    found = eligibility_fhir.response(
        unanswered("the payer did not answer in time"),
        patient="Patient/1",
        insurer="Organization/2",
        coverage="Coverage/3",
        request="CoverageEligibilityRequest/4",
        received=AT,
    )
    CoverageEligibilityResponse.model_validate(found)
    assert found["outcome"] == "error"
