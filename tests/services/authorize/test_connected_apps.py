"""Clients of others than the app: consent that is asked for once a scope, and what it gave, taken back."""

from tests.services.authorize.conftest import World, answer
from tests.services.authorize.test_account import family, post_to, revoked, sessions, submit


async def third_party(world: World) -> str:
    client_id = f"{world.slug}-partner"
    await world.seed.client(world.tenant_id, client_id, name="Partner", is_third_party=True)
    return client_id


async def test_a_third_party_is_asked_for_once_a_scope(world: World) -> None:
    partner = await third_party(world)
    person = world.person()
    await person.sign_in()
    consent = await person.get(world.authorize(client_id=partner, scope="openid email"))
    assert "Allow" in consent.text
    assert "code" in answer(await person.submit(consent, {"answer": "allow"}))
    for scope in ("openid email", "openid"):
        assert "code" in answer(await person.http.get(world.authorize(client_id=partner, scope=scope)))
    wider = world.authorize(client_id=partner, scope="openid email profile")
    assert "Allow" in (await person.get(wider)).text
    silent = world.authorize(client_id=partner, scope="openid profile", prompt="none")
    assert answer(await person.http.get(silent))["error"] == "consent_required"


async def test_a_third_party_is_asked_for_once_a_resource(world: World) -> None:
    """What it may do at one API it may not do at the next (RFC 8707 §2)."""
    partner, one, two = f"{world.slug}-partner", "https://one.example/api", "https://two.example/api"
    await world.seed.client(
        world.tenant_id, partner, name="Partner", is_third_party=True, resources=[one, two]
    )
    person = world.person()
    await person.sign_in()
    await person.submit(await person.get(world.authorize(client_id=partner)), {"answer": "allow"})
    for resource in (one, two):
        consent = await person.get(world.authorize(client_id=partner, resource=resource))
        assert resource in consent.text
        assert "code" in answer(await person.submit(consent, {"answer": "allow"}))
    for again in (one, two, None):
        assert "code" in answer(await person.http.get(world.authorize(client_id=partner, resource=again)))


async def test_a_scope_at_one_resource_is_not_one_at_the_next(world: World) -> None:
    """Nor do two consents together allow what neither did."""
    partner, one, two = f"{world.slug}-partner", "https://one.example/api", "https://two.example/api"
    await world.seed.client(
        world.tenant_id, partner, name="Partner", is_third_party=True, resources=[one, two]
    )
    person = world.person()
    await person.sign_in()
    for scope, resource in (("openid email", one), ("openid", two)):
        consent = await person.get(world.authorize(client_id=partner, resource=resource, scope=scope))
        await person.submit(consent, {"answer": "allow"})
    allowed = await person.http.get(world.authorize(client_id=partner, resource=one, scope="openid email"))
    assert "code" in answer(allowed)
    asked = await person.get(world.authorize(client_id=partner, resource=two, scope="openid email"))
    assert two in asked.text


async def test_a_scope_at_a_resource_is_not_one_at_the_app_itself(world: World) -> None:
    """A token for no API is for the app's own: whoever allowed a partner an API has not allowed it that."""
    partner, api = f"{world.slug}-partner", "https://one.example/api"
    await world.seed.client(world.tenant_id, partner, name="Partner", is_third_party=True, resources=[api])
    person = world.person()
    await person.sign_in()
    at_api = world.authorize(client_id=partner, resource=api)
    await person.submit(await person.get(at_api), {"answer": "allow"})
    silent = await person.http.get(world.authorize(client_id=partner, prompt="none"))
    assert answer(silent)["error"] == "consent_required"
    await person.submit(await person.get(world.authorize(client_id=partner)), {"answer": "allow"})
    for allowed in (at_api, world.authorize(client_id=partner)):
        assert "code" in answer(await person.http.get(allowed))


async def test_a_denied_or_anothers_consent_is_none(world: World) -> None:
    partner = await third_party(world)
    await world.add_user("eve@example.com")
    eve, person = world.person(), world.person()
    await eve.sign_in("eve@example.com")
    await eve.submit(await eve.get(world.authorize(client_id=partner)), {"answer": "allow"})
    await person.sign_in()
    consent = await person.get(world.authorize(client_id=partner))
    assert answer(await person.submit(consent, {"answer": "deny"}))["error"] == "access_denied"
    assert "Allow" in (await person.get(world.authorize(client_id=partner))).text


async def test_the_apps_own_client_is_not_asked_for(world: World) -> None:
    person = world.person()
    await person.sign_in()
    assert "code" in answer(await person.http.get(world.authorize()))


async def test_a_disconnected_app_loses_its_grants_and_must_ask_anew(world: World) -> None:
    partner = await third_party(world)
    person = world.person()
    await person.sign_in()
    await person.submit(await person.get(world.authorize(client_id=partner)), {"answer": "allow"})
    (mine,) = await sessions(world)
    gone, kept = await family(world, mine, partner, offline=True), await family(world, mine)
    page = (await person.get(person.path("account/apps"))).text
    assert "Partner" in page
    assert "See your email address" in page
    await submit(person, "account/apps", {"client_id": partner})
    assert await revoked(world) == {gone: "disconnected_by_user", kept: None}
    assert "Partner" not in (await person.get(person.path("account/apps"))).text
    assert "Allow" in (await person.get(world.authorize(client_id=partner))).text


async def test_anothers_grants_are_not_ones_own_to_end(world: World) -> None:
    await world.add_user("eve@example.com")
    eve, person = world.person(), world.person()
    await person.sign_in()
    (mine,) = await sessions(world)
    grant = await family(world, mine)
    await eve.sign_in("eve@example.com")
    await post_to(eve, "account/apps", {"client_id": world.slug})
    assert await revoked(world) == {grant: None}
