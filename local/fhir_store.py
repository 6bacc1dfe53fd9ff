"""Decides how a small FHIR R4 server on this machine keeps, finds and refuses resources.

`python -m local.fhir_store --port N --data FILE` listens on 127.0.0.1 alone. It checks structure,
not profiles, and does not check that references lead anywhere.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from fhir.resources.R4B import get_fhir_model_class
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FHIR_JSON = "application/fhir+json"
LOOPBACK = "127.0.0.1"
LARGEST = 16 * 1024 * 1024
_ACCEPTED = frozenset({FHIR_JSON, "application/json"})

_SCHEMA = """
create table if not exists resource (
    type text not null, id text not null, content text not null,
    primary key (type, id)
) without rowid;
create table if not exists identifier (
    type text not null, id text not null, system text not null, value text not null
);
create index if not exists by_identifier on identifier (type, value, system);
"""

_ANY_SYSTEM = "id in (select id from identifier i where i.type = resource.type and value = ?)"
_WITH_SYSTEM = _ANY_SYSTEM.replace("value = ?", "system = ? and value = ?")


class Outcome(Exception):
    """An answer other than success: HTTP status, issue code (FHIR IssueType), words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words


@dataclass(frozen=True)
class Found:
    """A stored resource and whether this request made it."""

    resource: dict[str, Any]
    created: bool


