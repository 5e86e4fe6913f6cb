/** The session's cookies: damaged, swapped, late, or under a secret that was replaced. */
import assert from "node:assert/strict";

import { inBoth, stage } from "./support/app.js";
import { Browser, FETCHES, type Page } from "./support/browser.js";
import { generation, hello, signedIn } from "./support/login.js";

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
