"""The appId: a tenant's slug and its first client's `client_id`; claimed once, never recycled."""

import re
from typing import Final

_CHARACTERS: Final = re.compile(r"[a-z0-9-]+")

# Words that are routes, or that would let an app pass for the product itself in a URL.
_RESERVED: Final = """
    about abuse access account accounts admin administrator api app apps asset assets auth authenticate
    authorization authorize billing callback client clients config console consent dashboard default
    developer developers docs email error favicon gateway health help home identity idp info internal
    invite issuer jwks key keys legal livez localhost login logout mail metrics mtas new ns oauth oauth2
    oidc openid operator operators ops par password postmaster privacy public readyz register revoke root
    saml security session sessions settings setup sign-in sign-out sign-up signed-out signin signout
    signup sso static status support system tenant tenants terms token tokens user userinfo users verify
    webhook webhooks webmaster well-known www
"""
RESERVED: Final = frozenset(_RESERVED.split())


def check_app_id(app_id: str) -> None:
    """May this be claimed, if nobody has? Raises: ValueError, in words that say what to change."""
    _check_shape(app_id, "an app ID", 40)
    if app_id in RESERVED or app_id.startswith(("mtas-", "xn-")):
        raise ValueError("This word is reserved. Choose another, such as the name of your product.")


def check_client_id(client_id: str) -> None:
    """May a further client of an app be called this? Raises: ValueError."""
    _check_shape(client_id, "a client ID", 64)


def _check_shape(text: str, what: str, longest: int) -> None:
    if not text:
        raise ValueError(f"Enter {what}.")
    if not 3 <= len(text) <= longest:
        raise ValueError(f"Use 3 to {longest} characters.")
    if text != text.lower():
        raise ValueError("Use lower-case letters only.")
    if not (text[0].isascii() and text[0].isalpha()):
        raise ValueError("Begin with a letter.")
    if text.endswith("-"):
        raise ValueError("End with a letter or a digit.")
    if "--" in text:
        raise ValueError("Use single hyphens, not two in a row.")
    if not _CHARACTERS.fullmatch(text):
        raise ValueError("Use letters a to z, digits and hyphens only.")
