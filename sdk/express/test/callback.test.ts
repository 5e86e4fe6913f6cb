/** /login and /callback: what is checked, in which order, and what a person sees when it fails. */
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

inBoth("the back button on the callback leads on when a session is there", async (express, t) => {
  const own = await stage(t, express, { defaultReturnTo: "/hello" });
  const url = await answered(own);
  assert.equal((await call(own, url)).status, 303);
  const again = await call(own, url);
  assert.equal(again.status, 303);
  assert.equal(again.headers.get("location"), "/hello");
  assert.equal(own.issuer.count("authorization_code"), 1);
});

inBoth("a state of another browser, of nobody, or damaged, is refused", async (express, t) => {
  const own = await stage(t, express);
  const url = await answered(own);
  const [name = "", value = ""] = [...own.browser.cookies][0] ?? [];
  const other = new URL(url);
  other.searchParams.set("state", "another");
  assertPage(await call(own, other), 400, "state_missing");
  other.searchParams.delete("state");
  assertPage(await call(own, other), 400, "state_invalid");
  other.searchParams.append("state", url.searchParams.get("state") ?? "");
  other.searchParams.append("state", "another");
  assertPage(await call(own, other), 400, "state_invalid");
  own.browser.cookies.set(name, value.slice(0, -2) + "AA");
  assertPage(await call(own, url), 400, "state_missing");
  own.browser.cookies.set(name, value);
  own.clock.seconds += 600;
  assertPage(await call(own, url), 400, "state_missing");
  own.browser.cookies.delete(name);
  assertPage(await call(own, url), 400, "state_missing");
  assert.equal(own.issuer.count("authorization_code"), 0);
});

inBoth("a login's cookie under another login's name is refused", async (express, t) => {
  const own = await stage(t, express);
  await answered(own);
  const [[, first = ""] = []] = [...own.browser.cookies];
  const url = await answered(own);
  const name = [...own.browser.cookies.keys()][1] ?? "";
  own.browser.cookies.set(name, first);
  assertPage(await call(own, url), 400, "state_invalid");
  assert.equal(own.issuer.count("authorization_code"), 0);
});

inBoth("an answer of another issuer is refused before anything else", async (express, t) => {
  const own = await stage(t, express);
  const url = await answered(own, "?returnTo=/hello");
  const wrong = new URL(url);
  for (const iss of [`${own.issuer.issuer}/`, "https://evil.example", own.issuer.issuer.toUpperCase(), ""]) {
    wrong.searchParams.set("iss", iss);
    assertPage(await call(own, wrong), 400, "issuer_mismatch");
  }
  wrong.searchParams.append("iss", own.issuer.issuer);
  assertPage(await call(own, wrong), 400, "issuer_mismatch");
  wrong.searchParams.delete("iss");
  assertPage(await call(own, wrong), 400, "issuer_mismatch");
  wrong.searchParams.set("error", "access_denied");
  assertPage(await call(own, wrong), 400, "issuer_mismatch");
  assert.equal((await call(own, url)).status, 303);
});

inBoth("what the server refuses is said, with a way to try again", async (express, t) => {
  const own = await stage(t, express);
  own.issuer.refuses = "access_denied";
  const url = await answered(own, "?returnTo=/hello");
  const page = await call(own, url);
  assertPage(page, 403, "authorization_refused");
  assert.match(page.text, /href="\/auth\/login\?returnTo=%2Fhello"/);
  own.issuer.refuses = '"><script>alert(1)</script>';
  assertPage(await call(own, await answered(own)), 403, "authorization_refused");
});

inBoth("an app that asks by fetch gets a problem instead of a page", async (express, t) => {
  const own = await stage(t, express);
  const page = await own.browser.get(`${own.app.origin}/auth/callback?iss=x`);
  assert.equal(page.headers.get("content-type"), "application/problem+json");
  assert.equal(page.json.code, "issuer_mismatch");
});

inBoth("a code that was used, or is made up, is rejected", async (express, t) => {
  const own = await stage(t, express);
  const url = await answered(own);
  url.searchParams.set("code", "made-up");
  assertPage(await call(own, url), 400, "code_rejected");
  assert.equal(own.browser.cookies.size, 0);
  const none = await answered(own);
  none.searchParams.delete("code");
  assertPage(await call(own, none), 400, "code_rejected");
});

inBoth("a secret that the server does not know is the operator's matter", async (express, t) => {
  const own = await stage(t, express, { appSecret: "a-wrong-secret" });
  assertPage(await call(own, await answered(own)), 500, "client_rejected");
  assert.match(own.app.warnings.join(), /client_rejected.*MTAS_APP_SECRET/);
  assert.doesNotMatch(own.app.warnings.join(), /a-wrong-secret/);
});

