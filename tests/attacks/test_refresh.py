"""Refresh tokens: rotated at every use, and a replay ends the family (RFC 9700 §4.14)."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.attacks.outcomes import A, F, T, dead, revocations
from tests.support.at_once import at_once
from tests.support.eventually import eventually
from tests.support.home import Home
from tests.support.product import App
from tests.support.seed import Seed
from tests.support.tokens import family_of


@pytest.fixture(scope="module")
def strict(acme: Home) -> App:
    """A client without grace: a token is spent with its first use."""
    return acme.client("web", refresh_grace_s=0)


def refreshed(home: Home, client: App, tokens: dict[str, Any]) -> dict[str, Any]:
    response = home.product.refresh(client, tokens["refresh_token"])
    assert response.status_code == 200, response.text
    return dict(response.json())


def test_reuse_after_the_grace_ends_the_family(acme: Home, strict: App) -> None:
    first = acme.tokens(strict)
    second = refreshed(acme, strict, first)
    third = refreshed(acme, strict, second)
    reused = acme.product.refresh(strict, second["refresh_token"])
    F(acme.product, strict, reused, third["access_token"], "refresh_token_reused")
    T(acme.product.refresh(strict, third["refresh_token"]), "invalid_grant")


def test_a_grandparent_ends_the_family_even_within_the_grace(acme: Home) -> None:
    first = acme.tokens()
    third = refreshed(acme, acme.web, refreshed(acme, acme.web, first))
    reused = acme.product.refresh(acme.web, first["refresh_token"])
    F(acme.product, acme.web, reused, third["access_token"], "refresh_token_reused")
    T(acme.product.refresh(acme.web, third["refresh_token"]), "invalid_grant")


def test_a_public_clients_replay_ends_its_family_too(acme: Home) -> None:
    spa = acme.client("spa", refresh_grace_s=0)
    first = acme.tokens(spa, scope="openid offline_access")
    second = refreshed(acme, spa, first)
    reused = acme.product.refresh(spa, first["refresh_token"])
    F(acme.product, spa, reused, second["access_token"], "refresh_token_reused")


async def test_64_at_once_within_the_grace_get_the_same_successor(acme: Home) -> None:
    tokens = acme.tokens()

    async def refresh(http: httpx2.AsyncClient) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        return await http.post(f"{acme.issuer}/token", data=form, **acme.web.credentials)

    answers = await at_once(64, refresh)
    assert [answer.status_code for answer in answers] == [200] * 64
    (successor,) = {answer.json()["refresh_token"] for answer in answers}
    assert refreshed(acme, acme.web, {"refresh_token": successor})["refresh_token"] != successor
    assert acme.product.is_active(acme.web, answers[0].json()["access_token"])


async def test_without_grace_one_of_many_at_once_wins_and_the_family_ends(acme: Home, strict: App) -> None:
    tokens = acme.tokens(strict)

    async def refresh(http: httpx2.AsyncClient) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        return await http.post(f"{acme.issuer}/token", data=form, **strict.credentials)

    answers = await at_once(16, refresh)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 15
    (winner,) = [answer for answer in answers if answer.status_code == 200]
    dead(acme.product, strict, winner.json()["access_token"])
    T(acme.product.refresh(strict, winner.json()["refresh_token"]), "invalid_grant")


async def test_after_a_revocations_200_nothing_is_active(acme: Home) -> None:
    """Refreshes that race it may win; what they won is dead by then (RFC 7009 §2.2)."""
    tokens = acme.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    async with httpx2.AsyncClient(timeout=60) as http:

        async def refresh() -> httpx2.Response:
            return await http.post(f"{acme.issuer}/token", data=form, **acme.web.credentials)

        async def revoke() -> list[httpx2.Response]:
            ended = await http.post(
                f"{acme.issuer}/revoke", data={"token": tokens["refresh_token"]}, **acme.web.credentials
            )
            assert ended.status_code == 200
            return [await refresh()]

        *raced, after = await asyncio.gather(*(refresh() for _ in range(20)), revoke())
    assert isinstance(after, list)
    T(after[0], "invalid_grant")
    won = [answer.json() for answer in raced if isinstance(answer, httpx2.Response) and answer.is_success]
    for answer in [tokens, *won]:
        dead(acme.product, acme.web, answer["access_token"])
        T(acme.product.refresh(acme.web, answer["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("thief", ["spa", "native", "web"])
def test_another_clients_token_is_worth_nothing(acme: Home, thief: str) -> None:
    """And harms nobody: who steals a token cannot even end the family with it."""
    victim = acme.client("web")
    tokens = acme.tokens(victim)
    T(acme.product.refresh(getattr(acme, thief), tokens["refresh_token"]), "invalid_grant")
    refreshed(acme, victim, tokens)


def test_without_authentication_nothing_is_consumed(acme: Home, strict: App) -> None:
    tokens = acme.tokens(strict)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": strict.client_id,
    }
    A(acme.product.http.post(f"{acme.issuer}/token", data=form))
    A(acme.product.refresh(strict, tokens["refresh_token"], auth=(strict.client_id, "mtas_cs_wrong")))
    refreshed(acme, strict, tokens)


def test_a_disabled_users_grants_are_void_for_good(acme: Home) -> None:
    email, user_id = acme.product.create_user(acme.web)
    with acme.visitor() as browser:
        answer, verifier = acme.product.sign_in(browser, acme.web, email, scope="openid offline_access")
    tokens = acme.product.redeem(acme.web, answer["code"], verifier).json()
    path = f"/apps/{acme.slug}/users/{user_id}"
    assert acme.product.api("POST", f"{path}/disable").status_code == 200
    dead(acme.product, acme.web, tokens["access_token"])
    T(acme.product.refresh(acme.web, tokens["refresh_token"]), "invalid_grant")
    assert acme.product.api("POST", f"{path}/enable").status_code == 200
    T(acme.product.refresh(acme.web, tokens["refresh_token"]), "invalid_grant")
    dead(acme.product, acme.web, tokens["access_token"])


def test_a_disabled_client_gets_nothing(acme: Home) -> None:
    client = acme.client("web")
    tokens = acme.tokens(client)
    acme.product.configure(client, disabled=True)
    A(
        eventually(
            lambda: (
                refused
                if (refused := acme.product.refresh(client, tokens["refresh_token"])).status_code != 200
                else None
            )
        )
    )


def test_signing_out_ends_what_was_not_meant_to_outlive_it(acme: Home) -> None:
    """OpenID Connect Core §11: without offline_access, the grant is the session's."""
    email, _ = acme.product.create_user(acme.web)
    kept: dict[str, Any] = {}
    ended: dict[str, Any] = {}
    with acme.visitor() as browser:
        for scope, tokens in (("openid", ended), ("openid offline_access", kept)):
            answer, verifier = acme.product.sign_in(browser, acme.web, email, scope=scope)
            tokens |= acme.product.redeem(acme.web, answer["code"], verifier).json()
        browser.http.get(f"{acme.issuer}/logout", params={"id_token_hint": kept["id_token"]})
    eventually(lambda: not acme.product.is_active(acme.web, ended["access_token"]))
    T(acme.product.refresh(acme.web, ended["refresh_token"]), "invalid_grant")
    refreshed(acme, acme.web, kept)


