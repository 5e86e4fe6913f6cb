"""Where the admin API is, and the token for it.

Given: MTAS_API_URL and MTAS_API_TOKEN (or MTAS_API_TOKEN_FILE), MTAS_API_CA for a private CA.
Found: the data folder that a local run leaves, MTAS_DATA or ./.mtas. A token that was found is
sent only to the address that was found with it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click

from shared.secret import Secret


class ServerAway(click.ClickException):
    """Nobody answers, or nothing runs."""

    exit_code = 3


class Whereabouts(NamedTuple):
    url: str
    token: Secret
    ca: str | None


def find(environ: Mapping[str, str] = os.environ) -> Whereabouts:
    """Raises: click.UsageError when something is missing, ServerAway when no local run is going on."""
    url = environ.get("MTAS_API_URL")
    if url:
        return Whereabouts(url.rstrip("/"), _given_token(environ), environ.get("MTAS_API_CA"))
    folder = Path(environ.get("MTAS_DATA") or ".mtas")
    stack = _read_stack(folder)
    gateway_url, token_file = stack.get("gateway_url"), stack.get("operator_token_file")
    if not gateway_url or not token_file:
        raise ServerAway(f"The local run in {folder} has no gateway. Start it with `make run`.")
    return Whereabouts(gateway_url.rstrip("/"), _read_token(Path(token_file)), stack.get("tls_ca"))


def _read_stack(folder: Path) -> dict[str, str | None]:
    path = folder / "run" / "stack.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ServerAway(
            f"No MTAS is running from {folder}. Start it with `make run`, name its data folder in "
            "MTAS_DATA, or set MTAS_API_URL and MTAS_API_TOKEN."
        ) from None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path} cannot be read: {error}") from None
    return content if isinstance(content, dict) else {}


def _given_token(environ: Mapping[str, str]) -> Secret:
    if path := environ.get("MTAS_API_TOKEN_FILE"):
        return _read_token(Path(path))
    if token := environ.get("MTAS_API_TOKEN"):
        return Secret(token.strip())
    raise click.UsageError("MTAS_API_URL is set, so MTAS_API_TOKEN (or MTAS_API_TOKEN_FILE) is needed too.")


def _read_token(path: Path) -> Secret:
    try:
        return Secret(path.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise click.UsageError(f"The API token in {path} cannot be read: {error.strerror}") from None