inBoth("an ID token of another login, app or time is refused", async (express, t) => {
  const own = await stage(t, express);
  const wrong: Record<string, (claims: Record<string, unknown>) => Record<string, unknown>> = {
    "no nonce": ({ nonce: _, ...claims }) => claims,
    "another nonce": (claims) => ({ ...claims, nonce: "another" }),
    "another audience": (claims) => ({ ...claims, aud: "another" }),
    "several audiences": (claims) => ({ ...claims, aud: [own.issuer.appId, "another"] }),
    "another authorized party": (claims) => ({ ...claims, azp: "another" }),
    "another issuer": (claims) => ({ ...claims, iss: `${own.issuer.issuer}x` }),
    "another access token": (claims) => ({ ...claims, at_hash: "AAAAAAAAAAAAAAAAAAAAAA" }),
    "no subject": ({ sub: _, ...claims }) => claims,
    expired: (claims) => ({ ...claims, exp: own.clock.seconds - 31 }),
    "from the future": (claims) => ({ ...claims, iat: own.clock.seconds + 31 }),
  };
  for (const [name, change] of Object.entries(wrong)) {
    own.issuer.idTokenClaims = change;
    const page = await call(own, await answered(own));
    assert.match(page.text, /<small>id_token_invalid<\/small>/, name);
    assert.equal(own.browser.cookies.size, 0);
  }
});

inBoth("a clock that is off is named, with the difference", async (express, t) => {
  const own = await stage(t, express);
  own.issuer.clockOffsetS = 120;
  const page = await call(own, await answered(own));
  assertPage(page, 500, "clock_skew");
  assert.match(page.text, /clock is 120 seconds behind the auth server/);
  own.issuer.clockOffsetS = 25;
  assert.equal((await call(own, await answered(own))).status, 303);
});

inBoth("while the server is away nobody can sign in, and the same answer does later", async (express, t) => {
  const own = await stage(t, express);
  const url = await answered(own);
  own.issuer.away = true;
  const page = await call(own, url);
  assertPage(page, 503, "server_unavailable");
  assert.equal(page.headers.get("retry-after"), "2");
  assert.equal((await own.browser.get(`${own.app.origin}/auth/login`)).status, 303); // metadata is known
  own.issuer.away = false;
  assert.equal((await call(own, url)).status, 303);
});

inBoth("a server that was never there is a 503 at once", async (express, t) => {
  const own = await stage(t, express);
  own.issuer.away = true;
  assertPage(await call(own, `${own.app.origin}/auth/login`), 503, "server_unavailable");
  own.issuer.away = false;
  own.clock.seconds += 2;
  assert.equal((await call(own, `${own.app.origin}/auth/login`)).status, 303);
});

inBoth("keys that were rotated since are fetched once", async (express, t) => {
  const own = await stage(t, express);
  await call(own, await answered(own));
  own.issuer.rotateKeys();
  assert.equal((await call(own, await answered(own))).headers.get("location"), "/");
  assert.equal(own.issuer.requests.filter((one) => one.path.endsWith("jwks.json")).length, 2);
});

inBoth("a long session is kept in chunks, and a chunk that is missing is no session", async (express, t) => {
  const own = await stage(t, express);
  own.issuer.user = { sub: "ada", about: "x".repeat(2500) };
  assert.equal((await call(own, await answered(own))).status, 303);
  const chunks = [...own.browser.cookies.keys()].filter((name) => /\.0\.\d$/.test(name));
  assert.equal(chunks.length, 3);
  assert.equal((await own.browser.get(`${own.app.origin}/hello`)).json.sub, "ada");
  // The next one is shorter: what it does not need is deleted.
  own.issuer.idTokenClaims = (claims) => ({ ...claims, about: "" });
  own.clock.seconds += 550;
  assert.equal((await own.browser.get(`${own.app.origin}/hello`)).json.about, "");
  assert.deepEqual([...own.browser.cookies.keys()].filter((name) => /\.\d+(\.\d+)?$/.test(name)).length, 1);
  own.issuer.idTokenClaims = (claims) => claims;
  own.clock.seconds += 550;
  assert.equal((await own.browser.get(`${own.app.origin}/hello`)).status, 200);
  own.browser.cookies.delete([...own.browser.cookies.keys()].find((name) => name.endsWith(".2.1")) ?? "");
  assert.equal((await own.browser.get(`${own.app.origin}/hello`)).status, 401);
});

inBoth("a session that no cookies hold is refused, with its size", async (express, t) => {
  const own = await stage(t, express);
  own.issuer.user = { sub: "ada", about: "x".repeat(5550) };
  const page = await call(own, await answered(own));
  assertPage(page, 500, "session_too_large");
  assert.match(page.text, /The session has \d{5} bytes/);
  assert.equal(own.browser.cookies.size, 0);
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
