"""The interface is described as it is, and whatever is sent to it is answered or refused."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countersign import errors
from lambdas.portal.openapi import OPERATIONS, Operation, document
from lambdas.portal.web import app
from tests.portal import DANA, ON_DUTY, PATIENT, SESSION, clinic, settle

CODES = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.Refusal)
}


def routed() -> set[tuple[str, str]]:
    """Every route of the application below /api/, in the document's spelling."""
    routes = [*app._static_routes, *app._dynamic_routes]
    return {
        (method, re.sub(r"<(\w+)>", r"{\1}", route.path))
        for route in routes
        for method in ([route.method] if isinstance(route.method, str) else route.method)
        if route.path.startswith("/api/")
    }


def test_every_route_is_described_and_every_description_has_its_route() -> None:
    described = {
        (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method in methods
    }
    assert described == routed()


def test_it_is_served_to_anybody_and_every_reference_in_it_leads_somewhere() -> None:
    answer = clinic().ask("GET", "/api/openapi.json", person=None)
    assert answer["statusCode"] == 200
    known = json.loads(answer["body"])
    assert known["openapi"] == "3.1.0"
    wanted = set(re.findall(r'"#/components/schemas/(\w+)"', answer["body"]))
    assert wanted and wanted <= set(known["components"]["schemas"])


def test_every_path_names_its_parameters() -> None:
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            named = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
            assert named == re.findall(r"{(\w+)}", path)


@pytest.mark.parametrize("body", [b"\x80", b"\xff\xfe{}", b"PK\x03\x04\xcc"])
def test_a_body_that_is_no_text_is_refused(body: bytes) -> None:
    headers = {"authorization": f"Bearer token-{DANA.id}"}
    answer = clinic().raw("POST", "/api/sessions", headers, body)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (
        400,
        "BadRequest",
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
segments = st.one_of(
    st.sampled_from([SESSION, PATIENT, "s2", "S1", "0", "recording", "-1", "..", "%00", "'"]),
    st.text(min_size=1, max_size=20),
)


@st.composite
def bodies(draw: st.DrawFn, one: Operation) -> str:
    """A body of the right names and any values, or of right values, or no JSON at all."""
    if one.request is None or draw(st.integers(0, 9)) == 0:
        return draw(st.one_of(st.text(max_size=40), anything.map(json.dumps)))
    valid: dict[str, Any] = {
        "purposes": ["recording"],
        "days": 3,
        "patient_id": PATIENT,
        "version": 1,
        "text": "Some words.",
        "people": 2,
        "at": 0,
        "segments": 1,
        "role": "patient",
        "digest": "0" * 64,
        "attestation": True,
        "consent": True,
        "reason": "danger",
        "words": "Somebody called and fears for him.",
    }
    sent: dict[str, Any] = {}
    for name in one.request.model_fields:
        choice = draw(st.integers(0, 3))
        if choice == 0:
            sent[name] = draw(anything)
        elif choice > 1 and name in valid:
            sent[name] = valid[name]
    return json.dumps(sent)


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_sent_is_answered_or_refused_with_a_type(
    one: Operation, data: st.DataObject
) -> None:
    house = clinic()
    if data.draw(st.booleans(), label="settled"):
        settle(house)
    person = data.draw(st.sampled_from([DANA, ON_DUTY, None]), label="person")

    def segment(_: re.Match[str]) -> str:
        return quote(data.draw(segments), safe="")

    path = re.sub(r"<\w+>", segment, one.path)
    body = data.draw(bodies(one), label="body")
    headers = {"authorization": f"Bearer token-{person.id}"} if person else {}
    answer = house.raw(one.method, path, headers, body)
    known = json.loads(answer["body"])
    assert answer["statusCode"] < 500, known
    if answer["statusCode"] >= 400:
        assert known["error"]["code"] in CODES
        assert set(known["error"]) == {"code", "message", "hint"}
    assert answer["headers"]["Cache-Control"] == "no-store"
