"""The `mtas` command: what the admin API offers, and what a deployment needs before there is one."""

from deploy.doctor.command import doctor
from deploy.init import init
from deploy.move.cli import tenant
from services.admin.cli.main import cli
from services.admin.cli.main import main as run

cli.add_command(init)
cli.add_command(doctor)
cli.add_command(tenant)


def main() -> None:
    """The entry point."""
    run()


if __name__ == "__main__":
    main()