class Store:
    """Resources in one SQLite file; every create is durable before it is answered."""

    def __init__(self, path: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(_SCHEMA)

    def create(self, resource: dict[str, Any], unless: str | None, now: datetime) -> Found:
        """Stores the resource under a new id, unless one matches the query `unless`.

        Raises `Outcome` 412 when several match (FHIR R4 http.html#ccreate).
        """
        kind = resource["resourceType"]
        with self._lock, self._db:
            self._db.execute("begin immediate")
            if unless is not None:
                query = parse_qsl(unless)
                if not query:
                    raise Outcome(412, "invalid", "If-None-Exist names no condition")
                matches = self._search(kind, query)
                if len(matches) > 1:
                    raise Outcome(412, "multiple-matches", "several resources match")
                if matches:
                    return Found(matches[0], created=False)
            made = _stamped(resource, str(uuid.uuid4()), now)
            self._db.execute(
                "insert into resource values (?, ?, ?)", (kind, made["id"], json.dumps(made))
            )
            self._db.executemany(
                "insert into identifier values (?, ?, ?, ?)",
                [(kind, made["id"], system, value) for system, value in _identifiers(made)],
            )
            return Found(made, created=True)

    def read(self, kind: str, resource_id: str) -> dict[str, Any]:
        """The resource; `Outcome` 404 when there is none."""
        with self._lock:
            row = self._db.execute(
                "select content from resource where type = ? and id = ?", (kind, resource_id)
            ).fetchone()
        if row is None:
            raise Outcome(404, "not-found", f"no {kind} of that id")
        found: dict[str, Any] = json.loads(row[0])
        return found

    def search(self, kind: str, query: list[tuple[str, str]]) -> list[dict[str, Any]]:
        """Every resource that meets all of the query's parameters."""
        with self._lock:
            return self._search(kind, query)

    def close(self) -> None:
        self._db.close()

    def _search(self, kind: str, query: list[tuple[str, str]]) -> list[dict[str, Any]]:
        conditions, values = ["type = ?"], [kind]
        for name, wanted in query:
            if name == "identifier":
                conditions.append(_WITH_SYSTEM if "|" in wanted else _ANY_SYSTEM)
                values += wanted.split("|", 1) if "|" in wanted else [wanted]
            elif name == "_id":
                conditions.append("id = ?")
                values.append(wanted)
            elif name in ("patient", "subject"):
                conditions.append("json_extract(content, '$.subject.reference') = ?")
                values.append(wanted if "/" in wanted else f"Patient/{wanted}")
            elif name not in ("_count", "_format"):
                raise Outcome(400, "not-supported", f"cannot search by {name[:40]}")
        rows = self._db.execute(
            f"select content from resource where {' and '.join(conditions)} order by id",  # noqa: S608
            values,
        ).fetchall()
        return [json.loads(row[0]) for row in rows]


def _stamped(resource: dict[str, Any], new_id: str, now: datetime) -> dict[str, Any]:
    updated = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    meta = {**resource.get("meta", {}), "versionId": "1", "lastUpdated": updated}
    return {**resource, "id": new_id, "meta": meta}


def _identifiers(resource: dict[str, Any]) -> list[tuple[str, str]]:
    held = resource.get("identifier", [])
    listed = held if isinstance(held, list) else [held]
    if "masterIdentifier" in resource:
        listed = [*listed, resource["masterIdentifier"]]
    return [(one.get("system", ""), one["value"]) for one in listed if one.get("value")]


def _answer(document: dict[str, Any], status: int, **headers: str) -> Response:
    return Response(
        json.dumps(document),
        status,
        headers={k.replace("_", "-"): v for k, v in headers.items()},
        media_type=FHIR_JSON,
    )


def _refused(outcome: Outcome) -> Response:
    issue = {"severity": "error", "code": outcome.code, "diagnostics": outcome.words}
    return _answer({"resourceType": "OperationOutcome", "issue": [issue]}, outcome.status)


def _model(kind: str) -> Any:
    try:
        return get_fhir_model_class(kind)
    except ValueError:
        raise Outcome(404, "not-supported", "no such resource type") from None


def _valid(kind: str, raw: bytes) -> dict[str, Any]:
    model = _model(kind)
    try:
        resource = json.loads(raw)
    except ValueError:
        raise Outcome(400, "structure", "the body is not JSON") from None
    if not isinstance(resource, dict) or resource.get("resourceType") != kind:
        raise Outcome(400, "invalid", f"the body is not a {kind}")
    try:
        read = model.model_validate(resource)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Outcome(422, "structure", f"{where}: {first['type']}") from None
    for fault in (*_empty(resource, kind), *_unknown_codes(read, kind)):
        raise Outcome(422, "value", fault)
    return resource


def _empty(part: Any, where: str) -> Iterator[str]:
    """Empty strings, lists and objects, which FHIR's JSON does not know (R4 json.html)."""
    if part in ("", [], {}):
        yield f"{where}: empty"
    elif isinstance(part, dict):
        for name, inner in part.items():
            yield from _empty(inner, f"{where}.{name}")
    elif isinstance(part, list):
        for index, inner in enumerate(part):
            yield from _empty(inner, f"{where}[{index}]")


def _unknown_codes(part: Any, where: str) -> Iterator[str]:
    """Codes outside a required value set; a list that ends in "+" is cut short, so not checked."""
    if isinstance(part, list):
        for index, inner in enumerate(part):
            yield from _unknown_codes(inner, f"{where}[{index}]")
    elif isinstance(part, BaseModel):
        for name, field in type(part).model_fields.items():
            value = getattr(part, name, None)
            extra = field.json_schema_extra
            allowed = extra.get("enum_values") if isinstance(extra, dict) else None
            if value is None:
                continue
            if isinstance(allowed, list) and "+" not in allowed:
                codes = value if isinstance(value, list) else [value]
                if any(code not in allowed for code in codes):
                    yield f"{where}.{name}: unknown code"
            yield from _unknown_codes(value, f"{where}.{name}")


def application(path: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Starlette:
    """The server over the store in file `path`."""
    store = Store(path)

    def told(
        handle: Callable[[Request], Awaitable[Response]],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await handle(request)
            except Outcome as outcome:
                return _refused(outcome)

        return endpoint

    async def create(request: Request) -> Response:
        kind = request.path_params["kind"]
        if request.headers.get("Content-Type", "").split(";")[0].strip() not in _ACCEPTED:
            raise Outcome(415, "not-supported", f"send {FHIR_JSON}")
        raw = b""
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > LARGEST:
                raise Outcome(413, "too-long", f"a resource may have {LARGEST} bytes")
        found = store.create(_valid(kind, raw), request.headers.get("If-None-Exist"), clock())
        return _answer(
            found.resource,
            201 if found.created else 200,
            Location=f"{request.base_url}{kind}/{found.resource['id']}/_history/1",
            ETag='W/"1"',
        )

    async def read(request: Request) -> Response:
        resource = store.read(request.path_params["kind"], request.path_params["id"])
        return _answer(resource, 200, ETag='W/"1"')

    async def search(request: Request) -> Response:
        kind = request.path_params["kind"]
        _model(kind)
        found = store.search(kind, list(request.query_params.multi_items()))
        bundle: dict[str, Any] = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "link": [{"relation": "self", "url": str(request.url)}],
        }
        if found:
            bundle["entry"] = [
                {
                    "fullUrl": f"{request.base_url}{kind}/{one['id']}",
                    "resource": one,
                    "search": {"mode": "match"},
                }
                for one in found
            ]
        return _answer(bundle, 200)

    async def metadata(request: Request) -> Response:
        return _answer(_capabilities(clock()), 200)

    async def unknown(request: Request) -> Response:
        raise Outcome(404, "not-found", "no such address")

    return Starlette(
        routes=[
            Route("/metadata", told(metadata), methods=["GET"]),
            Route("/{kind}", told(create), methods=["POST"]),
            Route("/{kind}", told(search), methods=["GET"]),
            Route("/{kind}/{id}", told(read), methods=["GET"]),
            Route("/{rest:path}", told(unknown)),
        ]
    )


def _capabilities(now: datetime) -> dict[str, Any]:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": now.isoformat(timespec="seconds"),
        "kind": "instance",
        "implementation": {"description": "Countersign's local FHIR store"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "resource": [
                    {
                        "type": "DocumentReference",
                        "interaction": [
                            {"code": code} for code in ("create", "read", "search-type")
                        ],
                        "conditionalCreate": True,
                        "searchParam": [
                            {"name": "identifier", "type": "token"},
                            {"name": "_id", "type": "token"},
                            {"name": "patient", "type": "reference"},
                        ],
                    }
                ],
            }
        ],
    }


def main(arguments: list[str] | None = None) -> None:
    """Serves until it is told to stop. Requests are not logged: addresses hold identifiers."""
    parser = argparse.ArgumentParser(prog="python -m local.fhir_store", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", required=True, help="the SQLite file to keep resources in")
    chosen = parser.parse_args(arguments)
    uvicorn.run(
        application(chosen.data),
        host=LOOPBACK,
        port=chosen.port,
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
