"""What holds unless somebody changes it: lifetimes, PKCE, grace, key rotation."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.admin.flows import confirm_identity, sessions
from services.jwks.settings import Settings as JwksSettings
from shared.limits import Tries
from shared.passwords import MAX_LENGTH, MIN_LENGTH
from shared.settings import CommonSettings
from tests.support.product import Product

DAY = 86_400
APP = {
    "code_ttl_s": 60,
    "access_token_ttl_s": 600,
    "id_token_ttl_s": 600,
    "refresh_idle_ttl_s": 14 * DAY,
    "refresh_absolute_ttl_s": 30 * DAY,
    "session_idle_ttl_s": DAY,
    "session_absolute_ttl_s": 30 * DAY,
    "signing_alg": "RS256",
}
CLIENT = {"pkce_required": True, "refresh_grace_s": 10, "is_third_party": False, "id_token_on_refresh": False}


def test_an_app_begins_with_these_lifetimes(product: Product) -> None:
    app = product.register_app()
    shown = product.api("GET", f"/apps/{app.app_id}").json()
    assert {name: shown[name] for name in APP} == APP
    client = product.api("GET", f"/apps/{app.app_id}/clients/{app.client_id}").json()
    assert {name: client[name] for name in CLIENT} == CLIENT


def test_a_key_is_published_a_day_before_it_signs(product: Product) -> None:
    app = product.register_app()
    rotated = product.api("POST", f"/apps/{app.app_id}/signing-keys/rotate", json={}).json()
    keys = product.api("GET", f"/apps/{app.app_id}/signing-keys").json()["items"]
    (pending,) = [key for key in keys if key["kid"] == rotated["kid"]]
    lead = at(pending, "activates_at") - at(pending, "created_at")
    assert timedelta(hours=24) <= lead < timedelta(hours=25)
    assert default(JwksSettings, "key_rotation_s") == 90 * DAY


def test_the_dashboard_asks_again_soon() -> None:
    ends = {"idle": sessions.IDLE, "absolute": sessions.ABSOLUTE, "step-up": confirm_identity.FRESH}
    assert ends == {
        "idle": timedelta(hours=1),
        "absolute": timedelta(days=1),
        "step-up": timedelta(minutes=10),
    }


def test_passwords_are_long_and_guesses_few() -> None:
    assert [MIN_LENGTH, MAX_LENGTH, Tries().free, Tries().stop] == [15, 256, 5, 100]


def at(key: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(key[name])


def default(settings: type[CommonSettings], name: str) -> Any:
    (field,) = [field for field in msgspec.structs.fields(settings) if field.name == name]
    return field.default
