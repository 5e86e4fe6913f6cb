/** Many requests and several processes at once: one refresh, and nobody is signed out by it. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";

import { inBoth, stage } from "./support/app.js";
import { FETCHES, type Page } from "./support/browser.js";
import { generation, hello, signedIn } from "./support/login.js";
import { startValkey } from "./support/valkey.js";

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
