"""A small clinic for the portal's tests: people, a patient, a session whose draft waits."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlencode

from countersign.errors import NotSignedIn, SignInFailed
from countersign.note import PLACEHOLDER
from countersign.ports import Claims, Patient, Person
from countersign.session import Session, State
from lambdas.portal.visitor import csrf_token
from lambdas.portal.web import handler
from lambdas.wiring import Ports
from tests import fakes

PORTAL = "https://portal.example.org"
SESSION = "s-0001"
PATIENT = "p-1"
FORMS = "a-secret-of-this-browser"
SPOKEN = "Priscilla Oyelaran"

DANA = Person("dana", "Dana Reyes", ("clinician",), "north", "PSY-4411")
COLLEAGUE = Person("noor", "Noor Haddad", ("clinician",), "north", "PSY-9002")
STRANGER = Person("ben", "Ben Okafor", ("clinician",), "north", "PSY-7777")
DESK = Person("fay", "Fay Lindqvist", ("front_desk",), "north")
ON_DUTY = Person("ona", "Ona Bright", ("on_duty_clinician",), "north", "PSY-3131")
COMPLIANCE = Person("cleo", "Cleo Marsh", ("compliance_officer",), "north")
DIRECTOR = Person("cora", "Cora Lindt", ("clinical_director",), "north", "PSY-0001")
OPERATIONS = Person("opal", "Opal Sand", ("operations_lead",), "north")
SUPERVISOR = Person("sol", "Sol Marchetti", ("supervisor", "clinician"), "north", "PSY-0007")

PEOPLE = (
    DANA,
    COLLEAGUE,
    STRANGER,
    DESK,
    SUPERVISOR,
    ON_DUTY,
    COMPLIANCE,
    DIRECTOR,
    OPERATIONS,
)

TABLE = {"[PATIENT_1]": SPOKEN, "[RELATIVE_1]": "Tunde", "[PLACE_1]": "Larkfield"}

TURNS: tuple[tuple[str, str], ...] = (
    ("therapist", "Good morning, [PATIENT_1]. Did you find a parking spot?"),
    ("patient", "I did, right by the bakery. They had those almond croissants again."),
    ("therapist", "How has your sleep been since we last spoke?"),
    ("patient", "Better. I fall asleep by eleven most nights, but I still wake up around four."),
    ("therapist", "And the sertraline?"),
    ("patient", "Still fifty milligrams. No side effects that I have noticed."),
    ("patient", "My brother [RELATIVE_1] moved out of [PLACE_1], and I worry about him."),
    ("therapist", "You sound less tense when you talk about it than you did in spring."),
    ("patient", "I use the breathing thing. <script>document.title='stolen'</script> It helps."),
    ("therapist", "Have you had any thoughts of harming yourself?"),
    ("patient", "No, none at all."),
    ("therapist", "Then let us keep the sleep diary going, and meet in two weeks."),
)


def span(turn: int, words: str) -> dict[str, object]:
    start = TURNS[turn - 1][1].index(words)
    return {"turn": f"t{turn}", "start": start, "end": start + len(words)}


def sentence(name: str, text: str, *evidence: dict[str, object], **more: object) -> dict[str, Any]:
    return {"id": name, "text": text, "origin": "statement", "evidence": list(evidence), **more}


def note() -> dict[str, Any]:
    return {
        "template": "soap",
        "sections": [
            {
                "name": "Subjective",
                "sentences": [
                    sentence(
                        "s1",
                        "[PATIENT_1] reports better sleep, waking around four.",
                        span(4, "Better. I fall asleep by eleven most nights"),
                        span(4, "I still wake up around four"),
                    ),
                    sentence(
                        "s2",
                        "[PATIENT_1] has been worrying about [RELATIVE_1], who moved out of"
                        " [PLACE_1].",
                        span(7, "[RELATIVE_1] moved out of [PLACE_1]"),
                        flags=["speaker_unconfirmed"],
                    ),
                    sentence("s3", "Denies thoughts of self-harm.", span(11, "No, none at all")),
                ],
            },
            {
                "name": "Objective",
                "sentences": [
                    sentence("s4", f"Appearance: {PLACEHOLDER}", origin="placeholder"),
                    sentence(
                        "s5", "Takes sertraline, 500 milligrams.", span(6, "fifty milligrams")
                    ),
                ],
            },
            {
                "name": "Assessment",
                "sentences": [
                    sentence("s6", "“It helps.”", span(9, "It helps"), origin="quote"),
                ],
            },
            {
                "name": "Plan",
                "sentences": [
                    sentence("s7", "Continue the sleep diary.", span(12, "keep the sleep diary")),
                ],
            },
        ],
        "left_out": [{"turn": turn, "reason": "small-talk"} for turn in ("t1", "t2")],
        "codes": [],
        "refused": [],
    }


CHECK = {
    "findings": [
        {
            "sentence": "Takes sertraline, 500 milligrams.",
            "kind": "dose",
            "severity": "block",
            "span": [0, 10],
            "why": "The session says fifty milligrams.",
        }
    ],
    "verdict": "block",
}


def transcript(table: dict[str, str] | None) -> bytes:
    turns = []
    for number, (role, text) in enumerate(TURNS, start=1):
        for token, original in (table or {}).items():
            text = text.replace(token, original)
        at = 8.0 * number
        words = [{"start": at, "end": at + 1, "text": " almond", "probability": 0.31}]
        turns.append(
            {
                "id": f"t{number}",
                "speaker": "S1" if role == "therapist" else "S2",
                "role": role,
                "start": at,
                "end": at + 7,
                "text": text,
                "words": words if "almond" in text and table else [],
            }
        )
    return json.dumps({"duration": 120, "turns": turns}).encode()


class FakeIdentity:
    """Tokens are `token-<person>`, further ones `token-<person>.<n>`; a code is a person's id."""

    def __init__(self, clock: fakes.FakeClock, portal_url: str = PORTAL) -> None:
        self.clock = clock
        self.portal_url = portal_url
        self.sign_in_url = f"{portal_url}/pool"
        self.nonces: dict[str, str] = {}
        self.verifiers: dict[str, str] = {}
        self.expired: set[str] = set()
        self.issued = 0
        self.signed_in: dict[str, datetime] = {}

    def authorize_url(self, state: str, challenge: str, nonce: str, *, again: bool = False) -> str:
        query = {"state": state, "code_challenge": challenge, "nonce": nonce}
        query |= {"prompt": "login"} if again else {}
        return f"{self.sign_in_url}/oauth2/authorize?{urlencode(query)}"

    def exchange(self, code: str, verifier: str) -> str:
        if code not in self.nonces:
            raise SignInFailed("the code is not known")
        self.verifiers[code] = verifier
        self.expired.discard(code)
        self.signed_in.pop(code, None)
        self.issued += 1
        return f"token-{code}.{self.issued}"

    def verify(self, token: str) -> Claims:
        prefix, _, rest = token.partition("-")
        subject = rest.partition(".")[0]
        if prefix != "token" or subject in self.expired:
            raise NotSignedIn("your sign-in has run out")
        now = self.clock.now()
        since = self.signed_in.get(subject, now)
        return Claims(subject, since, now + timedelta(minutes=30), self.nonces.get(subject))

    def sign_out_url(self) -> str:
        return f"{self.sign_in_url}/logout"


