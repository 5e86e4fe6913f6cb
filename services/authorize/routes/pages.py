"""Render pages and redirects: headers, cookies, and where a page's form may lead.

Chromium holds `form-action` against every redirect that follows a form (CSP3 §6.4.2), and after
signing in these lead to the client's callback and from there to the client's own pages. So a
page with an interaction allows the origins that its client has registered, and no others.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Response
from litestar.datastructures import Cookie

from services.authorize.flows.context import Visitor
from services.authorize.flows.outcome import Answer, Ask, Outcome, ReplyTo, with_query
from services.authorize.routes.web import Web
from shared.http.browser import AnyRequest
from shared.http.headers import NO_STORE, PAGE_HEADERS
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Tenant
from shared.texts import Language, Texts, accepted, ui_locales

_QUESTION_PATHS: Final = {"sign_in": "login", "select_account": "select-account", "consent": "consent"}
_CSP_HOST: Final = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")


class Pages:
    """What a handler answers with: made for one request."""

    def __init__(self, request: AnyRequest, web: Web, tenant: Tenant, visitor: Visitor) -> None:
        self.language, self._is_asked_for = language_of(request, web.views.texts)
        self._request = request
        self._web = web
        self._tenant = tenant
        self._visitor = visitor

    def page(
        self,
        template: str,
        *,
        status_code: int = 200,
        form_leads_to: Iterable[str] = (),
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> Response[Any]:
        """One of our own pages, with what its form needs."""
        values["form_token"] = self._web.form_token(self._tenant, self._visitor)
        return Response(
            self._render(template, **values),
            status_code=status_code,
            media_type="text/html",
            headers=page_headers("'self'", *form_sources(form_leads_to)) | (headers or {}),
            cookies=self._browser_cookie(),
        )

    def prefer(self, tags: str | None) -> None:
        """The language that an interaction's client asked for, unless a link has asked for another."""
        texts = self._web.views.texts
        if not self._is_asked_for and (tag := texts.choose(ui_locales(tags))) is not None:
            self.language = texts.language(tag)
            self._request.scope["state"]["language"] = self.language

    def see_other(self, location: str, *cookies: Cookie) -> Response[Any]:
        """303: whatever this request was, the next is a GET without its body (RFC 9700 §4.12)."""
        return see_other(location, [*cookies, *self._browser_cookie()])

    def path(self, name: str, interaction_id: str | None = None, **query: str) -> str:
        """One of our own pages, in the language of this one."""
        if interaction_id:
            query["interaction"] = interaction_id
        if self._is_asked_for:
            query["ui_locales"] = self.language.tag
        return with_query(f"/t/{self._tenant.slug}/{name}", query)

    def outcome(self, outcome: Outcome) -> Response[Any]:
        """What came of an authorization request."""
        if isinstance(outcome, Answer):
            return self._answer(outcome)
        name = _QUESTION_PATHS[outcome.question] if isinstance(outcome, Ask) else "authorize"
        return self.see_other(self.path(name, outcome.interaction_id))

    def _answer(self, answer: Answer) -> Response[Any]:
        if answer.reply_to.response_mode == "query":
            return see_other(answer.location)
        # OAuth 2.0 Form Post Response Mode §4: to nobody but this client, us included.
        return Response(
            self._render("form_post.html", answer=answer),
            media_type="text/html",
            headers=page_headers(*form_sources(leads_to(answer.reply_to))),
        )

    def _render(self, template: str, **values: Any) -> str:
        tenant = self._tenant
        return self._web.views.render(
            template, self.language, tenant=tenant, slug=tenant.slug, path=self.path, **values
        )

    def _browser_cookie(self) -> list[Cookie]:
        is_new = self._request.scope["state"]["is_new_browser"]
        return [self._web.set_browser(self._visitor)] if is_new else []


def language_of(request: AnyRequest, texts: Texts) -> tuple[Language, bool]:
    """What a link or client asks for (`ui_locales`), and that it did; else what the browser is set to."""
    try:
        tags = Params.parse(request.scope["query_string"]).get("ui_locales")
    except OAuthError:  # whoever reads the rest of the query says so
        tags = None
    asked = texts.choose(ui_locales(tags))
    tag = asked or texts.choose(accepted(request.headers.get("accept-language", "")))
    return texts.language(tag), asked is not None


def see_other(location: str, cookies: Sequence[Cookie] = ()) -> Response[Any]:
    headers = {**NO_STORE, "Location": location, "Referrer-Policy": "no-referrer"}
    return Response(content=b"", status_code=303, headers=headers, cookies=list(cookies))


def page_headers(*form_action: str) -> dict[str, str]:
    headers = dict(PAGE_HEADERS)
    policy = headers["Content-Security-Policy"]
    headers["Content-Security-Policy"] = policy.replace(
        "form-action 'self'", f"form-action {' '.join(form_action)}"
    )
    return headers


def leads_to(reply_to: ReplyTo) -> tuple[str, ...]:
    """Where the browser may come after a form: the client's URI, and its own pages behind it."""
    return (reply_to.redirect_uri, *reply_to.onward)


def form_sources(uris: Iterable[str]) -> list[str]:
    """CSP sources of these URIs: an origin each, or the scheme where there is none that CSP can name."""
    return list(dict.fromkeys(_source(uri) for uri in uris))


def _source(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and _CSP_HOST.fullmatch(parts.netloc):
        return f"{parts.scheme}://{parts.netloc}"
    # A private-use scheme, or an IPv6 loopback, for which CSP has no notation.
    return f"{parts.scheme}:" if _SCHEME.fullmatch(parts.scheme) else "'none'"
