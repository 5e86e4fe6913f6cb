"""`mtas token`: API tokens for scripts, in a developer's name."""

import click

from services.admin.cli import output
from services.admin.cli.api import Api, part
from services.admin.cli.apps import Duration, json_option
from services.admin.flows.api_scope import ApiScope


@click.group()
def token() -> None:
    """API tokens of developers."""


@token.command(
    epilog="""\b
Examples:
  mtas token create --developer ada@example.com --name ci --scope apps:read --scope users:read
  mtas token create --developer ada@example.com --name deploy --app acme --scope apps:write --json"""
)
@click.option("--developer", metavar="EMAIL", required=True, help="Whose token it is; it may what they may.")
@click.option("--name", required=True, help="Tells it from others.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in ApiScope]),
    multiple=True,
    required=True,
    help="What it may do; repeatable.",
)
@click.option("--app", "app_id", metavar="APP_ID", help="The one app that it is for.")
@click.option("--expires-in", type=Duration(), help="90s, 10m, 24h, 90d. Otherwise until it is revoked.")
@json_option
@click.pass_obj
def create(
    api: Api,
    developer: str,
    name: str,
    scopes: tuple[str, ...],
    app_id: str | None,
    expires_in: int | None,
    as_json: bool,
) -> None:
    """Make an API token. It is printed this once."""
    body = {"developer": developer, "name": name, "scope": list(scopes), "app_id": app_id}
    created = api.post("/api-tokens", body | {"expires_in_s": expires_in})
    if as_json:
        output.as_json(created)
        return
    about = created["api_token"]
    output.facts(
        [
            ("token_id", about["token_id"]),
            ("developer", about["developer"]),
            ("app", about["app_id"] or "all of theirs"),
            ("scope", " ".join(about["scope"])),
            ("expires", about["expires_at"] or "when it is revoked"),
            ("token", created["token"]),
        ]
    )
    click.echo("The token is shown this once.", err=True)


@token.command("list")
@json_option
@click.pass_obj
def list_(api: Api, as_json: bool) -> None:
    """List API tokens, newest first."""
    tokens = list(api.items("/api-tokens"))
    if as_json:
        output.as_json(tokens)
        return
    rows = [
        [
            item["token_id"],
            item["developer"],
            item["name"],
            item["app_id"] or "",
            " ".join(item["scope"]),
            item["expires_at"] or "",
            item["last_used_at"] or "",
        ]
        for item in tokens
    ]
    headings = ["TOKEN ID", "DEVELOPER", "NAME", "APP", "SCOPE", "EXPIRES", "LAST USED"]
    output.table(headings, rows, empty="No API tokens.")


@token.command()
@click.argument("token_id")
@json_option
@click.pass_obj
def revoke(api: Api, token_id: str, as_json: bool) -> None:
    """End an API token now."""
    api.delete(f"/api-tokens/{part(token_id)}")
    if as_json:
        output.as_json({"revoked": token_id})
        return
    output.facts([("revoked", token_id)])
