"""`python -m deploy.provision`: prepare database and NATS for the services, then exit.

Exit codes: 0 done · 1 not done, and why on standard error · 2 wrong usage.
"""

import argparse
import asyncio
import os
import sys

from deploy.provision import nats, postgres
from deploy.provision.errors import ProvisionError
from deploy.provision.settings import HELP, Settings


async def provision(settings: Settings) -> None:
    """Both servers at once; the first that fails stops the other."""
    async with asyncio.TaskGroup() as group:
        migrated = group.create_task(postgres.provision(settings))
        streams = group.create_task(nats.provision(settings))
    for migration in migrated.result():
        print(f"applied {migration}")
    print(f"database up to date; NATS: {', '.join(streams.result())}")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.provision",
        description="Migrate the database, set roles, grants and passwords, make NATS streams and consumers. "
        "Run it before each new version starts; running it again changes nothing.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="only see that each migration has a number of its own; asks nobody",
    )
    arguments = parser.parse_args()
    status = 0
    try:
        if arguments.check:
            postgres.list_migrations()
        else:
            asyncio.run(provision(Settings.read(os.environ)))
    except* ProvisionError as failures:
        for failure in failures.exceptions:
            print(f"provision: {failure}", file=sys.stderr)
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
