/** A callback that comes twice: one sign-in, and no less of a defence. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { type App, inBoth, stage, type Stage } from "./support/app.js";
import { Browser, FETCHES } from "./support/browser.js";
import { answered, assertPage, call, signedIn } from "./support/login.js";
import { startValkey } from "./support/valkey.js";

/** Browsers with the cookies that this one has now. */
function copies({ browser }: Stage, count: number): Browser[] {
  return Array.from({ length: count }, () => {
    const copy = new Browser();
    for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
    return copy;
  });
}

async function assertOneSignIn(own: Stage, apps: readonly App[]): Promise<void> {
  const url = await answered(own, "?returnTo=/hello");
  const [late, ...browsers] = copies(own, 9);
  const origin = (i: number): string => (apps[i % apps.length] ?? own.app).origin;
  const target = (i: number): string => origin(i) + url.pathname + url.search;
  const pages = await Promise.all(browsers.map((browser, i) => call({ browser }, target(i))));
  assert.ok(late);
  pages.push(await call({ browser: late }, target(0)));
  for (const page of pages) {
    assert.equal(page.status, 303, page.text);
    assert.equal(page.headers.get("location"), "/hello");
  }
  assert.equal(own.issuer.count("authorization_code"), 1);
  assert.equal(own.issuer.activeGrants, 1);
  for (const browser of [...browsers, late]) {
    assert.equal((await browser.get(`${own.app.origin}/hello`)).status, 200);
    assert.equal(browser.cookies.size, 2);
  }
}

inBoth("a callback that comes twice at once is one sign-in, whichever answer the browser takes", async (express, t) => {
  const own = await stage(t, express);
  await assertOneSignIn(own, [own.app]);
});

test("with Redis, also when it comes to two processes", async (t) => {
  const valkey = await startValkey(t);
  if (valkey === null) return;
  const own = await stage(t, undefined, { redisUrl: valkey.url });
  await assertOneSignIn(own, [own.app, await own.another()]);
});

inBoth("what a code gave is for its own login alone, and for ten seconds", async (express, t) => {
  const own = await stage(t, express);
  const url = await answered(own);
  const [again = new Browser(), other = new Browser()] = copies(own, 2);
  const begun = await answered({ ...own, browser: other });
  assert.equal((await call(own, url)).status, 303);
  assertPage(await call({ browser: new Browser() }, url), 400, "state_missing");
  begun.searchParams.set("code", url.searchParams.get("code") ?? "");
  assertPage(await call({ browser: other }, begun), 400, "code_rejected");
  own.clock.seconds += 10;
  assertPage(await call({ browser: again }, url), 400, "code_rejected");
});

async function assertStaysOut(own: Stage, late: App): Promise<void> {
  const url = await answered(own);
  const [again = new Browser()] = copies(own, 1);
  assert.equal((await call(own, url)).status, 303);
  const out = await own.browser.ask(`${own.app.origin}/auth/logout`, { method: "POST", headers: FETCHES });
  assert.equal(out.status, 200);
  assertPage(await call({ browser: again }, late.origin + url.pathname + url.search), 400, "code_rejected");
  assert.equal(again.cookies.size, 0);
}

inBoth("a callback that is late brings back nobody who has signed out", async (express, t) => {
  const own = await stage(t, express);
  await assertStaysOut(own, own.app);
  await signedIn(own); // another login is another one
});

test("with Redis, also when it comes to another process", async (t) => {
  const valkey = await startValkey(t);
  if (valkey === null) return;
  const own = await stage(t, undefined, { redisUrl: valkey.url });
  await assertStaysOut(own, await own.another());
});
