"""`mtas keys`: list an app's signing keys, and rotate them."""

import click

from services.admin.cli import output
from services.admin.cli.api import Api, part
from services.admin.cli.apps import json_option

app_option = click.option("--app", "app_id", metavar="APP_ID", required=True, help="Whose keys.")


@click.group()
def keys() -> None:
    """Signing keys of an app."""


@keys.command("list")
@app_option
@json_option
@click.pass_obj
def list_(api: Api, app_id: str, as_json: bool) -> None:
    """List an app's signing keys, newest first."""
    found = api.get(f"/apps/{part(app_id)}/signing-keys")["items"]
    if as_json:
        output.as_json(found)
        return
    rows = [
        [
            item["kid"],
            item["alg"],
            item["state"],
            item["activates_at"],
            item["retires_at"] or "",
            item["removes_at"] or "",
        ]
        for item in found
    ]
    output.table(
        ["KID", "ALG", "STATE", "SIGNS FROM", "UNTIL", "PUBLISHED UNTIL"], rows, empty="No keys yet."
    )


@keys.command(
    epilog="""\b
Examples:
  mtas keys rotate --app acme
  mtas keys rotate --app acme --emergency --reason "key found in a log" --json"""
)
@app_option
@click.option("--emergency", is_flag=True, help="A key leaked: all tokens that are out become invalid.")
@click.option("--reason", help="For the audit log, in an emergency.")
@json_option
@click.pass_obj
def rotate(api: Api, app_id: str, emergency: bool, reason: str | None, as_json: bool) -> None:
    """Publish the next key, which signs a day later; with --emergency a new one signs at once."""
    body = {"emergency": emergency} | ({"reason": reason} if reason else {})
    rotated = api.post(f"/apps/{part(app_id)}/signing-keys/rotate", body)
    if as_json:
        output.as_json(rotated)
        return
    output.facts(
        [
            ("kid", rotated["kid"]),
            ("alg", rotated["alg"]),
            ("state", rotated["state"]),
            ("signs from", rotated["activates_at"]),
            ("withdrawn", " ".join(rotated["withdrawn"]) or None),
        ]
    )
