"""`python -m tests.compose`: secrets by `mtas init`, up, what is to be shown, and everything away again.

Exit codes: 0 all of it worked · 1 something did not, and its logs · 2 wrong usage.
"""

import argparse
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.compose import coolify, suite
from tests.compose.acme import caddy, certbot
from tests.compose.project import Machine
from tests.compose.traces import scenario as traces

SHOWN: Final[Mapping[str, Callable[[Machine], None]]] = {
    "suite": suite.run,
    "acme": caddy.run,
    "certificate": certbot.run,
    "traces": traces.run,
    "coolify": coolify.run,
}


def main() -> int:
    arguments = _parser().parse_args()
    overlays = tuple(str(Path(file).resolve()) for file in arguments.overlay)
    machine = Machine(tuple(arguments.compose.split()), overlays, tuple(arguments.up))
    for name in arguments.only or SHOWN:
        began = time.monotonic()
        try:
            if name == "suite" and arguments.tests:
                suite.run(machine, arguments.tests)
            else:
                SHOWN[name](machine)
        except (AssertionError, TimeoutError, subprocess.CalledProcessError) as error:
            traceback.print_exception(error)
            print(f"test-compose: {name}: failed", file=sys.stderr)
            return 1
        print(f"test-compose: {name}: done in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make test-compose",
        description="Bring the compose project up from nothing, and use it. First: make image.",
    )
    parser.add_argument(
        "--compose", default="docker compose", help="the command of the engine's compose (%(default)s)"
    )
    parser.add_argument("--overlay", action="append", default=[], help="a further compose file, by its path")
    parser.add_argument("--only", action="append", choices=SHOWN, help="rather than all of them")
    parser.add_argument("--tests", action="append", help="of the suite, rather than tests/e2e")
    parser.add_argument("up", nargs="*", help="further options for `up`, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
