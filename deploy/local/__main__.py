"""`python -m deploy.local`: run MTAS here until Ctrl-C.

Exit codes: 0 stopped on request · 1 could not start, or a process died · 2 wrong usage.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from threading import Event

from deploy.local.errors import Cancelled, ProcessDied, StackError
from deploy.local.screen import Terminal
from deploy.local.services import ROOT
from deploy.local.stack import Stack
from deploy.secrets import SERVICES

DEFAULT_URL = "http://localhost:8080"


def main() -> int:
    arguments = _parser().parse_args()
    screen = Terminal()
    stopping = Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    try:
        stack = Stack(
            Path(os.environ.get("MTAS_DATA") or ROOT / ".mtas"),
            os.environ.get("MTAS_PUBLIC_URL") or DEFAULT_URL,
            services=() if arguments.stores_only else SERVICES,
            screen=screen,
            cancel=stopping,
        )
        stack.start()
    except Cancelled:
        return 0
    except ProcessDied as death:
        screen.error(f"{death}; its log ends:", death.log_tail)
        return 1
    except StackError as error:
        screen.error(str(error))
        return 1
    try:
        _show(screen, stack)
        return _watch(screen, stack, stopping)
    finally:
        with screen.step("Stopping"):
            stack.stop()


def _watch(screen: Terminal, stack: Stack, stopping: Event) -> int:
    while not stopping.wait(0.2):
        try:
            stack.check_running()
        except ProcessDied as death:
            screen.error(f"{death}; {stack.log(death.name)} ends:", death.log_tail)
            return 1
    return 0


def _show(screen: Terminal, stack: Stack) -> None:
    url = stack.public_url
    rows = []
    if "gateway" in stack.processes:
        rows += [("Dashboard", f"{url}/dashboard"), ("Gateway", url), ("Issuers", f"{url}/t/{{appId}}")]
        if stack.postgres.query("select 1 from admin.developers limit 1") == []:
            rows.append(
                ("Set-up token", f"{stack.secrets['setup-token']}   (asked for with the first account)")
            )
        rows.append(("Mail that was sent", f"http://localhost:{stack.ports['mailbox']}"))
        rows.append(("Command line", ".venv/bin/mtas --help"))
    else:
        rows += [(name, f"127.0.0.1:{stack.ports[name]}") for name in ("postgres", "valkey", "nats")]
    if stack.tls is not None:
        rows.append(("CA to trust", str(stack.tls.ca)))
    rows += [("Logs", str(stack.folder.logs)), ("Data", str(stack.folder.path))]
    screen.glance("MTAS is running", rows, "Ctrl-C stops all of it; what it holds stays in the data folder.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make run",
        description="Run MTAS on this machine: PostgreSQL, Valkey, NATS, Envoy and the four services.",
        epilog=f"MTAS_PUBLIC_URL: origin and port ({DEFAULT_URL}; https brings a local CA). "
        "MTAS_DATA: the data folder (.mtas). MTAS_LOG_LEVEL and the services' other settings are passed on.",
    )
    parser.add_argument(
        "--stores-only", action="store_true", help="start and migrate the stores, nothing else"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
