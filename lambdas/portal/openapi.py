"""The JSON interface as an OpenAPI 3.1 document, made from the requests' own models."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from lambdas.portal import api

# https://spec.openapis.org/oas/v3.1.0
_VERSION = "3.1.0"
_REFS = "#/components/schemas/{model}"


@dataclass(frozen=True)
class Operation:
    """One act: its method and path, what is sent, what it answers with when all is well."""

    method: str
    path: str
    summary: str
    request: type[BaseModel] | None = None
    status: int = 200
    query: tuple[str, ...] = ()


_SESSION = "/api/sessions/<session_id>"
OPERATIONS = (
    Operation(
        "POST",
        "/api/patients/<patient_id>/consents",
        "Store a patient's agreement",
        api.ConsentRequest,
        201,
    ),
    Operation(
        "DELETE",
        "/api/patients/<patient_id>/consents/<purpose>",
        "Withdraw it; what is being recorded is stopped and erased",
    ),
    Operation("POST", "/api/sessions", "Open a session", api.SessionRequest, 201),
    Operation("GET", "/api/sessions", "One's own sessions", query=("state",)),
    Operation("GET", _SESSION, "Where a session and each of its segments stand"),
    Operation("POST", f"{_SESSION}/upload", "A ticket for one segment", api.UploadRequest),
    Operation(
        "POST", f"{_SESSION}/participants", "How many are in the room", api.ParticipantsRequest
    ),
    Operation("POST", f"{_SESSION}/recording/end", "The recording has ended", api.EndRequest),
    Operation("POST", f"{_SESSION}/discard", "Stop and erase the recording"),
    Operation("GET", f"{_SESSION}/draft", "The draft with its transcript and what is open"),
    Operation("POST", f"{_SESSION}/draft/undo", "Undo the last change", api.VersionRequest),
    Operation("POST", f"{_SESSION}/draft/sections/<section>/seen", "A section was read"),
    Operation(
        "PATCH",
        f"{_SESSION}/draft/sentences/<sentence_id>",
        "Change one sentence",
        api.SentenceRequest,
    ),
    Operation(
        "POST", f"{_SESSION}/speakers/<speaker>", "Say whose voice that is", api.SpeakerRequest
    ),
    Operation("POST", f"{_SESSION}/signature", "Sign exactly this text", api.SignatureRequest, 201),
    Operation("GET", f"{_SESSION}/addenda", "Which addenda there are"),
    Operation(
        "POST",
        f"{_SESSION}/addenda",
        "Show an addendum (200), or sign the one that was shown (201)",
        api.AddendumRequest,
        201,
    ),
    Operation("POST", f"{_SESSION}/emergency", "Read in an emergency", api.EmergencyRequest, 201),
    Operation("GET", "/api/me/voice", "How it stands with one's own voice"),
    Operation("POST", "/api/me/voice/upload", "A ticket to enrol it", api.VoiceRequest),
    Operation("DELETE", "/api/me/voice", "Destroy its print"),
    Operation("GET", "/api/openapi.json", "This document"),
)


@functools.cache
def document() -> dict[str, Any]:
    """The interface; every refusal has the one shape `Refusal`."""
    models = sorted(
        {one.request for one in OPERATIONS if one.request}, key=lambda model: model.__name__
    )
    _, shared = models_json_schema([(model, "validation") for model in models], ref_template=_REFS)
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        path = re.sub(r"<(\w+)>", r"{\1}", one.path)
        paths.setdefault(path, {})[one.method.lower()] = _described(one)
    return {
        "openapi": _VERSION,
        "info": {
            "title": "Countersign",
            "version": "1",
            "description": "Machines draft. Nothing enters the record until a licensed human "
            "countersigns.",
        },
        "paths": paths,
        "components": {
            "schemas": {**shared["$defs"], "Refusal": _REFUSAL},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The identity token of the site's Cognito user pool.",
                }
            },
        },
        "security": [{"token": []}],
    }


_REFUSAL: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {
                "code": {"type": "string", "description": "Stable; for programs."},
                "message": {"type": "string", "description": "What was refused, and why."},
                "hint": {"type": "string", "description": "What to do next."},
            },
        }
    },
}


def _described(one: Operation) -> dict[str, Any]:
    names = re.findall(r"<(\w+)>", one.path)
    text = {"schema": {"type": "string"}}
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    codes = {one.status, *([200] if one.path.endswith("/addenda") else [])}
    described: dict[str, Any] = {
        "summary": one.summary,
        "parameters": [
            *({"name": name, "in": "path", "required": True, **text} for name in names),
            *({"name": name, "in": "query", "required": False, **text} for name in one.query),
        ],
        "responses": {
            **{
                str(code): {
                    "description": "Done",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                }
                for code in sorted(codes)
            },
            "4XX": {"description": "Refused", "content": refused},
            "5XX": {"description": "Not possible now", "content": refused},
        },
    }
    if one.request is not None:
        schema = {"$ref": _REFS.format(model=one.request.__name__)}
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    if one.path == "/api/openapi.json":
        described["security"] = []
    return described
