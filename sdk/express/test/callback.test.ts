/** /callback: what is checked, in which order, and what a person sees when it fails. */
import assert from "node:assert/strict";

import { inBoth, stage } from "./support/app.js";
import { answered, assertPage, call } from "./support/login.js";

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
