"""Render pages and redirects, with the headers that every page has."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from litestar import Response
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig

from services.admin.flows.refused import FieldError, Refused
from services.admin.routes.dashboard.assets import asset_url
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.visits import Visit
from shared.http.headers import NO_STORE, PAGE_HEADERS
from shared.pages.templates import environment, moment

TEMPLATES: Final = Path(__file__).parents[2] / "pages"

DONE: Final = {
    "saved": "Saved. It takes effect within a second.",
    "unchanged": "Nothing was different, so nothing was changed.",
    "callback-added": "The callback URL is added. Try again: it counts within a second.",
    "client-added": "The client was added.",
    "client-disabled": "The client is disabled.",
    "client-enabled": "The client is enabled.",
    "app-disabled": "The app is disabled. Its endpoints refuse every request.",
    "app-enabled": "The app is enabled again.",
    "user-added": "The user was added and can sign in.",
    "user-disabled": "The user is disabled and signed out everywhere.",
    "user-enabled": "The user is enabled again.",
    "key-published": "The next key is published. It takes over by itself.",
    "keys-withdrawn": "Every key was withdrawn. A new one signs.",
    "key-settings": "Saved. A key that fits is published within seconds.",
    "joined": "Welcome. You are a member of this app.",
    "left": "You have left the app.",
    "role-changed": "The role is changed. It counts from their next request on.",
    "member-removed": "The member was removed.",
    "invitation-withdrawn": "The invitation was withdrawn. Its link leads nowhere.",
    "token-revoked": "The API token was revoked. It is refused from now on.",
    "user-signed-out": "The user is signed out everywhere.",
    "user-deleted": "The user was deleted, with all that was about them.",
    "session-ended": "The session was ended.",
    "signed-out": "You are signed out.",
    "password-reset": "Your password is changed. You are signed out everywhere.",
}
"""What a redirect may say on the page that it leads to."""


class Errors:
    """A refusal, as a form shows it: everything in a summary, and each error at its field."""

    def __init__(self, refusal: Refused | None) -> None:
        self.refusal: Final = refusal

    def __bool__(self) -> bool:
        return self.refusal is not None

    @property
    def fields(self) -> list[tuple[str, str]]:
        return [(error.field, _words(error)) for error in self.refusal.errors] if self.refusal else []

    def of(self, field: str) -> list[str]:
        return [text for name, text in self.fields if name == field]


def page(
    visit: Visit,
    template: str,
    *,
    status: int = 200,
    form: Form | None = None,
    refusal: Refused | None = None,
    done: str | None = None,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response[Any]:
    """A page for `visit`. With a refusal: the same form again, its status, what was typed."""
    return Template(
        template,
        context={
            "visit": visit,
            "form": form or Form(),
            "errors": Errors(refusal),
            "done": DONE.get(done or ""),
            **values,
            "form_token": visit.form_token,
        },
        status_code=refusal.status if refusal else status,
        media_type="text/html",
        headers=PAGE_HEADERS | dict(headers or {}),
        cookies=visit.cookies,
    )


def see_other(visit: Visit, location: str) -> Response[Any]:
    """303: whatever this request was, the next is a GET without its body (RFC 9110 §15.4.4)."""
    headers = {**NO_STORE, "Location": location, "Referrer-Policy": "no-referrer"}
    return Response(content=b"", status_code=303, headers=headers, cookies=visit.cookies)


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    made = environment(TEMPLATES)
    made.globals["asset"] = asset_url
    made.filters["detail"] = _detail
    return TemplateConfig(engine=JinjaTemplateEngine(engine_instance=made))


def _words(error: FieldError) -> str:
    return error.message if error.line is None else f"Line {error.line + 1}: {error.message}"


def _detail(value: object) -> str:
    """A field of an event: lists with commas, times as everywhere else."""
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    try:
        return moment(datetime.fromisoformat(str(value)))
    except ValueError:
        return str(value)
