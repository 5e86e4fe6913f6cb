/** /login: what is asked of the server, of which server, and where the browser comes back to. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { inBoth, stage } from "./support/app.js";
import { LOADS_PAGE } from "./support/browser.js";
import { answered, assertPage, call } from "./support/login.js";

inBoth("the authorization request has all that protects it", async (express, t) => {
  const { app, browser, issuer } = await stage(t, express, { resource: "https://api.example.com" });
  const query = "?returnTo=/a&prompt=create&login_hint=ada%40example.com&ui_locales=de&scope=admin&state=mine";
  const page = await browser.ask(`${app.origin}/auth/login${query}`, { headers: LOADS_PAGE });
  assert.equal(page.status, 303);
  const location = new URL(page.headers.get("location") ?? "");
  assert.equal(location.origin + location.pathname, `${issuer.issuer}/authorize`);
  const { state, nonce, code_challenge: challenge, ...others } = Object.fromEntries(location.searchParams);
  assert.deepEqual(others, {
    response_type: "code",
    client_id: issuer.appId,
    redirect_uri: `${app.origin}/auth/callback`,
    scope: "openid profile email",
    resource: "https://api.example.com",
    code_challenge_method: "S256",
    prompt: "create",
    login_hint: "ada@example.com",
    ui_locales: "de",
  });
  for (const random of [state, nonce, challenge]) assert.match(random ?? "", /^[A-Za-z0-9_-]{43}$/);
  assert.equal(page.setCookies.length, 1);
  assert.match(
    page.setCookies[0] ?? "",
    /^mtas_tx_test-app\.[\w-]{16}=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/,
  );
  assert.ok(!page.setCookies[0]?.includes(state ?? "?"));
  assert.equal(page.headers.get("cache-control"), "no-store");
  assert.equal(issuer.requests[0]?.headers["x-mtas-client"], "mtas-express/0.1.0");
});

inBoth("a browser that only looks ahead begins no login", async (express, t) => {
  const { app, browser, issuer } = await stage(t, express);
  for (const headers of [{ "sec-purpose": "prefetch;prerender" }, { purpose: "prefetch" }]) {
    const page = await browser.ask(`${app.origin}/auth/login`, { headers: { ...LOADS_PAGE, ...headers } });
    assert.equal(page.status, 204);
    assert.deepEqual(page.setCookies, []);
  }
  assert.equal(issuer.requests.length, 0);
});

inBoth("a method that a route does not have is refused", async (express, t) => {
  const { app, browser } = await stage(t, express);
  for (const [method, path, allow] of [
    ["POST", "login", "GET"],
    ["POST", "callback", "GET"],
    ["GET", "logout", "POST"],
    ["DELETE", "me", "GET"],
  ] as const) {
    const page = await browser.ask(`${app.origin}/auth/${path}`, { method });
    assert.equal(page.status, 405);
    assert.equal(page.headers.get("allow"), allow);
  }
  assert.equal((await browser.get(`${app.origin}/auth/other`)).status, 404);
});

inBoth("the browser goes back to a place in this app only", async (express, t) => {
  const own = await stage(t, express, { defaultReturnTo: "/hello" });
  for (const bad of ["//evil.example", "https://evil.example", "/\\evil.example", "/auth/logout", "/%09/x/.."]) {
    const page = await call(own, await answered(own, `?returnTo=${encodeURIComponent(bad)}`));
    assert.equal(page.headers.get("location"), "/hello", bad);
  }
});

inBoth("signing in replaces an older login and leaves nothing of it", async (express, t) => {
  const own = await stage(t, express);
  await own.browser.load(`${own.app.origin}/hello`);
  const before = [...own.browser.cookies.keys()];
  own.issuer.user = { sub: "grace" };
  await own.browser.load(`${own.app.origin}/auth/login`);
  const after = [...own.browser.cookies.keys()];
  assert.equal(after.length, 2);
  assert.deepEqual(after.filter((name) => before.includes(name)), ["mtas_test-app"]);
  assert.equal((await own.browser.get(`${own.app.origin}/auth/me`)).json.user.sub, "grace");
});

inBoth("each tab has its own login, and the oldest give way", async (express, t) => {
  const own = await stage(t, express);
  const tabs: URL[] = [];
  for (let i = 0; i < 7; i += 1) {
    own.clock.seconds += 1;
    tabs.push(await answered(own));
  }
  assert.equal(own.browser.cookies.size, 5);
  assert.equal((await call(own, tabs[6] ?? "")).status, 303);
  assert.equal((await call(own, tabs[2] ?? "")).status, 303);
  own.browser.cookies.delete("mtas_test-app");
  assertPage(await call(own, tabs[1] ?? ""), 400, "state_missing");
});

inBoth("logins with long ways back give way sooner, so that a request's headers stay short", async (express, t) => {
  const own = await stage(t, express);
  const way = `/${"a".repeat(2047)}`;
  for (let i = 0; i < 6; i += 1) {
    own.clock.seconds += 1;
    await own.browser.ask(`${own.app.origin}/auth/login?returnTo=${way}`);
    const size = [...own.browser.cookies].reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    assert.ok(size < 8000, String(size));
  }
  assert.equal(own.browser.cookies.size, 2);
});

inBoth("a server that was never there is a 503 at once", async (express, t) => {
  const own = await stage(t, express);
  own.issuer.away = true;
  assertPage(await call(own, `${own.app.origin}/auth/login`), 503, "server_unavailable");
  own.issuer.away = false;
  own.clock.seconds += 2;
  assert.equal((await call(own, `${own.app.origin}/auth/login`)).status, 303);
});

inBoth("no redirect of the server is followed", async (express, t) => {
  const own = await stage(t, express);
  const Location = `${own.issuer.issuer}/.well-known/openid-configuration`;
  own.issuer.onRequest = ({ path }) => {
    if (own.issuer.requests.length > 1 || !path.includes("well-known")) return undefined;
    return { status: 302, body: "", headers: { Location } };
  };
  assertPage(await call(own, `${own.app.origin}/auth/login`), 503, "server_unavailable");
  assert.equal(own.issuer.requests.length, 1);
});

test("an issuer that calls itself by another name, or leads elsewhere, is not used", async (t) => {
  const own = await stage(t);
  const { createMtasAuth } = await import("../src/index.js");
  const { default: express } = await import("express");
  const documents: Record<string, () => Response> = {
    "another issuer": () => Response.json({ issuer: "https://evil.example" }),
    "endpoint elsewhere": () =>
      Response.json({
        issuer: own.issuer.issuer,
        authorization_endpoint: `${own.issuer.issuer}/authorize`,
        token_endpoint: "https://evil.example/token",
        jwks_uri: `${own.issuer.issuer}/jwks.json`,
      }),
    "a redirect": () => new Response(null, { status: 302, headers: { Location: own.issuer.origin } }),
    "not JSON": () => new Response("hello"),
    "half of it": () => new Response('{"issuer":'),
    "too large": () => new Response(`{"issuer":"${own.issuer.issuer}","x":"${"x".repeat(300_000)}"}`),
  };
  const mismatched = ["another issuer", "endpoint elsewhere"];
  for (const [name, document] of Object.entries(documents)) {
    const warnings: string[] = [];
    const auth = createMtasAuth(own.app.options, {
      fetch: () => Promise.resolve(document()),
      warn: (message) => warnings.push(message),
    });
    const app = express().use(auth.router());
    const server = app.listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const page = await own.browser.get(`http://127.0.0.1:${port}/auth/login`);
    server.close();
    assert.equal(page.json.code, mismatched.includes(name) ? "discovery_mismatch" : "server_unavailable", name);
    assert.equal(warnings.length, 1);
  }
});
