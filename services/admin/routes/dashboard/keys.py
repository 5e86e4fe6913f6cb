"""Signing keys of an app: their states and what comes next, who has fetched the next, rotate, choose."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from litestar import Response, get, post

from services.admin.flows.access import Principal, Right
from services.admin.flows.confirm_identity import ConfirmationNeeded, is_fresh
from services.admin.flows.context import Context
from services.admin.flows.refused import Checks, Invalid, Refused
from services.admin.flows.signing_keys import (
    RotateSigningKeys,
    ShownKeys,
    UpdateKeySettings,
    key_schedule,
    rotate_signing_keys,
    show_signing_keys,
    update_key_settings,
)
from services.admin.jwks_api import KeySchedule
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal
from services.admin.store.keys import SigningKey

_KEYS = "/apps/{app_id:str}/keys"
CAUSES: Final = {
    "key_compromise": "A key has leaked",
    "suspected_compromise": "A key may have leaked",
    "exercise": "This is an exercise",
    "other": "Something else",
}
ALGS: Final = {
    "RS256": "RS256 (RSA): every library verifies it",
    "ES256": "ES256 (EC, P-256): shorter and quicker",
}
BITS: Final = ("2048", "3072", "4096")


class Verifier(msgspec.Struct, frozen=True, kw_only=True):
    """Who fetches the JWKS, as they call themselves; and since when they have the next key."""

    name: str
    last_at: datetime
    has_next_since: datetime | None


class KeyCard(msgspec.Struct, frozen=True, kw_only=True):
    """A key with the date of what comes next: null when nothing does, or when we cannot tell."""

    key: SigningKey
    since: datetime
    next_at: datetime | None


@get(_KEYS)
async def show(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    done: Done = None,
) -> Response[Any]:
    shown = await show_signing_keys(context, principal, app_id)
    schedule = await key_schedule(context)
    cards = [_card(key, shown, schedule) for key in shown.keys]
    return page(
        visit,
        "keys.html",
        done=done,
        app=shown.app,
        rights=shown.rights,
        settings=shown.settings,
        published=sorted(
            (card for card in cards if card.key.state != "retired"), key=lambda card: _ORDER[card.key.state]
        ),
        gone=[card for card in cards if card.key.state == "retired"],
        pending=next((key for key in shown.keys if key.state == "pending"), None),
        verifiers=_verifiers(shown),
        section="keys",
    )


@get(_KEYS + "/rotate")
async def show_rotate(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    return await _form_page(context, visit, principal, app_id, "rotate_key.html")


@post(_KEYS + "/rotate")
async def rotate(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    wanted = RotateSigningKeys(wait_observed=visit.form.ticked("wait_observed"))
    try:
        await rotate_signing_keys(context, await visit.confirmed(context), app_id, wanted)
    except (Invalid, ConfirmationNeeded) as refusal:
        return await _form_page(context, visit, principal, app_id, "rotate_key.html", refusal)
    return see_other(visit, f"/dashboard/apps/{app_id}/keys?done=key-published")


@get(_KEYS + "/emergency")
async def show_emergency(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    return await _form_page(context, visit, principal, app_id, "withdraw_keys.html")


@post(_KEYS + "/emergency")
async def emergency(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    try:
        cause = next((cause for cause in CAUSES if cause == visit.form.text("reason")), None)
        checks = Checks()
        if cause is None:
            checks.add("reason", "Choose why.")
        if visit.form.text("confirmation") != app_id:
            checks.add("confirmation", f"Type {app_id} to confirm.")
        checks.refuse_if_any()
        wanted = msgspec.convert({"emergency": True, "reason": cause}, RotateSigningKeys)
        await rotate_signing_keys(context, await visit.confirmed(context), app_id, wanted)
    except (Invalid, ConfirmationNeeded) as refusal:
        return await _form_page(context, visit, principal, app_id, "withdraw_keys.html", refusal)
    return see_other(visit, f"/dashboard/apps/{app_id}/keys?done=keys-withdrawn")


@get(_KEYS + "/settings")
async def show_settings(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    return await _form_page(context, visit, principal, app_id, "key_settings.html")


@post(_KEYS + "/settings")
async def save_settings(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    form = visit.form
    try:
        checks = Checks()
        for name, choices in (("signing_alg", ALGS), ("signing_key_bits", BITS)):
            if form.text(name) not in choices:
                checks.add(name, "Choose one.")
        checks.refuse_if_any()
        wanted = msgspec.convert(
            {
                "signing_alg": form.text("signing_alg"),
                "signing_key_bits": form.number("signing_key_bits"),
                "wait_observed": form.ticked("wait_observed"),
            },
            UpdateKeySettings,
        )
        await update_key_settings(context, await visit.confirmed(context), app_id, wanted)
    except (Invalid, ConfirmationNeeded) as refusal:
        return await _form_page(context, visit, principal, app_id, "key_settings.html", refusal)
    return see_other(visit, f"/dashboard/apps/{app_id}/keys?done=key-settings")


async def _form_page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    template: str,
    refusal: Refused | None = None,
) -> Response[Any]:
    shown = await show_signing_keys(context, principal, app_id, Right.CHANGE)
    form = visit.form
    if refusal is None:
        fields = {
            "signing_alg": shown.settings.signing_alg,
            "signing_key_bits": str(shown.settings.signing_key_bits),
        }
        form = Form(fields | ({"wait_observed": "on"} if shown.settings.wait_observed else {}))
    return page(
        visit,
        template,
        form=form,
        refusal=refusal,
        app=shown.app,
        rights=shown.rights,
        pending=next((key for key in shown.keys if key.state == "pending"), None),
        published=sum(key.state != "retired" for key in shown.keys),
        schedule=await key_schedule(context),
        causes=CAUSES,
        algs=ALGS,
        bits=BITS,
        asks_password=not is_fresh(context, visit.require_principal()),
        section="keys",
    )


_ORDER: Final = {"active": 0, "pending": 1, "retiring": 2}


def _card(key: SigningKey, shown: ShownKeys, schedule: KeySchedule | None) -> KeyCard:
    pending = next((other for other in shown.keys if other.state == "pending"), None)
    if key.state == "pending":
        return KeyCard(key=key, since=key.created_at, next_at=key.activates_at)
    if key.state == "active":
        next_at = pending.activates_at if pending is not None else None
        if next_at is None and schedule is not None:
            next_at = key.activates_at + timedelta(seconds=schedule.rotation_s - schedule.lead_s)
        return KeyCard(key=key, since=key.activates_at, next_at=next_at)
    if key.state == "retiring":
        return KeyCard(key=key, since=key.retires_at or key.activates_at, next_at=key.removes_at)
    return KeyCard(key=key, since=key.removes_at or key.created_at, next_at=None)


def _verifiers(shown: ShownKeys) -> list[Verifier]:
    """By name. Those who have not got the next key first."""
    pending = next((key.kid for key in shown.keys if key.state == "pending"), None)
    last: dict[str, datetime] = {}
    has_next: dict[str, datetime] = {}
    for fetch in shown.fetches:
        last[fetch.client] = max(fetch.last_at, last.get(fetch.client, fetch.last_at))
        if fetch.kid == pending:
            has_next[fetch.client] = fetch.first_at
    return [
        Verifier(name=name, last_at=at, has_next_since=has_next.get(name))
        for name, at in sorted(last.items(), key=lambda item: (item[0] in has_next, item[0]))
    ]


ROUTES = [show, show_rotate, rotate, show_emergency, emergency, show_settings, save_settings]
