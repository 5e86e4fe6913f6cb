"""Redeeming a code (RFC 6749 §4.1.3, RFC 7636 §4.6), over HTTP."""

import asyncio
from datetime import timedelta

import pytest

from shared.oauth.authorization_code import code_key
from shared.oauth.types import ClientType
from tests.services.token.conftest import CACHE_TTL_S, REDIRECT_URI, VERIFIER, World, seed_key


async def test_a_code_gives_tokens_for_its_user(world: World) -> None:
    response = await world.redeem(await world.code())
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert answer["token_type"] == "Bearer"
    assert answer["scope"] == "openid email"
    assert answer.keys() >= {"access_token", "refresh_token", "id_token", "expires_in"}
    assert await world.is_active(answer["access_token"])


async def test_reused_code_revokes_its_family(world: World) -> None:
    code = await world.code()
    tokens = (await world.redeem(code)).json()
    again = await world.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert not await world.is_active(tokens["access_token"])
    assert (await world.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    (event,) = await world.events()
    assert event["type"] == "family.revoked"
    assert "code_reused" in event["data"]


async def test_code_is_single_use_even_when_valkey_brings_it_back(world: World) -> None:
    code = await world.code()
    key = code_key(world.tenant_id, code)
    packed = await world.reader.get(key)
    assert (await world.redeem(code)).status_code == 200
    await world.valkey.set(key, packed or b"")
    again = await world.redeem(code)
    assert again.json()["error"] == "invalid_grant"
    (family,) = await world.families()
    assert family["revoked_reason"] == "code_reused"


async def test_64_concurrent_exchanges_give_one_family(world: World) -> None:
    code = await world.code()
    answers = await asyncio.gather(*(world.redeem(code) for _ in range(64)))
    assert sum(answer.status_code == 200 for answer in answers) <= 1
    assert {answer.json()["error"] for answer in answers if answer.status_code != 200} == {"invalid_grant"}
    assert len(await world.families()) == 1


@pytest.mark.parametrize(
    ("form", "description"),
    [
        pytest.param({"code_verifier": ""}, "code_verifier", id="missing verifier, RFC 7636 §4.6"),
        pytest.param({"code_verifier": "x" * 43}, "code_verifier", id="wrong verifier, RFC 7636 §4.6"),
        pytest.param({"code_verifier": VERIFIER[:-1]}, "code_verifier", id="truncated verifier"),
        pytest.param(
            {"redirect_uri": REDIRECT_URI + "/"}, "redirect_uri", id="other redirect_uri, RFC 6749 §4.1.3"
        ),
    ],
)
async def test_a_wrong_request_burns_the_code(world: World, form: dict[str, str], description: str) -> None:
    code = await world.code()
    refused = await world.redeem(code, form)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert description in refused.json()["error_description"]
    (family,) = await world.families()
    assert (family["revoked_reason"], family["revoked_at"]) == (description, family["created_at"]), (
        "born revoked"
    )
    assert (await world.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_burned_code_stays_burned_when_valkey_brings_it_back(world: World) -> None:
    code = await world.code()
    packed = await world.reader.get(code_key(world.tenant_id, code))
    await world.redeem(code, {"code_verifier": "x" * 43})
    await world.valkey.set(code_key(world.tenant_id, code), packed or b"")
    assert (await world.redeem(code)).json()["error"] == "invalid_grant"


async def exempt_from_pkce(world: World) -> None:
    await world.seed.execute(
        "update admin.clients set pkce_required = false where tenant_id = $1", world.tenant_id
    )


async def test_verifier_where_no_challenge_was_stored_is_refused(world: World) -> None:
    await exempt_from_pkce(world)
    code = await world.code(code_challenge=None)
    assert (await world.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_code_without_a_challenge_is_for_who_is_still_exempt(world: World) -> None:
    """Its user may have been asked for half an hour, from before PKCE was required."""
    code = await world.code(code_challenge=None)
    refused = (await world.redeem(code, {"code_verifier": ""})).json()
    assert (refused["error"], "code_challenge" in refused["error_description"]) == ("invalid_grant", True)
    await exempt_from_pkce(world)
    await asyncio.sleep(CACHE_TTL_S + 0.1)
    code = await world.code(code_challenge=None)
    assert (await world.redeem(code, {"code_verifier": ""})).status_code == 200


async def test_another_clients_code_is_refused_and_burned(world: World) -> None:
    other = f"{world.slug}-two"
    secret = await world.seed.client(world.tenant_id, other)
    assert secret is not None
    code = await world.code()
    assert (await world.redeem(code, auth=(other, secret))).json()["error"] == "invalid_grant"
    assert (await world.redeem(code)).json()["error"] == "invalid_grant"


async def test_an_expired_code_is_refused(world: World) -> None:
    code = await world.code(expires_at=world.clock() - timedelta(seconds=1))
    assert (await world.redeem(code)).json()["error"] == "invalid_grant"


async def test_every_truncated_code_is_refused_and_harms_nothing(world: World) -> None:
    code = await world.code()
    for length in range(1, len(code)):
        refused = await world.redeem(code[:length])
        assert refused.json()["error"] == "invalid_grant"
    assert (await world.redeem(code)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("disabled_at = $2", id="disabled"),
        pytest.param("grants_valid_from = $2", id="signed out everywhere"),
    ],
)
async def test_a_user_who_may_no_longer_sign_in_gets_no_token(world: World, change: str) -> None:
    code = await world.code()
    later = world.clock() + timedelta(seconds=1)  # by a clock that other tests have turned
    await world.seed.execute(f"update authorize.users set {change} where user_id = $1", world.user_id, later)
    assert (await world.redeem(code)).json()["error"] == "invalid_grant"
    (family,) = await world.families()
    assert family["revoked_reason"] == "user_disabled_or_signed_out"


@pytest.mark.parametrize("scope", [("openid",), ("openid", "offline_access")], ids=" ".join)
async def test_a_code_from_a_session_that_has_ended_gives_nothing(
    world: World, scope: tuple[str, ...]
) -> None:
    """Not offline either: who ends other sessions ends what a stranger holds of them."""
    code = await world.code(session_id=await world.session(ended=True), scope=scope)
    assert (await world.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_code_from_before_its_client_was_disconnected_gives_nothing(world: World) -> None:
    other = f"{world.slug}-spa"
    await world.seed.client(world.tenant_id, other, ClientType.SPA)
    now = world.clock()
    before = {"scope": ("openid", "offline_access"), "issued_at": now}
    held, of_another = await world.code(**before), await world.code(client_id=other, **before)
    after = await world.code(issued_at=now + timedelta(seconds=2))
    await world.sign_in()
    await world.seed.execute(
        "update token.families set revoked_at = $2, revoked_reason = 'disconnected_by_user'"
        " where tenant_id = $1",
        world.tenant_id,
        now + timedelta(seconds=1),
    )
    assert (await world.redeem(held)).json()["error"] == "invalid_grant"
    assert (await world.redeem(of_another, {"client_id": other}, auth=None)).status_code == 200
    assert (await world.redeem(after)).status_code == 200


async def test_without_a_signing_key_the_code_is_not_consumed(world: World) -> None:
    code = await world.code()
    await world.seed.execute(
        "update admin.tenants set signing_alg = 'ES256' where tenant_id = $1", world.tenant_id
    )
    await world.seed.execute("delete from jwks.signing_keys where tenant_id = $1", world.tenant_id)
    away = await world.redeem(code)
    assert (away.status_code, away.json()["error"]) == (503, "temporarily_unavailable")
    assert "retry-after" in away.headers
    await seed_key(world.seed, world.sealer, world.tenant_id, "ES256")
    await asyncio.sleep(1.1)  # a missing key is looked for again after a second
    assert (await world.redeem(code)).status_code == 200


async def test_failed_authentication_does_not_consume_the_code(world: World) -> None:
    code = await world.code()
    assert (await world.redeem(code, auth=(world.client_id, "wrong"))).status_code == 401
    assert (await world.redeem(code)).status_code == 200


async def test_refresh_token_comes_with_offline_access_or_by_setting(world: World) -> None:
    spa = f"{world.slug}-spa"
    await world.seed.client(world.tenant_id, spa, ClientType.SPA)
    without = await world.redeem(await world.code(client_id=spa), {"client_id": spa}, auth=None)
    assert "refresh_token" not in without.json()
    offline = await world.code(client_id=spa, scope=("openid", "offline_access"))
    assert "refresh_token" in (await world.redeem(offline, {"client_id": spa}, auth=None)).json()


async def test_no_id_token_without_openid(world: World) -> None:
    assert "id_token" not in await world.sign_in(scope=("email",))
