"""Tokens of the user pool: only ours, whole, in time, and for this application."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from countersign.errors import NotSignedIn, SignInFailed
from lambdas.adapters.identity import CognitoIdentity

POOL = "eu-central-1_AbCdEf"
ISSUER = f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Pool:
    """The pool's key page and token endpoint, answering in process."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.down = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.down:
            raise httpx.ConnectError("no route")
        if request.url.path.endswith("/jwks.json"):
            key = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
            return httpx.Response(200, json={"keys": [{**key, "kid": "k1", "use": "sig"}]})
        form = parse_qs(request.content.decode())
        if form["code"] != ["good"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        return httpx.Response(200, json={"id_token": "the-token"})


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def identity(pool: Pool) -> CognitoIdentity:
    return CognitoIdentity(
        httpx.Client(transport=httpx.MockTransport(pool)),
        pool_id=POOL,
        client_id="portal",
        sign_in_url="https://sign-in.example.org/",
        portal_url="https://portal.example.org/",
    )


def token(key: rsa.RSAPrivateKey = KEY, kid: str = "k1", **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "sub": "dana",
        "iss": ISSUER,
        "aud": "portal",
        "token_use": "id",
        "iat": now,
        "auth_time": now - 5,
        "exp": now + 900,
        "nonce": "n",
        **changes,
    }
    filled = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(filled, key, algorithm="RS256", headers={"kid": kid})


def test_a_token_of_the_pool_is_accepted(identity: CognitoIdentity) -> None:
    claims = identity.verify(token())
    assert (claims.subject, claims.nonce) == ("dana", "n")
    assert 880 < (claims.expires_at - claims.signed_in_at).total_seconds() < 920


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"aud": "another-app"},
        {"iss": "https://evil.example.org"},
        {"token_use": "access"},
        {"sub": None},
        {"key": OTHER_KEY},
        {"kid": "k2"},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_any_other_token_is_refused(identity: CognitoIdentity, changes: dict[str, Any]) -> None:
    with pytest.raises(NotSignedIn):
        identity.verify(token(**changes))


def test_a_token_cannot_choose_its_own_algorithm(identity: CognitoIdentity) -> None:
    now = int(time.time())
    claims = {"sub": "dana", "iss": ISSUER, "aud": "portal", "iat": now, "exp": now + 900}
    forged = jwt.encode(claims, None, algorithm="none", headers={"kid": "k1"})
    for bad in (forged, "x.y.z", "", "ä" * 40):
        with pytest.raises(NotSignedIn):
            identity.verify(bad)


def test_keys_are_fetched_once_and_strange_key_ids_do_not_hammer_the_pool(
    identity: CognitoIdentity, pool: Pool
) -> None:
    for _ in range(3):
        identity.verify(token())
        with pytest.raises(NotSignedIn):
            identity.verify(token(kid="strange"))
    assert len(pool.asked) == 1
    assert str(pool.asked[0].url) == f"{ISSUER}/.well-known/jwks.json"


def test_a_pool_that_cannot_be_reached_signs_nobody_in(
    identity: CognitoIdentity, pool: Pool
) -> None:
    pool.down = True
    with pytest.raises(NotSignedIn):
        identity.verify(token())
    with pytest.raises(SignInFailed):
        identity.exchange("good", "v")


def test_a_code_is_exchanged_with_its_verifier(identity: CognitoIdentity, pool: Pool) -> None:
    assert identity.exchange("good", "the-verifier") == "the-token"
    form = parse_qs(pool.asked[0].content.decode())
    assert form["code_verifier"] == ["the-verifier"]
    assert form["redirect_uri"] == ["https://portal.example.org/auth/callback"]
    with pytest.raises(SignInFailed):
        identity.exchange("bad", "the-verifier")


def test_the_browser_is_sent_with_challenge_state_and_nonce(identity: CognitoIdentity) -> None:
    where = urlsplit(identity.authorize_url("s", "c", "n"))
    query = parse_qs(where.query)
    assert where.path == "/oauth2/authorize"
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert (query["state"], query["nonce"], query["code_challenge"]) == (["s"], ["n"], ["c"])


def test_an_emulators_keys_are_read_from_the_emulator() -> None:
    pool = Pool()
    identity = CognitoIdentity(
        httpx.Client(transport=httpx.MockTransport(pool)),
        pool_id=POOL,
        client_id="portal",
        sign_in_url="http://127.0.0.1:4566",
        portal_url="http://127.0.0.1:8000",
        keys_base="http://127.0.0.1:4566",
    )
    identity.verify(token())
    assert str(pool.asked[0].url) == f"http://127.0.0.1:4566/{POOL}/.well-known/jwks.json"
