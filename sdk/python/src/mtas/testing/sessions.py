"""Sessions without a login: the cookies of a signed-in user, sealed as the app seals them."""

import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from mtas.core.config import Config, load_config
from mtas.core.cookie_jar import CookieJar
from mtas.core.encoding import b64url
from mtas.core.names import parse_cookies
from mtas.core.session import PROTOCOL_CLAIMS, Session

_LIFETIME_S: Final = 86_400


def session_cookies(
    config: Config | Mapping[str, Any] | None = None,
    *,
    sub: str = "user-1",
    access_token: str = "a-fake-access-token",
    scope: str = "openid profile email",
    now: float | None = None,
    **claims: Any,
) -> dict[str, str]:
    """Cookies to give a test client: name to value. Claims are those of the user: `email="…"`.

    Options go before the environment, as in the app.
    """
    loaded = load_config(config)
    begun = int(time.time() if now is None else now)
    session = Session(
        lid=b64url(secrets.token_bytes(9)),
        gen=0,
        sub=sub,
        user={name: value for name, value in claims.items() if name not in PROTOCOL_CLAIMS},
        sid=None,
        auth_time=begun,
        access_token=access_token,
        access_token_exp=begun + _LIFETIME_S,
        refresh_token=None,
        id_token="a-fake-id-token",
        scope=scope,
        iat=begun,
        exp=begun + _LIFETIME_S,
    )
    jar = CookieJar(loaded, secrets.token_bytes)
    return parse_cookies("; ".join(line.partition(";")[0] for line in jar.begin(session, {}, begun)))


def session_cookie(config: Config | Mapping[str, Any] | None = None, **user: Any) -> str:
    """The same as one Cookie header."""
    return "; ".join(f"{name}={value}" for name, value in session_cookies(config, **user).items())
