"""For an app's own tests: an issuer in process, and sessions without a login. Needs no server.

    from mtas.testing import FakeIssuer, session_cookies

    def test_hello(client):
        client.cookies.update(session_cookies(config, email="ada@example.com"))
        assert client.get("/hello").json() == {"email": "ada@example.com"}

With pytest, the fixtures `mtas_issuer` and `mtas_session` are there once `mtas` is installed.
"""

from mtas.testing.issuer import FakeIssuer
from mtas.testing.sessions import session_cookie, session_cookies

__all__ = ["FakeIssuer", "session_cookie", "session_cookies"]
