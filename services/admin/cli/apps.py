"""`mtas app`: register apps, add clients, list and show them, rotate secrets."""

import re
from typing import Any, Final

import click

from services.admin.cli import output
from services.admin.cli.api import Api, part

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ONCE: Final = "The secret is shown this once: keep it where your backend finds it."
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


class Duration(click.ParamType[int]):
    """`0`, `90s`, `10m`, `24h`, `7d` → seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d{1,9})([smhd]?)", str(value))
        if match is None:
            self.fail(f"{value!r} is not a duration such as 0, 90s, 10m, 24h or 7d", param, ctx)
        return int(match[1]) * _UNITS[match[2] or "s"]


@click.group()
def app() -> None:
    """Apps and their clients."""


@app.command(
    epilog="""\b
Examples:
  mtas app create --app-id acme --name Acme --redirect-uri http://localhost:8000/auth/callback
  mtas app create --app acme --type spa --name Storefront --redirect-uri https://shop.example/cb
  mtas app create --app acme --type machine --name Worker --scope orders:read --json"""
)
@click.option("--app-id", help="Claim this app ID: a new app with its first client.")
@click.option("--app", "existing", metavar="APP_ID", help="Add a client to this app instead.")
@click.option("--type", "type_", type=click.Choice(["web", "spa", "native", "machine"]), help="With --app.")
@click.option("--client-id", help="With --app: call the client so.")
@click.option("--name", help="Shown to users.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Callback URL; repeatable.")
@click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True, help="Repeatable.")
@click.option("--frontend-origin", "frontend_origins", multiple=True, help="Repeatable.")
@click.option("--scope", "scopes", multiple=True, help="With --app: what it may ask for; repeatable.")
@click.option(
    "--alg", type=click.Choice(["RS256", "ES256"]), help="With --app-id: what tokens are signed with."
)
@click.option(
    "--bits", type=click.Choice(["2048", "3072", "4096"]), help="With --app-id: size of its RSA keys."
)
@json_option
@click.pass_obj
def create(
    api: Api,
    /,
    app_id: str | None,
    existing: str | None,
    type_: str | None,
    client_id: str | None,
    name: str | None,
    scopes: tuple[str, ...],
    alg: str | None,
    bits: str | None,
    as_json: bool,
    **uris: tuple[str, ...],
) -> None:
    """Register an app, or add a client to one. Prints its issuer, client ID and secret."""
    if (app_id is None) == (existing is None):
        raise click.UsageError("Give either --app-id for a new app, or --app to add a client to one.")
    if existing is None:
        if type_ or client_id or scopes:
            raise click.UsageError("--type, --client-id and --scope are for further clients: use --app.")
        body: dict[str, Any] = {"app_id": app_id, "name": name or app_id} | _given(uris)
        body |= {"signing_alg": alg} if alg else {}
        body |= {"signing_key_bits": int(bits)} if bits else {}
        answer = api.post("/apps", body)
        made = _made(answer["app"]["issuer"], answer["client"], answer["client_secret"])
        made = {"app_id": app_id} | made
    else:
        if alg or bits:
            raise click.UsageError("--alg and --bits are the app's: use mtas keys settings.")
        type_ = type_ or "web"
        body = {"type": type_, "name": name or f"{existing} {type_}"} | _given(uris)
        body |= {"client_id": client_id} if client_id else {}
        body |= {"allowed_scope": _split(scopes)} if scopes else {}
        answer = api.post(f"/apps/{part(existing)}/clients", body)
        made = {"app_id": existing} | _made(answer["issuer"], answer["client"], answer["client_secret"])
    _print_made(made, as_json)


@app.command("list")
@json_option
@click.pass_obj
def list_(api: Api, as_json: bool) -> None:
    """List apps."""
    apps = list(api.items("/apps"))
    if as_json:
        output.as_json(apps)
        return
    rows = [
        [item["app_id"], item["name"], item["issuer"], "disabled" if item["disabled"] else ""]
        for item in apps
    ]
    output.table(["APP ID", "NAME", "ISSUER", ""], rows, empty="No apps yet: mtas app create --help")


@app.command()
@click.argument("app_id")
@json_option
@click.pass_obj
def show(api: Api, app_id: str, as_json: bool) -> None:
    """Show an app and its clients."""
    found = api.get(f"/apps/{part(app_id)}")
    clients = list(api.items(f"/apps/{part(app_id)}/clients"))
    if as_json:
        output.as_json(found | {"clients": clients})
        return
    key = found["key"]
    output.facts(
        [
            ("app ID", found["app_id"]),
            ("name", found["name"]),
            ("issuer", found["issuer"]),
            ("discovery", found["discovery_url"]),
            ("key", f"{key['alg']} {key['kid']} ({key['state']})" if key else "being made"),
            ("sign-up", "open" if found["sign_up_enabled"] else "closed"),
            ("state", "disabled" if found["disabled"] else "enabled"),
        ]
    )
    click.echo()
    rows = [
        [
            item["client_id"],
            item["type"],
            item["name"],
            " ".join(item["redirect_uris"]) or " ".join(item["allowed_scope"]),
        ]
        for item in clients
    ]
    output.table(["CLIENT ID", "TYPE", "NAME", "CALLBACK URLS OR SCOPE"], rows, empty="No clients.")


@app.command(
    "rotate-secret",
    epilog="""\b
Examples:
  mtas app rotate-secret acme
  mtas app rotate-secret acme --overlap 0          the former one leaked: end it now
  mtas app rotate-secret acme --client-id acme-machine-k3x9qa --overlap 7d --json""",
)
@click.argument("app_id")
@click.option("--client-id", help="Another client of the app than its first.")
@click.option("--overlap", type=Duration(), default="24h", show_default=True, help="Up to 30d.")
@json_option
@click.pass_obj
def rotate_secret(api: Api, app_id: str, client_id: str | None, overlap: int, as_json: bool) -> None:
    """Make a new client secret. The former one works for the overlap."""
    path = f"/apps/{part(app_id)}/clients/{part(client_id or app_id)}/secrets"
    answer = api.post(path, {"overlap_s": overlap})
    if as_json:
        output.as_json({"app_id": app_id} | answer)
        return
    output.facts(
        [
            ("client_id", answer["client_id"]),
            ("client_secret", answer["client_secret"]),
            ("former secret ends", answer["former_expires_at"]),
        ]
    )
    click.echo(f"\n{_ONCE}", err=True)


def _given(uris: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    return {name: list(values) for name, values in uris.items() if values}


def _split(scopes: tuple[str, ...]) -> list[str]:
    """`--scope "a b" --scope c` as well as one each."""
    return [scope for given in scopes for scope in given.split()]


def _made(issuer: str, client: dict[str, Any], secret: str | None) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "discovery_url": f"{issuer}/.well-known/openid-configuration",
        "client_id": client["client_id"],
        "client_secret": secret,
        "type": client["type"],
        "redirect_uris": client["redirect_uris"],
    }


def _print_made(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(made)
        return
    output.facts([(name, made[name]) for name in ("app_id", "issuer", "client_id", "client_secret")])
    if made["client_secret"] is not None:
        click.echo(f"\n{_ONCE}", err=True)
