"""`ports.Ehr` on a FHIR R4 server: one document per identifier, whatever the network does."""

from __future__ import annotations

import ipaddress
import random
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from countersign.errors import EhrRefused, EhrUnavailable
from countersign.ports import Delivered

FHIR_JSON = "application/fhir+json"

# A server that answers so may have done nothing, or done the work and lost the answer: asking again
# is safe, because both the search and the condition go by the identifier. 409 is what servers give
# when two conditional creates race.
_TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})

_ISSUE_CODE = re.compile(r"[a-z][a-z-]{0,39}")
_LOCATION = re.compile(r"/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?/?$")


def _client() -> httpx.Client:
    # A proxy named by some environment variable is not a recipient that the site has chosen.
    return httpx.Client(
        timeout=httpx.Timeout(connect=5, read=10, write=10, pool=5), trust_env=False
    )


class FhirEhr:
    """Delivers by conditional create (`If-None-Exist`, FHIR R4 http.html#ccreate).

    `attempts` bounds the tries and `patience` the seconds until the last one starts; the wait
    before try n is random within `[0, pause * 2**n]` (full jitter), or what `Retry-After` asks.
    With the default client a silent server is given up on within 90 s.
    Redirects are not followed: a note goes where the site was configured to send it, or nowhere.
    """

    def __init__(
        self,
        base_url: str,
        client: Callable[[], httpx.Client] = _client,
        *,
        attempts: int = 5,
        pause: float = 0.2,
        patience: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base_url.rstrip("/")
        _require_private_way(self._base)
        self._client = client()
        self._attempts = attempts
        self._pause = pause
        self._patience = patience
        self._sleep = sleep

    def deliver(self, document: dict[str, object], identifier: str) -> Delivered:
        """Creates the document unless one with `identifier` (`system|value`) is there.

        Raises `EhrUnavailable` when no clear answer came within the bounds, and `EhrRefused` with
        the server's issue code when it will not take the document. Neither carries content.
        """
        resource = str(document["resourceType"])
        started = time.monotonic()
        reason = "no answer"
        for attempt in range(self._attempts):
            if attempt:
                found = self._find(resource, identifier)
                if found is not None:
                    return found
            delay: float | None = None
            try:
                answer = self._client.post(
                    f"{self._base}/{resource}",
                    json=document,
                    headers={
                        "Accept": FHIR_JSON,
                        "Content-Type": FHIR_JSON,
                        "If-None-Exist": urlencode({"identifier": identifier}),
                    },
                )
            except httpx.TransportError as error:
                reason = type(error).__name__
            else:
                if answer.status_code in (200, 201):
                    return self._read(answer, resource, identifier)
                if answer.status_code not in _TRY_AGAIN:
                    raise EhrRefused(_refusal(answer))
                reason = f"HTTP {answer.status_code}"
                delay = _retry_after(answer)
            # Jitter spreads load; it guards no secret.
            wait = random.uniform(0, self._pause * 2**attempt) if delay is None else delay  # noqa: S311
            last = attempt + 1 == self._attempts
            if last or time.monotonic() - started + wait > self._patience:
                break
            self._sleep(wait)
        found = self._find(resource, identifier)
        if found is not None:
            return found
        raise EhrUnavailable(f"the record system gave no clear answer ({reason})")

    def _find(self, resource: str, identifier: str) -> Delivered | None:
        """The document if the server says that it has it; None when it does not say."""
        try:
            answer = self._client.get(
                f"{self._base}/{resource}",
                params={"identifier": identifier},
                headers={"Accept": FHIR_JSON},
            )
        except httpx.TransportError:
            return None
        body = _json(answer)
        if answer.status_code != 200 or body.get("resourceType") != "Bundle":
            return None
        entries = body.get("entry")
        for entry in entries if isinstance(entries, list) else []:
            held = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(held, dict) and held.get("id") and _carries(held, identifier):
                return Delivered(resource=resource, id=str(held["id"]), status="existing")
        return None

    def _read(self, answer: httpx.Response, resource: str, identifier: str) -> Delivered:
        status = "created" if answer.status_code == 201 else "existing"
        body = _json(answer)
        if body.get("resourceType") == resource and body.get("id"):
            return Delivered(resource=resource, id=str(body["id"]), status=status)
        located = _LOCATION.search(urlsplit(answer.headers.get("Location", "")).path)
        if located is not None and located[1] == resource:
            return Delivered(resource=resource, id=located[2], status=status)
        # A proxy's sign-in page says 200 too: only the server's own word counts.
        found = self._find(resource, identifier)
        if found is None:
            raise EhrRefused(f"HTTP {answer.status_code} without a {resource}")
        return Delivered(resource=resource, id=found.id, status=status)


def _require_private_way(base_url: str) -> None:
    """Raises `EhrRefused` unless notes travel by TLS, or do not leave this machine."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and (host == "localhost" or _loopback(host)):
        return
    raise EhrRefused(
        "the record system's address is not https",
        hint="Set the FHIR address of this site to an https:// URL.",
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _carries(resource: dict[str, Any], identifier: str) -> bool:
    """Whether a resource has the identifier: some servers ignore a parameter they do not know."""
    system, _, value = identifier.partition("|")
    held = resource.get("identifier")
    listed = held if isinstance(held, list) else []
    return any(
        isinstance(one, dict) and one.get("system", "") == system and one.get("value") == value
        for one in [*listed, resource.get("masterIdentifier")]
    )


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(answer: httpx.Response) -> str:
    """The status and the first issue's code. `diagnostics` may quote the note: it stays out."""
    issues = _json(answer).get("issue")
    first = issues[0] if isinstance(issues, list) and issues else None
    code = str(first.get("code", "")) if isinstance(first, dict) else ""
    named = f" {code}" if _ISSUE_CODE.fullmatch(code) else ""
    return f"the record system refused the document: HTTP {answer.status_code}{named}"


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds, when the server names them (RFC 9110 section 10.2.3); its dates are not trusted."""
    given = answer.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() and len(given) < 6 else None
