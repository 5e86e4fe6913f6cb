"""The `mtas` command: finds the server, hands its API to the commands, turns refusals into exit codes."""

import json
import sys

import click

from services.admin.cli.api import Api, Refused
from services.admin.cli.apps import app
from services.admin.cli.developers import developer
from services.admin.cli.keys import keys
from services.admin.cli.members import member
from services.admin.cli.tokens import token
from services.admin.cli.users import user
from services.admin.cli.whereabouts import find
from shared.version import this_build


class LazyApi:
    """Looked for when a command first uses it, so that `--help` needs no server."""

    def __init__(self) -> None:
        self._api: Api | None = None

    def __getattr__(self, name: str) -> object:
        if self._api is None:
            self._api = Api(find())
        return getattr(self._api, name)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
The server is found by itself where `make run` runs (MTAS_DATA or ./.mtas).
For another one: MTAS_API_URL, MTAS_API_TOKEN (or MTAS_API_TOKEN_FILE), MTAS_API_CA.
Exit codes: 0 done · 1 refused · 2 wrong usage · 3 the server is away.""",
)
@click.version_option(str(this_build()), prog_name="mtas", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Register apps, manage their clients and users: MTAS from the command line."""
    context.obj = LazyApi()


cli.add_command(app)
cli.add_command(user)
cli.add_command(keys)
cli.add_command(member)
cli.add_command(token)
cli.add_command(developer)


def main() -> None:
    """The entry point. With --json a refusal is JSON too, on standard error."""
    try:
        cli.main(prog_name="mtas", standalone_mode=False)
    except Refused as refusal:
        if "--json" in sys.argv:
            click.echo(json.dumps(refusal.problem, ensure_ascii=False), err=True)
        else:
            click.echo(f"mtas: {refusal.message}", err=True)
        sys.exit(refusal.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"mtas: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("mtas: stopped", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
