/** Sessions over time: when they are refreshed, what ends them, and what is left when the server is away. */
import assert from "node:assert/strict";

import { inBoth, stage } from "./support/app.js";
import { generation, hello, signedIn } from "./support/login.js";

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
