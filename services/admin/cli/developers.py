"""`mtas developer`: who has an account at the dashboard."""

import click

from services.admin.cli import output
from services.admin.cli.api import Api
from services.admin.cli.apps import json_option


@click.group()
def developer() -> None:
    """Developers and their dashboard accounts."""


@developer.command(
    "reset-password",
    epilog="""\b
Examples:
  mtas developer reset-password ada@example.com
  mtas developer reset-password ada@example.com --json""",
)
@click.argument("email")
@json_option
@click.pass_obj
def reset_password(api: Api, email: str, as_json: bool) -> None:
    """Make a link with which a developer chooses a new password. It is printed this once.

    It works once, within 15 minutes, and for this developer alone; their sessions end when it is used. Needs
    the operator's token.
    """
    made = api.post("/developers/password-links", {"email": email})
    if as_json:
        output.as_json(made)
        return
    output.facts([("developer", made["email"]), ("expires", made["expires_at"]), ("link", made["link"])])
    click.echo("\nThe link is shown this once: hand it to them by a way that nobody else reads.", err=True)
