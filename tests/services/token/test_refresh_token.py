"""Rotation: exactly once, retryable within the grace, replay ends the family (RFC 9700 §4.14)."""

import asyncio
from uuid import uuid4

import pytest

from shared.oauth.refresh_token import RefreshToken, RefreshTokenKeys
from shared.oauth.types import ClientType
from tests.services.token.conftest import API, CACHE_TTL_S, World
from tests.support.tokens import claims_of


async def test_rotation_gives_a_successor_and_it_works(world: World) -> None:
    first = (await world.sign_in())["refresh_token"]
    rotated = await world.refresh(first)
    assert rotated.status_code == 200
    second = rotated.json()["refresh_token"]
    assert second != first
    assert (await world.refresh(second)).status_code == 200


async def test_a_retry_within_the_grace_gets_the_same_successor(world: World) -> None:
    first = (await world.sign_in())["refresh_token"]
    successor = (await world.refresh(first)).json()["refresh_token"]
    world.clock.advance(9)
    assert (await world.refresh(first)).json()["refresh_token"] == successor


async def test_64_concurrent_refreshes_give_one_successor_and_one_live_leaf(world: World) -> None:
    first = (await world.sign_in())["refresh_token"]
    answers = await asyncio.gather(*(world.refresh(first) for _ in range(64)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    (family,) = await world.families()
    assert family["generation"] == 1
    assert family["revoked_at"] is None


async def test_reuse_after_the_grace_revokes_the_family(world: World) -> None:
    tokens = await world.sign_in()
    successor = (await world.refresh(tokens["refresh_token"])).json()
    world.clock.advance(11)
    replayed = await world.refresh(tokens["refresh_token"])
    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    assert (await world.refresh(successor["refresh_token"])).json()["error"] == "invalid_grant"
    assert not await world.is_active(successor["access_token"])
    (event,) = await world.events()
    assert "refresh_token_reused" in event["data"]


async def test_a_grandparent_revokes_the_family_even_within_the_grace(world: World) -> None:
    first = (await world.sign_in())["refresh_token"]
    second = (await world.refresh(first)).json()["refresh_token"]
    third = (await world.refresh(second)).json()["refresh_token"]
    assert (await world.refresh(first)).json()["error"] == "invalid_grant"
    assert (await world.refresh(third)).json()["error"] == "invalid_grant"


async def test_without_grace_the_second_use_revokes(world: World) -> None:
    strict = f"{world.slug}-strict"
    secret = await world.seed.client(world.tenant_id, strict, refresh_grace_s=0)
    assert secret is not None
    auth = (strict, secret)
    tokens = (await world.redeem(await world.code(client_id=strict), auth=auth)).json()
    answers = await asyncio.gather(*(world.refresh(tokens["refresh_token"], auth=auth) for _ in range(16)))
    assert sum(answer.status_code == 200 for answer in answers) == 1
    (family,) = await world.families()
    assert family["revoked_reason"] == "refresh_token_reused"


async def test_a_database_that_lost_its_tail_is_fast_forwarded(world: World) -> None:
    first = (await world.sign_in())["refresh_token"]
    second = (await world.refresh(first)).json()["refresh_token"]
    third = (await world.refresh(second)).json()["refresh_token"]
    await world.seed.execute("update token.families set generation = 0 where tenant_id = $1", world.tenant_id)
    fourth = await world.refresh(third)
    assert fourth.status_code == 200
    (family,) = await world.families()
    assert family["generation"] == 3


async def test_a_forged_token_never_reaches_the_database(world: World) -> None:
    tokens = await world.sign_in()
    genuine = tokens["refresh_token"]
    forged = genuine[:-2] + ("AA" if not genuine.endswith("AA") else "BA")
    # With the table out of the way, only a token whose MAC holds would be missed.
    await world.seed.execute("alter table token.families rename to families_elsewhere")
    try:
        assert (await world.refresh(forged)).json()["error"] == "invalid_grant"
        assert (await world.refresh(genuine)).status_code == 500
    finally:
        await world.seed.execute("alter table token.families_elsewhere rename to families")
    assert (await world.refresh(genuine)).status_code == 200


async def test_another_clients_token_is_worth_nothing_and_stays_alive(world: World) -> None:
    other = f"{world.slug}-two"
    secret = await world.seed.client(world.tenant_id, other)
    assert secret is not None
    token = (await world.sign_in())["refresh_token"]
    assert (await world.refresh(token, auth=(other, secret))).json()["error"] == "invalid_grant"
    assert (await world.refresh(token)).status_code == 200


async def test_a_token_signed_with_an_unknown_key_is_refused(world: World) -> None:
    keys = RefreshTokenKeys({1: bytes(32)})
    token = keys.issue(RefreshToken(uuid4(), 0), world.tenant_id, world.client_id)
    assert (await world.refresh(token)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("column", "seconds"),
    [pytest.param("idle_expires_at", 0, id="idle"), pytest.param("absolute_expires_at", 0, id="absolute")],
)
async def test_past_its_lifetime_a_token_is_refused(world: World, column: str, seconds: int) -> None:
    token = (await world.sign_in())["refresh_token"]
    await world.seed.execute(
        f"update token.families set {column} = $2 where tenant_id = $1", world.tenant_id, world.clock()
    )
    assert (await world.refresh(token)).json()["error"] == "invalid_grant"


async def test_use_extends_idle_expiry_but_never_past_the_absolute(world: World) -> None:
    token = (await world.sign_in())["refresh_token"]
    for _ in range(3):
        world.clock.advance(13 * 86400)
        answer = await world.refresh(token)
        if answer.status_code != 200:
            break
        token = answer.json()["refresh_token"]
    assert answer.json()["error"] == "invalid_grant"  # 39 days after the grant, with 30 allowed
    (family,) = await world.families()
    assert family["idle_expires_at"] == family["absolute_expires_at"]


async def test_a_disabled_user_gets_no_more_tokens(world: World) -> None:
    token = (await world.sign_in())["refresh_token"]
    await world.seed.execute(
        "update authorize.users set disabled_at = now() where user_id = $1", world.user_id
    )
    assert (await world.refresh(token)).json()["error"] == "invalid_grant"
    (family,) = await world.families()
    assert family["revoked_reason"] == "user_disabled_or_signed_out"


async def test_signing_out_ends_what_is_bound_to_the_session_without_any_event(world: World) -> None:
    session_id = await world.session()
    bound = await world.sign_in(session_id=session_id)
    offline = await world.sign_in(session_id=session_id, scope=("openid", "offline_access"))
    await world.seed.execute(
        "update authorize.sessions set ended_at = now() where session_id = $1", session_id
    )
    assert not await world.is_active(bound["access_token"])
    assert (await world.refresh(bound["refresh_token"])).json()["error"] == "invalid_grant"
    assert await world.is_active(offline["access_token"])
    assert (await world.refresh(offline["refresh_token"])).status_code == 200


async def test_scope_may_be_narrowed_and_not_widened(world: World) -> None:
    token = (await world.sign_in(scope=("openid", "email")))["refresh_token"]
    widened = await world.refresh(token, {"scope": "openid profile"})
    assert widened.json()["error"] == "invalid_scope"
    narrowed = await world.refresh(token, {"scope": "openid"})
    assert narrowed.json()["scope"] == "openid"
    assert (await world.refresh(narrowed.json()["refresh_token"])).json()["scope"] == "openid email"


async def test_id_token_on_refresh_only_by_setting(world: World) -> None:
    assert "id_token" not in (await world.refresh((await world.sign_in())["refresh_token"])).json()
    chatty = f"{world.slug}-chatty"
    secret = await world.seed.client(world.tenant_id, chatty, ClientType.WEB, id_token_on_refresh=True)
    assert secret is not None
    auth = (chatty, secret)
    tokens = (await world.redeem(await world.code(client_id=chatty), auth=auth)).json()
    assert "id_token" in (await world.refresh(tokens["refresh_token"], auth=auth)).json()


async def test_a_refresh_after_revocation_is_refused(world: World) -> None:
    token = (await world.sign_in())["refresh_token"]
    assert (await world.post("revoke", {"token": token})).status_code == 200
    assert (await world.refresh(token)).json()["error"] == "invalid_grant"


async def test_refreshes_racing_a_revocation_leave_nothing_active(world: World) -> None:
    tokens = await world.sign_in()
    *refreshed, revoked = await asyncio.gather(
        *(world.refresh(tokens["refresh_token"]) for _ in range(32)),
        world.post("revoke", {"token": tokens["refresh_token"]}),
    )
    assert revoked.status_code == 200
    for answer in refreshed:
        if answer.status_code == 200:
            assert not await world.is_active(answer.json()["access_token"])
            assert not await world.is_active(answer.json()["refresh_token"])


async def test_what_the_settings_have_no_longer_is_given_no_longer(world: World) -> None:
    """In whatever grant it still stands."""
    plain, for_api = await world.sign_in(), await world.sign_in(resource=API)
    await world.seed.execute(
        "update admin.clients set allowed_scope = '{openid}', resources = '{}' where tenant_id = $1",
        world.tenant_id,
    )
    await asyncio.sleep(CACHE_TTL_S)
    refreshed = (await world.refresh(plain["refresh_token"])).json()
    assert refreshed["scope"] == claims_of(refreshed["access_token"])["scope"] == "openid"
    refused = await world.refresh(for_api["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    code, code_for_api = await world.code(), await world.code(resource=API)
    assert (await world.redeem(code)).json()["scope"] == "openid"
    assert (await world.redeem(code_for_api)).json()["error"] == "invalid_grant"
