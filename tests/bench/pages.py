"""`make bench-pages`: how long the dashboard's pages take at the server when an app has grown.

On servers of its own: one app with many users and a long audit log, and a developer with many apps. Each
page is asked for at the admin service itself, one request after another: first once, after PostgreSQL and
the service were started anew, then as often as wanted.

Exit codes: 0 measured · 1 a page was not answered · 2 wrong usage · 3 a page is slower than the target.
"""

import argparse
import asyncio
import html
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import asyncpg
import httpx2
import msgspec
from rich.console import Console
from rich.table import Table

from deploy.local.services import ROOT
from deploy.local.stack import Stack
from services.admin.routes.dashboard.router import PREFIX, TOPICS
from tests.bench import machine
from tests.bench.results import percentile
from tests.support.browser import Browser
from tests.support.product import PASSWORD, App, Product

DOCUMENT: Final = ROOT / "docs" / "benchmarks-pages.md"
TARGET_MS: Final = 100.0
NOT_MEASURED: Final = (
    *("/sign-in", "/sign-up", "/join"),  # for who is not signed in
    "/apps",  # leads to the home page
    "/apps/{app_id:str}/audit-log/export",  # a file, as long as the log
)
_NEXT: Final = re.compile(r'href="([^"]+)" rel="next"')
_SEED: Final = Path(__file__).with_name("pages.sql")


class Size(msgspec.Struct, frozen=True):
    """Of what is measured with."""

    users: int = 100_000
    apps: int = 1_000
    entries: int = 1_000_000


class Timing(msgspec.Struct, frozen=True):
    """Of one page, in milliseconds; `kib` is how much it is."""

    page: str
    cold: float
    median: float
    p99: float
    kib: float


class PageError(Exception):
    """A page was not what it should be."""


async def seed(product: Product, app: App, developer_email: str, size: Size) -> None:
    """Rows as the services would have written them. Raises: asyncpg.PostgresError."""
    connection = await asyncpg.connect(product.stack.postgres.superuser_url)
    try:
        for statement in _SEED.read_text().split(";\n\n"):
            numbered = statement
            values: list[object] = []
            for name, value in (
                (":slug", app.app_id),
                (":email", developer_email),
                (":origin", product.origin),
                (":users", size.users),
                (":apps", size.apps),
                (":entries", size.entries),
            ):
                if name in numbered:
                    values.append(value)
                    numbered = numbered.replace(name, f"${len(values)}")
            await connection.execute(numbered, *values)
        while await connection.fetchval(
            "select exists (select from admin.tenants t where not exists"
            " (select from jwks.signing_keys k where k.tenant_id = t.tenant_id))"
        ):
            await asyncio.sleep(0.5)  # the jwks service makes every app its key
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


def join(product: Product, app: App) -> tuple[str, str, Browser]:
    """A developer who is no operator, with one app so far: the address, the id and the browser."""
    email = "owner@example.com"
    body = {"email": email, "role": "owner", "deliver": "link"}
    link = product.api("POST", f"/apps/{app.app_id}/invitations", json=body).json()["link"]
    browser = product.browser()
    browser.submit(browser.get(f"/dashboard/join?{link.partition('?')[2]}"), {"password": PASSWORD})
    members = product.api("GET", f"/apps/{app.app_id}/members").json()["items"]
    return email, str(members[0]["developer_id"]), browser


