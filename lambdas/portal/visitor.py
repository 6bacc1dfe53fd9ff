"""Who is asking, and whether the request came from a page of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from countersign.errors import AccessDenied, BadRequest, CrossSiteRequest, NotSignedIn, SignInFailed
from countersign.ports import Person
from lambdas.wiring import Ports

# Ten minutes are enough to find a phone for the second factor.
_SIGN_IN_SECONDS = 600
# A form may stay open over a working day, through any number of short sign-ins.
_FORMS_SECONDS = 12 * 3600
_LOCAL_PATH = re.compile(
    r"/(record|boards/[a-z]{1,16}|sessions/[A-Za-z0-9.-]{1,64}(/record|/emergency|/addendum)?)?"
)


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in. `csrf` goes into every form; no other site can know it."""

    person: Person
    csrf: str
    by_cookie: bool
    signed_in_at: datetime


@dataclass(frozen=True)
class SignIn:
    """A sign-in that was begun in this browser and has to come back to it."""

    state: str
    verifier: str
    nonce: str
    then: str


class Cookies:
    """The cookies of the portal, as strict as the portal's address allows.

    `session` holds the identity token, `sign_in` the secrets of a sign-in under way, `forms` the
    secret that ties forms to this browser. That one outlives a sign-in, so that a sentence which
    was half written when the sign-in ran out can still be saved after the next.

    Over https they carry the `__Host-` prefix and `Secure`; plain http exists on loopback only.
    `SameSite=Lax`, because the way back from the sign-in service and a link in a reminder are
    navigations from elsewhere; whatever changes anything also needs `Origin` and the form's token.
    """

    def __init__(self, portal_url: str) -> None:
        self._secure = portal_url.startswith("https://")
        prefix = "__Host-" if self._secure else ""
        self.session = f"{prefix}countersign"
        self.sign_in = f"{prefix}countersign-sign-in"
        self.forms = f"{prefix}countersign-forms"

    def set(self, name: str, value: str, seconds: int) -> Cookie:
        """A cookie that lasts so many seconds; none removes it."""
        return Cookie(
            name=name,
            value=value,
            path="/",
            secure=self._secure,
            http_only=True,
            max_age=seconds,
            same_site=SameSite.LAX_MODE,
        )

    def keep_forms(self, event: Any) -> Cookie:
        """The forms' secret: this browser's own if it has one, else a new one."""
        secret = _cookie(event, self.forms) or secrets.token_urlsafe(24)
        return self.set(self.forms, secret, _FORMS_SECONDS)

    def begin(self, sign_in: SignIn) -> Cookie:
        """Remembers a sign-in in the browser that began it."""
        value = ":".join((sign_in.state, sign_in.verifier, sign_in.nonce, sign_in.then))
        return self.set(self.sign_in, value, _SIGN_IN_SECONDS)


def begin_sign_in(then: str) -> SignIn:
    """Fresh secrets for one sign-in; `then` is kept only if it is a page of ours."""
    return SignIn(
        state=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        nonce=secrets.token_urlsafe(24),
        then=then if _LOCAL_PATH.fullmatch(then) else "/",
    )


def challenge(verifier: str) -> str:
    """The S256 code challenge of RFC 7636, section 4.2."""
    hashed = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode("ascii")


def resume_sign_in(event: Any, cookies: Cookies, state: str) -> SignIn:
    """The sign-in that this browser began; raises `SignInFailed` for any other."""
    parts = _cookie(event, cookies.sign_in).split(":")
    if len(parts) != 4 or not state or not hmac.compare_digest(parts[0], state):
        raise SignInFailed("this sign-in was not begun in this browser, or too long ago")
    begun = SignIn(*parts)
    if not _LOCAL_PATH.fullmatch(begun.then):
        raise SignInFailed("this sign-in does not lead to a page of ours")
    return begun


def identify(event: Any, ports: Ports) -> Visitor:
    """Who is asking, by bearer token or by cookie.

    Raises `NotSignedIn`, `AccessDenied` for a signed-in stranger, and `CrossSiteRequest` for a
    change that does not come from a page of ours.
    """
    scheme, _, token = event.headers.get("authorization", "").partition(" ")
    by_cookie = not token
    cookies = Cookies(ports.identity.portal_url)
    if by_cookie:
        token = _cookie(event, cookies.session)
    elif scheme.lower() != "bearer":
        raise NotSignedIn("only bearer tokens are accepted")
    if not token:
        raise NotSignedIn("you are not signed in")
    claims = ports.identity.verify(token)
    csrf = csrf_token(_cookie(event, cookies.forms), claims.subject)
    visitor = Visitor(_person(ports, claims.subject), csrf, by_cookie, claims.signed_in_at)
    if by_cookie and event.http_method not in ("GET", "HEAD"):
        _require_same_origin(event, ports.identity.portal_url)
    return visitor


def sent(event: Any) -> str:
    """The request's body as text; raises `BadRequest` for bytes that are no UTF-8."""
    try:
        return str(event.decoded_body or "")
    except ValueError:
        raise BadRequest("body: this is not UTF-8 text") from None


def csrf_token(secret: str, person_id: str) -> str:
    """A token that only this person in this browser can have been given; without a secret, none."""
    key = secret.encode() or secrets.token_bytes(24)
    return hmac.new(key, person_id.encode(), hashlib.sha256).hexdigest()


def require_csrf(visitor: Visitor, token: str) -> None:
    """Raises `CrossSiteRequest` unless a cookie's holder also sent the form's token."""
    if visitor.by_cookie and not hmac.compare_digest(visitor.csrf, token):
        raise CrossSiteRequest("the form's token is missing or out of date")


def _require_same_origin(event: Any, portal_url: str) -> None:
    site = urlsplit(portal_url)
    if event.headers.get("origin", "") != f"{site.scheme}://{site.netloc}":
        raise CrossSiteRequest("the request does not come from this site")


def _person(ports: Ports, subject: str) -> Person:
    person: Person | None = ports.records.person(subject)
    if person is None:
        raise AccessDenied(
            "you are signed in, but this site does not know you",
            hint="Ask your site's administrator to add you.",
        )
    return person


def _cookie(event: Any, name: str) -> str:
    for one in event.cookies or []:
        key, _, value = one.partition("=")
        if key.strip() == name:
            return str(value)
    return ""
