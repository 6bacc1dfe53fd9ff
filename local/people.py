"""Who works and who is treated in the demo clinic, and how its people sign in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx

from countersign.errors import SignInFailed
from countersign.ports import Patient, Person
from lambdas.adapters.records import DynamoRecords
from local.stack import Running

SAMPLE = Path(__file__).resolve().parent / "sample"

# Everybody here is invented, and the password opens nothing but an emulator on this machine.
PASSWORD = "Countersign-demo-1"  # noqa: S105
PATIENT = "p-4c1d09"


@dataclass(frozen=True)
class Demo:
    """A demo sign-in: what to type, and who that is."""

    username: str
    name: str
    roles: tuple[str, ...]
    licence: str | None
    what: str


THERAPIST = Demo(
    "hale@clinic.example", "Dr. Robert Hale", ("clinician",), "PSY-10442", "the patient's therapist"
)
OTHER_THERAPIST = Demo(
    "okafor@clinic.example", "Ngozi Okafor", ("clinician",), "LCSW-20817", "another's therapist"
)
SUPERVISOR = Demo(
    "lindqvist@clinic.example", "Sara Lindqvist", ("supervisor",), "PSY-00971", "the supervisor"
)
COMPLIANCE = Demo(
    "brandt@clinic.example", "Tomas Brandt", ("compliance_officer",), None, "compliance officer"
)
STAFF = (THERAPIST, OTHER_THERAPIST, SUPERVISOR, COMPLIANCE)


def seed(running: Running, roster: Path | None = None) -> None:
    """Adds the demo people to the user pool and the records; a second time changes nothing."""
    cognito, pool = running.client("cognito-idp"), running.outputs["UserPoolId"]
    records = DynamoRecords(running.client("dynamodb"), running.outputs["RecordsTableName"])
    ids = {}
    for staff in STAFF:
        ids[staff.username] = _user(cognito, pool, staff)
        records.add_person(
            Person(ids[staff.username], staff.name, staff.roles, "main", staff.licence)
        )
    names = json.loads((roster or SAMPLE / "roster.json").read_text(encoding="utf-8"))
    records.add_patient(Patient(PATIENT, "main", (ids[THERAPIST.username],), names))


def _user(client: Any, pool: str, staff: Demo) -> str:
    """The subject of a user, made if it is not there yet."""
    try:
        found = client.admin_get_user(UserPoolId=pool, Username=staff.username)
        attributes = found["UserAttributes"]
    except client.exceptions.UserNotFoundException:
        made = client.admin_create_user(
            UserPoolId=pool,
            Username=staff.username,
            TemporaryPassword=PASSWORD,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": staff.username},
                {"Name": "email_verified", "Value": "true"},
            ],
        )
        client.admin_set_user_password(
            UserPoolId=pool, Username=staff.username, Password=PASSWORD, Permanent=True
        )
        attributes = made["User"]["Attributes"]
    return next(str(a["Value"]) for a in attributes if a["Name"] == "sub")


def sign_in(portal: str, username: str, password: str = PASSWORD) -> httpx.Client:
    """A client of the portal's API after the same sign-in that a browser goes through.

    Raises `SignInFailed` when the way through the sign-in pages does not end at the portal.
    """
    browser = httpx.Client(base_url=portal, follow_redirects=True, timeout=60)
    page = browser.get("/auth/sign-in")
    for _ in range(4):
        form = _Form.of(page.text)
        if "username" not in form.fields and "password" not in form.fields:
            break
        filled = {**form.fields, "username": username, "password": password}
        filled = {name: filled[name] for name in form.fields}
        page = browser.post(page.url.join(form.action), data=filled)
    token = next((c.value for c in browser.cookies.jar if c.name.endswith("countersign")), None)
    if not page.is_success or token is None:
        browser.close()
        raise SignInFailed(f"{username} could not sign in: HTTP {page.status_code}")
    browser.headers["Authorization"] = f"Bearer {token}"
    return browser


class _Form(HTMLParser):
    """The first form of a page: where it goes, and its fields with their values."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._inside = False

    @classmethod
    def of(cls, page: str) -> _Form:
        form = cls()
        form.feed(page)
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action, self._inside = given.get("action", ""), True
        elif tag == "input" and self._inside and "name" in given:
            self.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
