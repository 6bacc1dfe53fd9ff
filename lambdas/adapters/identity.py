"""Sign-in with an Amazon Cognito user pool: authorization code with PKCE, tokens checked here."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
import jwt

from countersign.errors import NotSignedIn, SignInFailed
from countersign.ports import Claims

# Clocks of two machines; Cognito's and ours.
_LEEWAY_SECONDS = 10
# An unknown key id makes us look again, but nobody can make us look more often than this.
_LOOK_AGAIN_SECONDS = 60


class CognitoIdentity:
    """`ports.Identity` on a user pool's hosted sign-in.

    `keys_base` is where the pool publishes its keys: the service's own address, or an emulator's.
    The issuer is always the service's, because tokens name that one.
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        pool_id: str,
        client_id: str,
        sign_in_url: str,
        portal_url: str,
        keys_base: str | None = None,
    ) -> None:
        self.portal_url = portal_url.rstrip("/")
        self.sign_in_url = sign_in_url.rstrip("/")
        self._http = http
        self._client_id = client_id
        region = pool_id.split("_", 1)[0]
        self._issuer = f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"
        base = f"{keys_base.rstrip('/')}/{pool_id}" if keys_base else self._issuer
        self._keys_url = f"{base}/.well-known/jwks.json"
        self._keys: dict[str, jwt.PyJWK] = {}
        self._looked_at = float("-inf")

    @property
    def _callback(self) -> str:
        return f"{self.portal_url}/auth/callback"

    def authorize_url(self, state: str, challenge: str, nonce: str, *, again: bool = False) -> str:
        """Where to send a browser to sign in; `again`: also if it is signed in there.

        OpenID Connect Core 1.0, section 3.1.2.1, `prompt`.
        """
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | ({"prompt": "login"} if again else {})
        return f"{self.sign_in_url}/oauth2/authorize?{urlencode(query)}"

    def sign_out_url(self) -> str:
        """Where to send a browser to end the session at the identity provider as well."""
        query = {"client_id": self._client_id, "logout_uri": f"{self.portal_url}/"}
        return f"{self.sign_in_url}/logout?{urlencode(query)}"

    def exchange(self, code: str, verifier: str) -> str:
        """The identity token for an authorization code; raises `SignInFailed`."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self._client_id,
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        try:
            answer = self._http.post(f"{self.sign_in_url}/oauth2/token", data=form)
            token = answer.raise_for_status().json()["id_token"]
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            reason = type(error).__name__
            raise SignInFailed(f"the sign-in service did not accept the code ({reason})") from None
        return str(token)

    def verify(self, token: str) -> Claims:
        """Raises `NotSignedIn` unless the token is an unexpired identity token of this pool."""
        try:
            claims = jwt.decode(
                token,
                self._key(str(jwt.get_unverified_header(token).get("kid", ""))),
                algorithms=["RS256"],
                audience=self._client_id,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
            if claims.get("token_use") != "id":
                raise NotSignedIn("the token is not an identity token")
            return Claims(
                subject=str(claims["sub"]),
                signed_in_at=_moment(claims.get("auth_time", claims["iat"])),
                expires_at=_moment(claims["exp"]),
                nonce=claims.get("nonce"),
            )
        except jwt.ExpiredSignatureError:
            raise NotSignedIn("your sign-in has run out", hint="Sign in again.") from None
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise NotSignedIn(f"the sign-in is not valid ({type(error).__name__})") from None

    def _key(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self._keys and time.monotonic() - self._looked_at > _LOOK_AGAIN_SECONDS:
            try:
                answer = self._http.get(self._keys_url).raise_for_status().json()
                keys = jwt.PyJWKSet.from_dict(answer).keys
            except (httpx.HTTPError, ValueError) as error:
                reason = type(error).__name__
                raise NotSignedIn(f"the sign-in cannot be checked now ({reason})") from None
            self._keys = {str(key.key_id): key for key in keys}
            self._looked_at = time.monotonic()
        try:
            return self._keys[key_id]
        except KeyError:
            raise NotSignedIn("the sign-in was made with a key we do not know") from None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), tz=UTC)
