"""`mtas user`: make users who can sign in at once, list them, delete them."""

import sys

import click

from services.admin.cli import output
from services.admin.cli.api import Api, part
from services.admin.cli.apps import json_option

app_option = click.option("--app", "app_id", metavar="APP_ID", required=True, help="Whose users.")


@click.group()
def user() -> None:
    """Users of an app."""


@user.command(
    epilog="""\b
Examples:
  mtas user create --app acme --email ada@example.com
  pass show ada | mtas user create --app acme --email ada@example.com --password-stdin --json"""
)
@app_option
@click.option("--email", required=True)
@click.option("--name", help="Shown to them, and in the `name` claim.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@json_option
@click.pass_obj
def create(api: Api, app_id: str, email: str, name: str | None, password_stdin: bool, as_json: bool) -> None:
    """Make a user. Asks for the password, which is never taken from the command line."""
    body = {"email": email, "password": _password(password_stdin)} | ({"name": name} if name else {})
    made = api.post(f"/apps/{part(app_id)}/users", body)
    if as_json:
        output.as_json(made)
        return
    output.facts([("user_id", made["user_id"]), ("email", made["email"])])


@user.command("list")
@app_option
@click.option("--search", default="", help="A part of the email address or the name.")
@json_option
@click.pass_obj
def list_(api: Api, app_id: str, search: str, as_json: bool) -> None:
    """List an app's users, newest first."""
    users = list(api.items(f"/apps/{part(app_id)}/users", **({"search": search} if search else {})))
    if as_json:
        output.as_json(users)
        return
    rows = [
        [item["user_id"], item["email"], item["name"] or "", "disabled" if item["disabled"] else ""]
        for item in users
    ]
    output.table(["USER ID", "EMAIL", "NAME", ""], rows, empty="No users.")


@user.command(
    epilog="""\b
Examples:
  mtas user delete --app acme 0192a0c4-5a5e-7cc1-8a1f-4f4f0e6f9a11
  mtas user delete --app acme --yes 0192a0c4-5a5e-7cc1-8a1f-4f4f0e6f9a11 --json"""
)
@app_option
@click.argument("user_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def delete(api: Api, app_id: str, user_id: str, yes: bool, as_json: bool) -> None:
    """Delete a user and all that is about them, for good (docs/operate/data.md)."""
    if not yes:
        click.confirm(f"Delete user {user_id} of {app_id} for good?", abort=True, err=True)
    api.delete(f"/apps/{part(app_id)}/users/{part(user_id)}")
    if as_json:
        output.as_json({"deleted": user_id})
        return
    output.facts([("deleted", user_id)])


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.read().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is nobody to ask for the password: use --password-stdin.")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
