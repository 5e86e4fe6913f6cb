"""`mtas member`: who has a role in an app."""

from typing import Any

import click

from services.admin.cli import output
from services.admin.cli.api import Api, part
from services.admin.cli.apps import json_option
from shared.languages import LANGUAGES, SOURCE

app_option = click.option("--app", "app_id", metavar="APP_ID", required=True, help="Whose members.")
role_option = click.option("--role", type=click.Choice(["owner", "admin", "viewer"]), required=True)


@click.group()
def member() -> None:
    """Members of an app, and invitations."""


@member.command("list")
@app_option
@json_option
@click.pass_obj
def list_(api: Api, app_id: str, as_json: bool) -> None:
    """List members, and whom invitations are open for."""
    members = list(api.items(f"/apps/{part(app_id)}/members"))
    invitations = list(api.items(f"/apps/{part(app_id)}/invitations"))
    if as_json:
        output.as_json({"members": members, "invitations": invitations})
        return
    rows = [[item["developer_id"], item["email"], item["role"], ""] for item in members]
    rows += [
        [item["invitation_id"], item["email"], item["role"], f"invited until {item['expires_at']}"]
        for item in invitations
    ]
    output.table(["ID", "EMAIL", "ROLE", ""], rows, empty="No members.")


@member.command()
@app_option
@click.option("--email", required=True, help="Nobody else can take the invitation.")
@role_option
@click.option("--link", is_flag=True, help="Print the link instead of mailing it.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default=SOURCE, show_default=True, help="Of the mail."
)
@json_option
@click.pass_obj
def invite(api: Api, app_id: str, email: str, role: str, link: bool, language: str, as_json: bool) -> None:
    """Invite somebody by mail. A link that is not mailed is printed this once: hand it to them."""
    wanted = {"email": email, "role": role, "language": language, "deliver": "link" if link else None}
    _show_invited(api.post(f"/apps/{part(app_id)}/invitations", wanted), as_json)


@member.command()
@click.argument("invitation_id")
@app_option
@json_option
@click.pass_obj
def resend(api: Api, invitation_id: str, app_id: str, as_json: bool) -> None:
    """Send an invitation again, with a new link. The one before is of no use any more."""
    path = f"/apps/{part(app_id)}/invitations/{part(invitation_id)}/resend"
    _show_invited(api.post(path), as_json)


@member.command()
@click.argument("invitation_id")
@app_option
@json_option
@click.pass_obj
def withdraw(api: Api, invitation_id: str, app_id: str, as_json: bool) -> None:
    """Withdraw an invitation: its link leads nowhere from now on."""
    api.delete(f"/apps/{part(app_id)}/invitations/{part(invitation_id)}")
    if as_json:
        output.as_json({"withdrawn": invitation_id})
        return
    output.facts([("withdrawn", invitation_id)])


@member.command("set-role")
@click.argument("developer_id")
@app_option
@role_option
@json_option
@click.pass_obj
def set_role(api: Api, developer_id: str, app_id: str, role: str, as_json: bool) -> None:
    """Give a member another role."""
    changed = api.patch(f"/apps/{part(app_id)}/members/{part(developer_id)}", {"role": role})
    if as_json:
        output.as_json(changed)
        return
    output.facts([("email", changed["email"]), ("role", changed["role"])])


@member.command()
@click.argument("developer_id")
@app_option
@json_option
@click.pass_obj
def remove(api: Api, developer_id: str, app_id: str, as_json: bool) -> None:
    """Take a member's role away."""
    api.delete(f"/apps/{part(app_id)}/members/{part(developer_id)}")
    if as_json:
        output.as_json({"removed": developer_id})
        return
    output.facts([("removed", developer_id)])


def _show_invited(invited: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(invited)
        return
    invitation = invited["invitation"]
    output.facts(
        [
            ("email", invitation["email"]),
            ("role", invitation["role"]),
            ("expires", invitation["expires_at"]),
            ("link", invited["link"] or "mailed to them"),
        ]
    )
