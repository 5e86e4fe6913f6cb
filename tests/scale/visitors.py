"""Rolling load, and beside it a user who signs in with a password, gets tokens and gives them back."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import httpx2

from tests.chaos.rolling import Rolling
from tests.support.product import App, Product

PAUSE_S: Final = 1.0  # one address may sign in about once a second
_REQUESTS: Final = 6  # of one visit: page, password, code, tokens, revocation, a look


class Visited(Rolling):
    """Through the first gateway alone."""

    def _more_lanes(self, product: Product, app: App) -> Sequence[Coroutine[Any, Any, None]]:
        return (self._visits(product, app),)

    async def _visits(self, product: Product, app: App) -> None:
        email, _ = await asyncio.to_thread(product.create_user, app)
        while not self._over:
            try:
                await asyncio.to_thread(_visit, product, app, email)
            except (AssertionError, KeyError, httpx2.HTTPError) as error:
                self.result.words[f"a visit: {error}"[:100]] += 1
            self.result.requests += _REQUESTS
            await asyncio.sleep(PAUSE_S)


def _visit(product: Product, app: App, email: str) -> None:
    with product.browser() as browser:
        answer, verifier = product.sign_in(browser, app, email)
    response = product.redeem(app, answer["code"], verifier)
    assert response.status_code == 200, response.text
    tokens = response.json()
    assert product.ask(app, "revoke", {"token": tokens["refresh_token"]}).status_code == 200
    assert not product.is_active(app, tokens["access_token"]), "what was revoked is active"
