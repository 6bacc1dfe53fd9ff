"""The whole sign-in against an emulated user pool: its pages, its codes, its keys, its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from countersign.errors import SignInFailed
from countersign.ports import Person
from lambdas.adapters.identity import CognitoIdentity
from local.emulator import Emulator
from local.people import PASSWORD, sign_in
from tests import fakes
from tests.journeys.bridge import Bridge, serving
from tests.portal import SESSION, clinic


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Bridge]:
    """The portal before a real (if emulated) pool with one user, who is the clinic's Dana."""
    emulator = Emulator(tmp_path)
    emulator.start()
    with serving() as bridge, httpx.Client(timeout=20) as http:
        cognito = emulator.client("cognito-idp")
        pool = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
        client = cognito.create_user_pool_client(
            UserPoolId=pool,
            ClientName="portal",
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid", "email", "profile"],
            SupportedIdentityProviders=["COGNITO"],
            CallbackURLs=[f"{bridge.url}/auth/callback"],
            LogoutURLs=[f"{bridge.url}/"],
        )["UserPoolClient"]["ClientId"]
        made = cognito.admin_create_user(
            UserPoolId=pool, Username="dana", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
        )
        cognito.admin_set_user_password(
            UserPoolId=pool, Username="dana", Password=PASSWORD, Permanent=True
        )
        subject = next(a["Value"] for a in made["User"]["Attributes"] if a["Name"] == "sub")
        identity = CognitoIdentity(
            http,
            pool_id=pool,
            client_id=client,
            sign_in_url=emulator.address,
            portal_url=bridge.url,
            keys_base=emulator.address,
        )
        house = clinic(clock=fakes.FakeClock(datetime.now(UTC)), identity=identity)
        house.ports.records.add_person(
            Person(subject, "Dana Reyes", ("clinician",), "north", "PSY-4411")
        )
        house.ports.records.update(SESSION, clinician_id=subject)
        bridge.ports = house.ports
        cognito.close()
        yield bridge
    emulator.stop()


def test_password_code_verifier_token_and_page(door: Bridge) -> None:
    with closing(sign_in(door.url, "dana")) as browser:
        page = browser.get("/")
        assert page.status_code == 200
        assert "Dana Reyes" in page.text
        assert f"/sessions/{SESSION}" in page.text
        assert browser.get(f"/api/sessions/{SESSION}").status_code == 200


def test_a_wrong_password_opens_nothing(door: Bridge) -> None:
    with pytest.raises(SignInFailed):
        sign_in(door.url, "dana", "wrong")
