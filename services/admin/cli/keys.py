"""`mtas keys`: list an app's signing keys, rotate them, import one, choose what they are."""

import os
import sys
from typing import Any

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from services.admin.cli import output
from services.admin.cli.api import Api, part
from services.admin.cli.apps import json_option

app_option = click.option("--app", "--app-id", "app_id", metavar="APP_ID", required=True, help="Whose keys.")
wait_option = click.option(
    "--wait-observed/--no-wait-observed",
    "wait_observed",
    default=None,
    help="Wait until whoever fetches the JWKS has fetched the new key, up to a limit. As the app has it.",
)


@click.group()
def keys() -> None:
    """Signing keys of an app."""


@keys.command("list")
@app_option
@json_option
@click.pass_obj
def list_(api: Api, app_id: str, as_json: bool) -> None:
    """List an app's signing keys, newest first, and who has fetched each."""
    found = api.get(f"/apps/{part(app_id)}/signing-keys")["items"]
    if as_json:
        output.as_json(found)
        return
    rows = [
        [
            item["kid"],
            f"{item['alg']} {item['rsa_bits'] or 'P-256'}{' own' if item['is_imported'] else ''}",
            item["state"],
            item["activates_at"],
            item["activates_by"] or "",
            item["retires_at"] or "",
            item["removes_at"] or "",
            " ".join(fetch["client"] for fetch in item["fetched_by"]),
        ]
        for item in found
    ]
    output.table(
        ["KID", "ALG", "STATE", "SIGNS FROM", "AT THE LATEST", "UNTIL", "PUBLISHED UNTIL", "FETCHED BY"],
        rows,
        empty="No keys yet.",
    )


@keys.command(
    epilog="""\b
Examples:
  mtas keys rotate --app acme
  mtas keys rotate --app acme --wait-observed
  mtas keys rotate --app acme --emergency --reason key_compromise --json"""
)
@app_option
@click.option("--emergency", is_flag=True, help="A key leaked: all tokens that are out become invalid.")
@click.option(
    "--reason",
    type=click.Choice(["key_compromise", "suspected_compromise", "exercise", "other"]),
    help="For the audit log, in an emergency.",
)
@wait_option
@json_option
@click.pass_obj
def rotate(
    api: Api, app_id: str, emergency: bool, reason: str | None, wait_observed: bool | None, as_json: bool
) -> None:
    """Publish the next key, which signs a day later; with --emergency a new one signs at once."""
    if emergency and wait_observed:
        raise click.UsageError("An emergency waits for nobody: leave out --wait-observed.")
    body = {"emergency": emergency} | ({"reason": reason} if reason else {}) | _wait(wait_observed)
    _print_rotated(api.post(f"/apps/{part(app_id)}/signing-keys/rotate", body), as_json)


@keys.command(
    "import",
    epilog="""\b
Examples:
  mtas keys import --app acme --file key.pem
  MTAS_KEY_PASSPHRASE=… mtas keys import --app acme --file - < key.pem""",
)
@app_option
@click.option(
    "--file",
    "file",
    type=click.File("rb"),
    required=True,
    help="The private key in PEM: RSA of 2048 to 4096 bits, or EC on P-256. - reads standard input.",
)
@wait_option
@json_option
@click.pass_obj
def import_(api: Api, app_id: str, file: Any, wait_observed: bool | None, as_json: bool) -> None:
    """Import a key of your own. It is published now, and signs a day later.

    A key under a passphrase is opened here: the passphrase comes from MTAS_KEY_PASSPHRASE or is
    asked for, and does not leave this machine. The key travels to the server, over TLS.
    """
    pem = _without_passphrase(file.read(64 * 1024), os.environ.get("MTAS_KEY_PASSPHRASE"))
    body = {"pem": pem} | _wait(wait_observed)
    _print_rotated(api.post(f"/apps/{part(app_id)}/signing-keys/import", body), as_json)


@keys.command(
    epilog="""\b
Examples:
  mtas keys settings --app acme
  mtas keys settings --app acme --bits 3072
  mtas keys settings --app acme --alg ES256 --wait-observed"""
)
@app_option
@click.option("--alg", type=click.Choice(["RS256", "ES256"]), help="What tokens are signed with.")
@click.option("--bits", type=click.Choice(["2048", "3072", "4096"]), help="Size of RSA keys that are made.")
@click.option(
    "--wait-observed/--no-wait-observed",
    "wait_observed",
    default=None,
    help="Does every next key wait until it has been fetched, up to a limit?",
)
@json_option
@click.pass_obj
def settings(
    api: Api, app_id: str, alg: str | None, bits: str | None, wait_observed: bool | None, as_json: bool
) -> None:
    """Show, or change, the algorithm and size of an app's keys. A key that fits signs a day later."""
    changes: dict[str, Any] = {
        name: value
        for name, value in {
            "signing_alg": alg,
            "signing_key_bits": int(bits) if bits else None,
            "wait_observed": wait_observed,
        }.items()
        if value is not None
    }
    path = f"/apps/{part(app_id)}/signing-keys/settings"
    now = api.patch(path, changes) if changes else api.get(path)
    if as_json:
        output.as_json(now)
        return
    output.facts(
        [
            ("signs with", now["signing_alg"]),
            ("RSA bits", str(now["signing_key_bits"])),
            ("waits to be fetched", "yes" if now["wait_observed"] else "no"),
        ]
    )


def _wait(wait_observed: bool | None) -> dict[str, Any]:
    return {} if wait_observed is None else {"wait_observed": wait_observed}


def _without_passphrase(raw: bytes, passphrase: str | None) -> str:
    """The key as PKCS #8, opened here. Whether it is sound, the server says."""
    is_sealed = b"ENCRYPTED" in raw
    if is_sealed and passphrase is None:
        if not sys.stdin.isatty():
            raise click.UsageError("The key is under a passphrase: set MTAS_KEY_PASSPHRASE.")
        passphrase = click.prompt("Passphrase of the key", hide_input=True, err=True)
    if not is_sealed:
        try:
            return raw.decode("ascii")
        except UnicodeDecodeError:
            raise click.UsageError("The file is not PEM.") from None
    try:
        key = load_pem_private_key(
            raw, (passphrase or "").encode("utf-8"), unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise click.UsageError("The key does not open: is the passphrase right?") from None
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _print_rotated(rotated: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(rotated)
        return
    output.facts(
        [
            ("kid", rotated["kid"]),
            ("alg", f"{rotated['alg']} {rotated['rsa_bits'] or 'P-256'}"),
            ("state", rotated["state"]),
            ("signs from", rotated["activates_at"]),
            ("at the latest", rotated["activates_by"]),
            ("withdrawn", " ".join(rotated["withdrawn"]) or None),
        ]
    )
