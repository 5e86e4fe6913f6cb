"""A notebook that its user signs in to: pages, a form, and an API for other services."""

from html import escape
from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from mtas.litestar import CurrentUser, OptionalUser, create_mtas_auth

# Reads MTAS_ISSUER, MTAS_APP_ID, MTAS_APP_SECRET, MTAS_APP_URL and MTAS_COOKIE_SECRETS.
auth = create_mtas_auth()
notes: dict[str, str] = {}  # by user; a real app has a database
HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Notes</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">"""


def page(body: str) -> str:
    return f"{HEAD}<h1>Notes</h1>{body}</html>"


@get("/", media_type=MediaType.HTML)
async def index(optional_user: OptionalUser) -> str:
    if optional_user is None:
        return page('<a href="/auth/login?returnTo=/profile">Sign in</a>')
    name = optional_user.name or optional_user.email or "you"
    return page(f'<p>Hello, {escape(name)}. <a href="/profile">Profile</a></p>')


@get("/profile", media_type=MediaType.HTML)
async def profile(current_user: CurrentUser) -> str:
    note = escape(notes.get(current_user.sub, ""))
    return page(
        f"<p>{escape(current_user.name or current_user.email or '')}</p><p>{escape(current_user.sub)}</p>"
        f'<form method="post" action="/note"><label>Note <input name="note" value="{note}"></label>'
        "<button>Keep</button></form>"
        '<form method="post" action="/auth/logout"><button>Sign out</button></form>'
    )


@post("/note")
async def keep(
    current_user: CurrentUser,
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """A form of this app's own: from anywhere else it is refused before it comes here."""
    notes[current_user.sub] = data.get("note", "")[:200]
    return Redirect("/profile", status_code=303)


@get("/api/note")
async def api(request: Request[Any, Any, Any]) -> dict[str, str]:
    """For other services: an access token instead of the cookie."""
    token = await auth.access_token(request, "openid")
    return {"note": notes.get(token.sub, "")}


app = Litestar([index, profile, keep, api], plugins=[auth.plugin], openapi_config=None)
