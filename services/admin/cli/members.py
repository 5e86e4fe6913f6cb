"""`mtas member`: who has a role in an app."""

import click

from services.admin.cli import output
from services.admin.cli.api import Api, part
from services.admin.cli.apps import json_option

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
@json_option
@click.pass_obj
def invite(api: Api, app_id: str, email: str, role: str, as_json: bool) -> None:
    """Invite somebody. The link is printed this once: hand it to them."""
    invited = api.post(f"/apps/{part(app_id)}/invitations", {"email": email, "role": role})
    if as_json:
        output.as_json(invited)
        return
    output.facts(
        [
            ("email", invited["invitation"]["email"]),
            ("role", invited["invitation"]["role"]),
            ("expires", invited["invitation"]["expires_at"]),
            ("link", invited["link"]),
        ]
    )


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
