"""`make first-user`: from nothing to an app's first user, whose token is verified, by script and with times.

On servers of its own, as `make run` starts them. Exit codes: 0 done · 1 it went otherwise · 130 Ctrl-C.
"""

import html
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from deploy.local.stack import Stack
from tests.support.browser import Browser, answer_at, forms
from tests.support.product import CALLBACK, PASSWORD, App, Product, pkce
from tests.support.seed import some_slug
from tests.support.tokens import verified

EMAIL = "grace@example.com"
Step: TypeAlias = Callable[[str], None]


def walk(product: Product, done: Step = lambda _: None) -> dict[str, Any]:
    """What a developer and their first user do, page by page. Returns the claims of the access token."""
    with product.developer() as developer:
        done("the developer has an account, with the set-up token")
        app = register(developer, product)
    done("the app is registered at the dashboard")
    verifier, challenge = pkce()
    with product.browser() as user:
        code = sign_up(user, app, challenge)["code"]
    done("its first user has signed up on the hosted pages")
    tokens = product.redeem(app, code, verifier)
    assert tokens.status_code == 200, tokens.text
    claims = verified(product, app, tokens.json()["access_token"])
    done("the code is exchanged, and the token verified against the JWKS")
    return claims


def register(developer: Browser, product: Product) -> App:
    """By the dashboard's form; the secret stands on the page that follows, in its .env."""
    page = developer.get("/dashboard/register-app")
    there = [form.action for form in forms(page)].index("/dashboard/register-app")
    wanted = {"name": "First App", "app_id": some_slug("first"), "redirect_uris": CALLBACK}
    page = developer.submit(page, wanted, form=there)
    env = dict(re.findall(r"\b(MTAS_\w+)=([^\s<]+)", page.text))
    return App(
        product.origin, wanted["app_id"], env["MTAS_ISSUER"], env["MTAS_APP_ID"], env["MTAS_APP_SECRET"]
    )


def sign_up(user: Browser, app: App, challenge: str) -> dict[str, str]:
    """From the app's link to its callback, by way of "Create an account"."""
    page = user.get(app.authorize_url(challenge))
    link = re.search(r'href="([^"]*/signup[^"]*)"', page.text)
    assert link is not None, page.text
    page = user.get(html.unescape(link[1]))
    return answer_at(user.submit(page, {"email": EMAIL, "password": PASSWORD}))


@contextmanager
def running() -> Iterator[Product]:
    with (
        tempfile.TemporaryDirectory(prefix="mtas-first-user-") as folder,
        Stack(Path(folder) / "data", spare_ports=True) as stack,
    ):
        product = Product(stack)
        yield product
        product.close()


def main() -> int:
    began = time.monotonic()

    def done(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)

    try:
        with running() as product:
            done("MTAS runs: stores, services and gateway, from an empty folder")
            walk(product, done)
    except AssertionError as error:
        print(f"not as it should be: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
