"""A notebook that its user signs in to: pages, a form, and an API for other services."""

from html import escape
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from mtas import AccessToken
from mtas.fastapi import CurrentUser, OptionalUser, create_mtas_auth

# Reads MTAS_ISSUER, MTAS_APP_ID, MTAS_APP_SECRET, MTAS_APP_URL and MTAS_COOKIE_SECRETS.
auth = create_mtas_auth()
app = FastAPI(title="Notes")
app.include_router(auth.router)
app.add_middleware(auth.middleware)

notes: dict[str, str] = {}  # by user; a real app has a database
HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Notes</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">"""


def page(body: str) -> HTMLResponse:
    return HTMLResponse(f"{HEAD}<h1>Notes</h1>{body}</html>")


@app.get("/")
async def index(user: OptionalUser) -> HTMLResponse:
    if user is None:
        return page('<a href="/auth/login?returnTo=/profile">Sign in</a>')
    return page(f'<p>Hello, {escape(user.name or user.email or "you")}. <a href="/profile">Profile</a></p>')


@app.get("/profile")
async def profile(user: CurrentUser) -> HTMLResponse:
    note = escape(notes.get(user.sub, ""))
    return page(
        f"<p>{escape(user.name or user.email or '')}</p><p>{escape(user.sub)}</p>"
        f'<form method="post" action="/note"><label>Note <input name="note" value="{note}"></label>'
        "<button>Keep</button></form>"
        '<form method="post" action="/auth/logout"><button>Sign out</button></form>'
    )


@app.post("/note")
async def keep(user: CurrentUser, request: Request) -> RedirectResponse:
    """A form of this app's own: from anywhere else it is refused before it comes here."""
    form = parse_qs((await request.body()).decode())
    notes[user.sub] = form.get("note", [""])[0][:200]
    return RedirectResponse("/profile", status_code=303)


@app.get("/api/note")
async def api(token: Annotated[AccessToken, Depends(auth.access_token("openid"))]) -> dict[str, str]:
    """For other services: an access token instead of the cookie."""
    return {"note": notes.get(token.sub, "")}
