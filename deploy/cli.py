"""The `mtas` command: what the admin API offers, and what a deployment needs before there is one."""

from deploy.init import init
from services.admin.cli.main import cli
from services.admin.cli.main import main as run

cli.add_command(init)


def main() -> None:
    """The entry point."""
    run()


if __name__ == "__main__":
    main()
