"""MTAS for client backends: sign-in, sessions and access tokens, with the tokens kept off the browser.

mtas.asgi · mtas.litestar · mtas.fastapi · mtas.flask · mtas.django    `create_mtas_auth()`, one shape
mtas.core      what is decided and how it is checked: pure, no I/O, no framework
mtas.aio, mtas.sync    the same decisions, carried out
mtas.events    what happened at the auth server, from NATS (`mtas[events]`)
mtas.testing   an issuer in process, and sessions for an app's own tests
"""

from mtas._version import __version__
from mtas.core.config import Config, ConfigError
from mtas.core.errors import MtasError
from mtas.core.user import AccessToken, User

__all__ = ["AccessToken", "Config", "ConfigError", "MtasError", "User", "__version__"]