@dataclass
class Clinic:
    """The ports of one clinic, and the portal as its people reach it."""

    ports: Ports
    requests: int = field(default=0)

    def ask(
        self,
        method: str,
        path: str,
        *,
        person: Person | None = DANA,
        json_body: object = None,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        cookies: list[str] | None = None,
    ) -> dict[str, Any]:
        """One request: JSON as an API client with a bearer token, a form as a browser."""
        path, _, query = path.partition("?")
        sent = dict(headers or {})
        cookies = list(cookies or [])
        if form is not None or (json_body is None and not path.startswith("/api/")):
            if person:
                cookies.append(f"__Host-countersign=token-{person.id}")
                cookies.append(f"__Host-countersign-forms={FORMS}")
            if method != "GET":
                sent.setdefault("origin", PORTAL)
                token = csrf_token(FORMS, person.id) if person else ""
                form = {"csrf": token, **(form or {})}
        elif person:
            sent.setdefault("authorization", f"Bearer token-{person.id}")
        body = json.dumps(json_body) if json_body is not None else urlencode(form or {})
        return call(self.ports, method, path, query, sent, cookies, body)

    def raw(
        self, method: str, path: str, headers: dict[str, str], body: str | bytes
    ) -> dict[str, Any]:
        """One request exactly as it is given; the path arrives decoded, as API Gateway sends it."""
        return call(self.ports, method, unquote(path), "", headers, [], body)

    def document(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The parsed body of an API answer."""
        return dict(json.loads(self.ask(method, path, **more)["body"]))


def call(
    ports: Ports,
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    cookies: list[str],
    body: str | bytes,
) -> dict[str, Any]:
    """The handler's answer to an HTTP request in API Gateway's payload format 2.0.

    A body of bytes arrives in base64, as what is no text does.
    """
    parameters = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": cookies,
        "headers": headers,
        "queryStringParameters": parameters,
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1"},
            "stage": "$default",
            "requestId": "r",
        },
        "body": body if isinstance(body, str) else base64.b64encode(body).decode(),
        "isBase64Encoded": isinstance(body, bytes),
    }
    return handler(event, SimpleNamespace(), ports=ports)


def clinic(portal_url: str = PORTAL, **overrides: Any) -> Clinic:
    """A clinic whose one draft waits for Dana; Noor shares the patient, Ben does not."""
    clock = overrides.pop("clock", None) or fakes.FakeClock()
    overrides.setdefault("identity", FakeIdentity(clock, portal_url))
    made = fakes.ports(clock=clock, **overrides)
    for person in PEOPLE:
        made.records.add_person(person)
    roster = {"people": [{"name": SPOKEN, "role": "patient"}]}
    made.records.add_patient(Patient(PATIENT, "north", (DANA.id, COLLEAGUE.id), roster))
    made.records.add_session(
        Session(
            id=SESSION,
            site="north",
            patient_id=PATIENT,
            clinician_id=DANA.id,
            state=State.AWAITING_SIGNATURE,
            registered_at=clock.now() - timedelta(hours=1),
            awaiting_since=clock.now(),
        )
    )
    made.records.put_wait(SESSION, "signature", "task-token")
    for kind, content in (
        ("transcript", transcript(TABLE)),
        ("redacted", transcript(None)),
        ("surrogates", json.dumps(TABLE).encode()),
        ("draft", json.dumps(note()).encode()),
        ("check", json.dumps(CHECK).encode()),
    ):
        made.vault.put(SESSION, kind, content)
    return Clinic(made)


def settle(house: Clinic) -> dict[str, Any]:
    """Resolves what is open and reads it all, as a clinician would; the ready draft."""
    where = f"/api/sessions/{SESSION}/draft"
    version = house.document("GET", where)["version"]
    for name, change in (
        ("s2", {"confirm": True}),
        ("s4", {"strike": True}),
        ("s5", {"text": "Takes sertraline, 50 milligrams."}),
    ):
        body = {"version": version, **change}
        version = house.document("PATCH", f"{where}/sentences/{name}", json_body=body)["version"]
    read_all(house)
    return house.document("GET", where)


def stored(house: Clinic, kind: str) -> bytes:
    """What the vault holds of the session now, under the name that its newest version has."""
    standing: Any = house.ports.records.facts(SESSION, "review") or {}
    return bytes(house.ports.vault.get(SESSION, standing.get("parts", {}).get(kind, kind)))


def read_all(house: Clinic, minutes: float = 2) -> None:
    """Sees every section of the draft, and takes the time for it."""
    sections = house.document("GET", f"/api/sessions/{SESSION}/draft")["note"]["sections"]
    for number in range(len(sections)):
        where = f"/api/sessions/{SESSION}/draft/sections/{number}/seen"
        assert house.ask("POST", where, json_body={})["statusCode"] == 200
    house.ports.clock.forward(minutes=minutes)
