/** Sessions over time: refresh, its races, and what is left when something is away or over. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";

import { inBoth, stage, type Stage } from "./support/app.js";
import { Browser, FETCHES, LOADS_PAGE, type Page } from "./support/browser.js";
import { startValkey } from "./support/valkey.js";

async function signedIn(own: Stage): Promise<void> {
  const page = await own.browser.load(`${own.app.origin}/hello`);
  assert.equal(page.status, 200, page.text);
}

function generation({ cookies }: Browser): number {
  const found = [...cookies.keys()].map((name) => /\.(\d+)$/.exec(name)?.[1]).filter((gen) => gen !== undefined);
  assert.equal(found.length, 1, [...cookies.keys()].join());
  return Number(found[0]);
}

const hello = (own: Stage): Promise<Page> => own.browser.get(`${own.app.origin}/hello`);

inBoth("a session is refreshed shortly before its access token ends, and nobody notices", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.clock.seconds += 539;
  assert.deepEqual((await hello(own)).setCookies, []);
  own.clock.seconds += 1;
  const page = await hello(own);
  assert.equal(page.status, 200);
  assert.equal(page.headers.get("cache-control"), "no-store");
  assert.equal(page.setCookies.length, 2);
  assert.equal(generation(own.browser), 1);
  for (let i = 2; i < 5; i += 1) {
    own.clock.seconds += 600;
    assert.equal((await hello(own)).status, 200);
    assert.equal(generation(own.browser), i);
  }
});

inBoth("an app's own cookies and caching stand back when a session is written", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  const before = await own.browser.get(`${own.app.origin}/cached`);
  assert.equal(before.headers.get("cache-control"), "public, max-age=60");
  assert.deepEqual(before.setCookies, ["theirs=2"]);
  own.clock.seconds += 550;
  const page = await own.browser.get(`${own.app.origin}/cached`);
  assert.equal(page.headers.get("cache-control"), "no-store");
  assert.equal(page.setCookies.length, 3);
  assert.equal(page.setCookies[0], "theirs=2");
  assert.equal((await hello(own)).status, 200);
  assert.equal(generation(own.browser), 1);
});

inBoth("a session ends for good when its time is over, however often it was refreshed", async (express, t) => {
  const own = await stage(t, express, { sessionMaxAgeS: 1000 });
  await signedIn(own);
  own.clock.seconds += 600;
  const page = await hello(own);
  assert.match(page.setCookies.join("\n"), /; Max-Age=400/);
  own.clock.seconds += 400;
  assert.equal((await hello(own)).status, 401);
  assert.equal(own.issuer.count("refresh_token"), 1);
});

inBoth("fifty requests at expiry cost one refresh", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.clock.seconds += 700;
  const pages = await Promise.all(Array.from({ length: 50 }, () => hello(own)));
  assert.deepEqual(new Set(pages.map((page) => page.status)), new Set([200]));
  assert.equal(own.issuer.count("refresh_token"), 1);
  assert.equal(generation(own.browser), 1);
});

inBoth("a straggler with the old cookie gets the result that is kept", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  const old = own.browser.header;
  own.clock.seconds += 550;
  await hello(own);
  own.clock.seconds += 9;
  const late = await own.browser.ask(`${own.app.origin}/hello`, { headers: { ...FETCHES, cookie: old } }, false);
  assert.equal(late.status, 200);
  assert.match(late.setCookies.join(), /\.1=/);
  assert.equal(own.issuer.count("refresh_token"), 1);
});

inBoth("fifty requests at expiry in two processes rotate once and fail never", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  const other = await own.another();
  own.clock.seconds += 700;
  const ask = (i: number): Promise<Page> => own.browser.get(`${i % 2 ? own.app.origin : other.origin}/hello`);
  const pages = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(i)));
  assert.deepEqual(new Set(pages.map((page) => page.status)), new Set([200]));
  assert.equal(own.issuer.count("refresh_token"), 2);
  assert.equal(own.issuer.rotations, 1);
  assert.equal(own.issuer.activeGrants, 1);
});

test("with Redis, two processes ask the server once between them", async (t) => {
  const valkey = await startValkey(t);
  if (valkey === null) return;
  const own = await stage(t, undefined, { redisUrl: valkey.url });
  await signedIn(own);
  const other = await own.another();
  own.clock.seconds += 700;
  const ask = (i: number): Promise<Page> => own.browser.get(`${i % 2 ? own.app.origin : other.origin}/hello`);
  const pages = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(i)));
  assert.deepEqual(new Set(pages.map((page) => page.status)), new Set([200]));
  assert.equal(own.issuer.count("refresh_token"), 1);
  assert.equal((await own.browser.get(`${other.origin}/hello`)).status, 200);

  // Neither holds up the other when it ends, nor when Redis does.
  own.issuer.revokeAll();
  own.clock.seconds += 700;
  const ended = await Promise.all([0, 1].map(ask));
  assert.deepEqual(ended.map((page) => page.status), [401, 401]);
  await own.browser.load(`${own.app.origin}/hello`);
  valkey.stop();
  own.clock.seconds += 700;
  assert.equal((await hello(own)).status, 200);
  assert.match(own.app.warnings.join(), /Redis is away/);
});

test("a Redis that is not there costs a moment, not the session", async (t) => {
  const own = await stage(t, undefined, { redisUrl: "redis://127.0.0.1:1" });
  await signedIn(own);
  own.clock.seconds += 700;
  assert.equal((await hello(own)).status, 200);
  const begun = performance.now();
  own.clock.seconds += 700;
  assert.equal((await hello(own)).status, 200);
  assert.ok(performance.now() - begun < 900);
});

inBoth("a response that comes late brings back no older generation", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.clock.seconds += 550;
  const late = await own.browser.ask(`${own.app.origin}/hello`, { headers: FETCHES }, false);
  await hello(own);
  own.clock.seconds += 550;
  await hello(own);
  assert.equal(generation(own.browser), 2);
  own.browser.keep(late);
  own.clock.seconds += 12;
  const page = await hello(own);
  assert.equal(page.status, 200);
  assert.deepEqual(page.setCookies, []);
  assert.equal(own.issuer.count("refresh_token"), 2);
  own.clock.seconds += 540;
  await hello(own);
  assert.equal(generation(own.browser), 3);
});

inBoth("a response that comes after signing out, or after another login, changes nothing", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.clock.seconds += 550;
  const late = await own.browser.ask(`${own.app.origin}/hello`, { headers: FETCHES }, false);
  await own.browser.ask(`${own.app.origin}/auth/logout`, { method: "POST", headers: FETCHES });
  own.browser.keep(late);
  assert.equal((await hello(own)).status, 401);
  own.issuer.user = { sub: "grace" };
  await signedIn(own);
  own.browser.keep(late);
  assert.equal((await hello(own)).json.sub, "grace");

  // The same when the late answer says that the older session has ended.
  const old = own.browser.header;
  own.issuer.revokeAll();
  own.clock.seconds += 700;
  const ended = await own.browser.ask(`${own.app.origin}/hello`, { headers: { ...FETCHES, cookie: old } }, false);
  assert.equal(ended.status, 401);
  own.issuer.user = { sub: "edsger" };
  await own.browser.load(`${own.app.origin}/auth/login`);
  own.browser.keep(ended);
  assert.equal((await hello(own)).json.sub, "edsger");
});

inBoth("a grant that was revoked ends the session, and its cookies", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.issuer.revokeAll();
  assert.equal((await hello(own)).status, 200);
  own.clock.seconds += 550;
  const page = await hello(own);
  assert.equal(page.status, 401);
  assert.equal(page.json.code, "login_required");
  assert.equal(page.headers.get("cache-control"), "no-store");
  assert.ok([...own.browser.cookies.keys()].every((name) => !/\.\d+$/.test(name)));
  assert.deepEqual((await own.browser.get(`${own.app.origin}/`)).json, { user: null });
  assert.equal(own.issuer.count("refresh_token"), 1);
});

inBoth("while the server is away a session goes on until its access token ends", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.issuer.away = true;
  own.clock.seconds += 550;
  for (let i = 0; i < 5; i += 1) assert.equal((await hello(own)).status, 200);
  assert.equal(own.issuer.count("refresh_token"), 1);
  assert.equal(own.app.warnings.length, 1);
  own.clock.seconds += 2;
  assert.equal((await hello(own)).status, 200);
  assert.equal(own.issuer.count("refresh_token"), 2);
  own.clock.seconds += 100;
  const page = await hello(own);
  assert.equal(page.status, 503);
  assert.equal(page.json.code, "server_unavailable");
  assert.equal(page.headers.get("retry-after"), "2");
  assert.equal(page.setCookies.length, 0);
  assert.deepEqual((await own.browser.get(`${own.app.origin}/`)).json, { user: null });
  own.issuer.away = false;
  assert.equal((await hello(own)).status, 503);
  own.clock.seconds += 2;
  assert.equal((await hello(own)).status, 200);
  assert.equal(generation(own.browser), 1);
});

inBoth("only a clear word of the server's ends a session", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.clock.seconds += 550;
  const type = { "Content-Type": "application/json" };
  for (const answer of [
    { status: 200, body: "<h1>A proxy's page</h1>" },
    { status: 200, body: '{"access_token":', headers: type },
    { status: 200, body: '{"access_token":"x"}', headers: type },
    { status: 302, body: "", headers: { Location: "/elsewhere" } },
    { status: 400, body: '{"error":"invalid_request"}', headers: type },
    { status: 401, body: '{"error":"invalid_client"}', headers: type },
    { status: 429, body: '{"error":"slow_down"}', headers: type },
    { status: 500, body: '{"error":"invalid_grant"}', headers: type },
    { status: 200, body: `{"x":"${"x".repeat(300_000)}"}`, headers: type },
  ]) {
    own.issuer.onRequest = ({ path }) => (path.endsWith("/token") ? answer : undefined);
    const page = await hello(own);
    assert.equal(page.status, 200, answer.body.slice(0, 40));
    assert.deepEqual(page.setCookies, []);
    own.clock.seconds += 2;
  }
  own.clock.seconds += 100;
  assert.ok((await hello(own)).status >= 500);
  own.issuer.onRequest = () => undefined;
  own.clock.seconds += 2;
  assert.equal((await hello(own)).status, 200);
});

inBoth("an ID token that cannot be read now leaves the user as they were", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.issuer.rotateKeys();
  own.issuer.idTokenClaims = (claims) => ({ ...claims, name: "Ada King" });
  own.issuer.onRequest = ({ path }) => (path.endsWith("/jwks.json") ? { status: 503, body: "" } : undefined);
  own.clock.seconds += 700;
  const page = await hello(own);
  assert.equal(page.json.name, "Test User");
  assert.equal(generation(own.browser), 1);
});

inBoth("tokens of another person end the session", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.issuer.idTokenClaims = (claims) => ({ ...claims, sub: "mallory" });
  own.clock.seconds += 550;
  assert.equal((await hello(own)).status, 401);
});

inBoth("what a new ID token says of the user holds from then on", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.issuer.idTokenClaims = (claims) => ({ ...claims, name: "Ada King" });
  assert.equal((await hello(own)).json.name, "Test User");
  own.clock.seconds += 550;
  assert.equal((await hello(own)).json.name, "Ada King");
});

inBoth("a client that goes away does not stop the refresh that it began", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  own.clock.seconds += 550;
  await new Promise<void>((resolve) => {
    const request = httpRequest(`${own.app.origin}/hello`, { headers: { cookie: own.browser.header } });
    request.on("error", () => resolve());
    request.end(() => setImmediate(() => setTimeout(() => request.destroy(new Error("gone")), 1)));
    request.on("response", () => resolve());
  });
  while (own.issuer.count("refresh_token") === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await hello(own)).status, 200);
  assert.equal(own.issuer.count("refresh_token"), 1);
  assert.equal(generation(own.browser), 1);
});

inBoth("a cookie secret is replaced without signing anybody out", async (express, t) => {
  const [first, second] = ["first-secret-".padEnd(40, "1"), "second-secret-".padEnd(40, "2")];
  const own = await stage(t, express, { cookieSecrets: [first] });
  await signedIn(own);
  const both = await own.another({ cookieSecrets: [second, first] });
  assert.equal((await own.browser.get(`${both.origin}/hello`)).status, 200);
  const without = await own.another({ cookieSecrets: [second] });
  assert.equal((await own.browser.get(`${without.origin}/hello`)).status, 401);
  own.clock.seconds += 550;
  assert.equal((await own.browser.get(`${both.origin}/hello`)).status, 200);
  assert.equal((await own.browser.get(`${without.origin}/hello`)).status, 200);
});

inBoth("every bit of a session's cookie counts: flipped, the answer is that to a stranger", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  const stranger = await new Browser().ask(`${own.app.origin}/`, { headers: FETCHES });
  const [name = "", value = ""] = [...own.browser.cookies].find(([each]) => /\.0$/.test(each)) ?? [];
  const raw = Buffer.from(value, "ascii");
  const { Sealer } = await import("../src/seal.js");
  const sealer = new Sealer(own.app.options.cookieSecrets as string[], own.issuer.issuer, own.issuer.appId);
  assert.ok(sealer.open("mtas-session", value));
  for (let bit = 0; bit < raw.length * 8; bit += 1) {
    const flipped = Buffer.from(raw);
    flipped[bit >> 3] = (raw[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const text = flipped.toString("latin1");
    assert.equal(sealer.open("mtas-session", text), null, `bit ${bit}`);
    // Over HTTP a few of each kind of damage are enough.
    if (bit % 97 !== 0 || !/^[\x21-\x3a\x3c-\x7e]+$/.test(text)) continue;
    const page = await own.browser.ask(`${own.app.origin}/`, {
      headers: { ...FETCHES, cookie: own.browser.header.replace(`${name}=${value}`, () => `${name}=${text}`) },
    });
    assert.equal(page.status, stranger.status);
    assert.equal(page.text, stranger.text);
    assert.deepEqual(page.setCookies, []);
  }
  assert.deepEqual(own.app.warnings, []);
});

inBoth("a session under another login's or generation's name is none", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  const [name = "", value = ""] = [...own.browser.cookies].find(([each]) => /\.0$/.test(each)) ?? [];
  const lid = own.browser.cookies.get("mtas_test-app") ?? "";
  const ask = (pointer: string, session: string): Promise<Page> => {
    const cookie = `mtas_test-app=${pointer}; ${session}=${value}`;
    return own.browser.ask(`${own.app.origin}/hello`, { headers: { ...FETCHES, cookie } });
  };
  assert.equal((await ask(lid, name)).status, 200);
  assert.equal((await ask(lid, name.replace(/0$/, "1"))).status, 401);
  assert.equal((await ask("b3RoZXJsaWQx", name.replace(lid, "b3RoZXJsaWQx"))).status, 401);
});

inBoth("signing out revokes at the server although the browser has gone", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  const headers = { ...FETCHES, cookie: own.browser.header };
  const request = httpRequest(`${own.app.origin}/auth/logout`, { method: "POST", headers });
  request.on("error", () => undefined);
  request.end(() => setTimeout(() => request.destroy(), 2));
  const until = Date.now() + 5000;
  while (own.issuer.activeGrants > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(own.issuer.activeGrants, 0);
});

inBoth("another site can neither sign out nor change anything", async (express, t) => {
  const own = await stage(t, express);
  await signedIn(own);
  const foreign: Record<string, string>[] = [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "https://evil.example" },
    {},
  ];
  for (const headers of foreign) {
    for (const path of ["/change", "/auth/logout"]) {
      const page = await own.browser.ask(own.app.origin + path, { method: "POST", headers });
      assert.equal(page.status, 403);
      assert.equal(page.json.code, "csrf");
      assert.deepEqual(page.setCookies, []);
    }
    const stranger = await new Browser().ask(`${own.app.origin}/auth/logout`, { method: "POST", headers });
    assert.equal(stranger.status, 403);
  }
  for (const headers of [FETCHES, { "x-mtas-csrf": "1" }, { origin: own.app.origin }] as Record<string, string>[]) {
    const page = await own.browser.ask(`${own.app.origin}/change`, { method: "POST", headers });
    assert.deepEqual(page.json, { changed: "test-user" });
  }
  assert.equal(own.issuer.activeGrants, 1);
});

inBoth("signing out works while the server is away, and says what is left to do", async (express, t) => {
  const own = await stage(t, express, { postLogoutReturnTo: "/bye" });
  await signedIn(own);
  own.issuer.away = true;
  const page = await own.browser.ask(`${own.app.origin}/auth/logout`, {
    method: "POST",
    headers: { ...LOADS_PAGE, "sec-fetch-site": "same-origin" },
  });
  assert.equal(page.status, 303);
  assert.equal((await hello(own)).status, 401);
  assert.match(own.app.warnings.join(), /could not be revoked/);
  const again = await own.browser.ask(`${own.app.origin}/auth/logout`, { method: "POST", headers: FETCHES });
  assert.deepEqual(again.json, { redirect_to: "/bye" });
});