def pages(values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each page's name and address: all that the router has, and the lists as they are searched."""
    for topic in TOPICS:
        for handler in topic.ROUTES:
            for path in sorted(handler.paths):
                if "GET" in handler.http_methods and path not in NOT_MEASURED:
                    name = re.sub(r":\w+", "", PREFIX + path).rstrip("/")
                    yield name, _fill(name, values)
    here = PREFIX + "/apps/{app_id}"
    for name in (
        here + "/users?search=example.com",
        here + "/users?search=user-77777@",
        here + "/users?search=nobody",
        here + "/audit-log?type=user.disabled",
        here + "/audit-log?type=tenant.disabled",
        here + "/audit-log?subject={user_id}",
        here + "/audit-log?actor=nobody",
        here + "/audit-log?since=2026-01-01&until=2026-06-01",
    ):
        yield name, _fill(name, values)


def _fill(path: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda braces: values[braces[1]], path)


def measure(
    http: httpx2.Client, wanted: list[tuple[str, str]], rounds: int, restart: Callable[[], None]
) -> list[Timing]:
    """Raises: PageError."""
    restart()
    cold = {name: _ask(http, address) for name, address in wanted}
    timings = []
    for name, address in wanted:
        taken = [_ask(http, address)[0] for _ in range(rounds)]
        first, size = cold[name]
        figures = (first, percentile(taken, 0.5), percentile(taken, 0.99), size / 1024)
        timings.append(Timing(name, *(round(figure, 1) for figure in figures)))
    return timings


def _ask(http: httpx2.Client, address: str) -> tuple[float, int]:
    """Milliseconds until the whole page was there, and its bytes. Raises: PageError."""
    began = time.perf_counter()
    response = http.get(address)
    taken = (time.perf_counter() - began) * 1000
    expected = (200, 422) if "app-id" in address else (200,)
    if response.status_code not in expected:
        raise PageError(f"{address} answers {response.status_code}: {response.text[-300:]}")
    return taken, len(response.content)


def run(size: Size, rounds: int, say: Callable[[str], None]) -> list[Timing]:
    with (
        tempfile.TemporaryDirectory(prefix="mtas-bench-pages-") as folder,
        Stack(Path(folder) / "data", spare_ports=True) as stack,
    ):
        product = Product(stack)
        with product.developer():
            app = product.register_app("page-0001", name="App 1", signing_alg="ES256")
        email, developer_id, browser = join(product, app)
        user_id = product.create_user(app, name="Ada Lovelace")[1]
        for _ in range(3):
            with product.browser() as user:
                user.submit(
                    user.get(f"/t/{app.app_id}/login"), {"email": "ada@example.com", "password": PASSWORD}
                )
        say(f"writes {size.apps:,} apps, {size.users:,} users and {size.entries:,} entries of the audit log")
        asyncio.run(seed(product, app, email, size))
        values = {
            "app_id": app.app_id,
            "client_id": app.client_id,
            "user_id": user_id,
            "developer_id": developer_id,
        }
        wanted = list(pages(values))
        cookies = {cookie.name: cookie.value or "" for cookie in browser.http.cookies.jar}
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())

        def restart() -> None:
            stack.restart("postgres")
            stack.restart("admin")

        def following(http: httpx2.Client) -> Iterator[tuple[str, str]]:
            here = f"{PREFIX}/apps/{app.app_id}"
            for address in (PREFIX, f"{here}/users", f"{here}/audit-log"):
                if link := _NEXT.search(http.get(address).text):
                    yield address.replace(app.app_id, "{app_id}") + ", page 2", html.unescape(link[1])

        at = f"http://127.0.0.1:{stack.ports['admin']}"
        with httpx2.Client(base_url=at, headers={"Cookie": header}, timeout=60) as http:
            wanted += following(http)
            say(f"measures {len(wanted)} pages, each once and {rounds} times")
            return measure(http, wanted, rounds, restart)


def markdown(timings: list[Timing], size: Size, rounds: int) -> str:
    about = machine.describe()
    slowest = max(timings, key=lambda each: each.p99)
    coldest = max(timings, key=lambda each: each.cold)
    rows = "".join(
        f"| `{each.page}` | {each.median} | {each.p99} | {each.cold} | {each.kib} |\n" for each in timings
    )
    return f"""# The dashboard's pages, when an app has grown

Written by `make bench-pages`. One app with {size.users:,} users and {size.entries:,} entries in its audit
log; a developer, no operator, with {size.apps:,} apps. Milliseconds at the admin service itself, one request
after another, {rounds} of each page; *cold* is the first one, after PostgreSQL and the service were started
anew. The target is {TARGET_MS:g} ms.

- slowest: `{slowest.page}`, with a p99 of {slowest.p99} ms
- slowest when cold: `{coldest.page}`, with {coldest.cold} ms

Measured on {about["processor"]}, {about["cores"]} cores, {about["system"]}, PostgreSQL {about["postgresql"]},
at {about["mtas"]}.

| page | median | p99 | cold | KiB |
|---|--:|--:|--:|--:|
{rows}"""


def show(timings: list[Timing], console: Console) -> None:
    table = Table("page", *("median ms", "p99 ms", "cold ms", "KiB"))
    for each in timings:
        style = "red" if max(each.p99, each.cold) >= TARGET_MS else ""
        table.add_row(
            each.page, *(str(value) for value in (each.median, each.p99, each.cold, each.kib)), style=style
        )
    console.print(table)


def main() -> int:
    arguments = _parser().parse_args()
    size = Size(arguments.users, arguments.apps, arguments.entries)
    progress = Console(stderr=True, highlight=False)
    began = time.monotonic()

    def say(text: str) -> None:
        progress.print(f"[dim]{time.monotonic() - began:6.0f} s[/]  {text}")

    say("starts servers of its own; leave the machine alone meanwhile")
    try:
        timings = run(size, arguments.rounds, say)
    except PageError as error:
        progress.print(f"[red]✗[/] {error}", markup=True)
        return 1
    except KeyboardInterrupt:
        return 130
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(timings), indent=2).decode())
    else:
        show(timings, Console(highlight=False, width=140))
    if arguments.write:
        DOCUMENT.write_text(markdown(timings, size, arguments.rounds))
        say(f"written: {DOCUMENT.relative_to(ROOT)}")
    return 3 if max(each.median for each in timings) >= TARGET_MS else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.pages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--users", type=int, default=Size().users, metavar="N", help="%(default)s")
    parser.add_argument("--apps", type=int, default=Size().apps, metavar="N", help="%(default)s")
    parser.add_argument("--entries", type=int, default=Size().entries, metavar="N", help="%(default)s")
    parser.add_argument("--rounds", type=int, default=50, metavar="N", help="of each page: %(default)s")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, on standard output")
    parser.add_argument("--write", action="store_true", help=f"{DOCUMENT.relative_to(ROOT)} too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
