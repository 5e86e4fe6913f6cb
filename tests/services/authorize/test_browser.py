"""In a real Chromium: what a page's policy must let through, and what it must not need."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from deploy.local.chromium import find
from shared.oauth.types import ClientType
from tests.services.authorize.conftest import PASSWORD, World

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@asynccontextmanager
async def site(heading: str, *, host: str = "127.0.0.1", leads_to: str | None = None) -> AsyncIterator[str]:
    """A site on a port of its own, which is an origin of its own: a page, or a redirect to another."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = f"<!doctype html><title>Site</title><h1>{heading}</h1>".encode()
        location = f"Location: {leads_to}\r\n" if leads_to else ""
        status = "303 See Other" if leads_to else "200 OK"
        writer.write(
            f"HTTP/1.1 {status}\r\n{location}Content-Type: text/html\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, host, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    executable = find()
    assert executable is not None, "no Chromium: `make test` installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(executable), args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
async def page(chromium: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    context = await chromium.new_context(java_script_enabled=request.param)
    yield await context.new_page()
    await context.close()


async def register(world: World, uri: str, frontend_origin: str | None = None) -> None:
    await world.seed.execute(
        "update admin.clients set redirect_uris = $2, frontend_origins = $3 where tenant_id = $1",
        world.tenant_id,
        [uri],
        [frontend_origin] if frontend_origin else [],
    )


async def sign_in(page: Page) -> None:
    await page.get_by_label("Email").fill("ada@example.com")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def test_signing_in_leads_to_the_callback(world: World, page: Page) -> None:
    async with site("The app") as app:
        await register(world, f"{app}/callback")
        await page.goto(world.url + world.authorize(redirect_uri=f"{app}/callback"))
        await sign_in(page)
        await expect(page.get_by_role("heading", name="The app")).to_be_visible()
        assert page.url.startswith(f"{app}/callback?code=")


async def test_and_from_the_callback_to_the_apps_own_pages(world: World, page: Page) -> None:
    """A backend takes the code on one origin, and shows its pages on another."""
    async with site("The app") as frontend, site("", leads_to=f"{frontend}/home") as backend:
        await register(world, f"{backend}/callback", frontend)
        await page.goto(world.url + world.authorize(redirect_uri=f"{backend}/callback"))
        await sign_in(page)
        await expect(page.get_by_role("heading", name="The app")).to_be_visible()


async def test_to_an_ipv6_loopback_too(world: World, page: Page) -> None:
    async with site("The app", host="::1") as app:
        await world.seed.client(
            world.tenant_id, f"{world.slug}-app", ClientType.NATIVE, redirect_uris=["http://[::1]/callback"]
        )
        uri = f"{app}/callback"
        await page.goto(world.url + world.authorize(client_id=f"{world.slug}-app", redirect_uri=uri))
        await sign_in(page)
        await expect(page.get_by_role("heading", name="The app")).to_be_visible()


async def test_form_post_leads_there_as_well(world: World, page: Page) -> None:
    async with site("The app") as frontend, site("", leads_to=f"{frontend}/home") as backend:
        await register(world, f"{backend}/callback", frontend)
        request = world.authorize(
            redirect_uri=f"{backend}/callback", response_mode="form_post", prompt="none"
        )
        await page.goto(world.url + request, wait_until="commit")
        button, arrived = (
            page.get_by_role("button", name="Continue"),
            page.get_by_role("heading", name="The app"),
        )
        await button.or_(arrived).first.wait_for()
        if await button.count():
            await button.click()  # without script
        await expect(arrived).to_be_visible()


async def test_a_form_leads_nowhere_else(world: World, page: Page) -> None:
    """Were the client's origin not registered, the browser itself would stop."""
    async with site("Elsewhere") as elsewhere, site("", leads_to=f"{elsewhere}/") as app:
        await register(world, f"{app}/callback")
        await page.goto(world.url + world.authorize(redirect_uri=f"{app}/callback"))
        await sign_in(page)
        await page.wait_for_timeout(500)
        assert not page.url.startswith(elsewhere)


async def test_a_wrong_password_is_said_where_the_focus_is(world: World, page: Page) -> None:
    await page.goto(f"{world.url}/t/{world.slug}/login")
    await page.get_by_label("Email").fill("ada@example.com")
    await page.get_by_label("Password", exact=True).fill("not the right password")
    await page.get_by_role("button", name="Sign in").click()
    summary = page.get_by_role("alert")
    await expect(summary).to_contain_text("do not match")
    await expect(summary).to_be_focused()
    await expect(page.get_by_label("Email")).to_have_value("ada@example.com")
    assert (await page.title()).startswith("Error: ")