@pytest.mark.parametrize("limit", ["idle_expires_at", "absolute_expires_at"])
async def test_past_its_lifetime_a_token_is_worth_nothing(acme: Home, truth: Seed, limit: str) -> None:
    tokens = acme.tokens()
    await truth.execute(
        f"update token.families set {limit} = now() - interval '1 second' where family_id = $1",
        family_of(tokens["access_token"]),
    )
    T(acme.product.refresh(acme.web, tokens["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), id="MAC"),
        pytest.param(lambda token: token[:20] + ("A" if token[20] != "A" else "B") + token[21:], id="family"),
        pytest.param(lambda token: token[:-10], id="truncated"),
        pytest.param(lambda token: token + "A", id="longer"),
        pytest.param(lambda token: token + "=", id="padded"),
        pytest.param(lambda token: token.removeprefix("mtas_rt_"), id="no prefix"),
        pytest.param(lambda token: "mtas_rt_" + token, id="prefix twice"),
        pytest.param(lambda token: token[:8] + "_" * 72, id="nonsense"),
        pytest.param(lambda token: token + "é", id="not ASCII"),
    ],
)
def test_a_forged_token_is_refused_and_harms_nothing(acme: Home, forge: Any) -> None:
    tokens = acme.tokens()
    T(acme.product.refresh(acme.web, forge(tokens["refresh_token"])), "invalid_grant")
    refreshed(acme, acme.web, tokens)
    assert revocations(acme.product, acme.web, tokens["access_token"]) == []


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_no_other_token_refreshes(acme: Home, kind: str) -> None:
    T(acme.product.refresh(acme.web, acme.tokens()[kind]), "invalid_grant")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"scope": "openid email profile offline_access"}, "invalid_scope"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://evil.example"}, "invalid_target"),
    ],
    ids=["more scope", "unknown scope", "another resource"],
)
def test_a_refresh_widens_nothing_and_the_token_stays_good(
    acme: Home, strict: App, more: dict[str, str], error: str
) -> None:
    tokens = acme.tokens(strict, scope="openid email")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]} | more
    T(acme.product.token(strict, form), error)
    refreshed(acme, strict, tokens)
