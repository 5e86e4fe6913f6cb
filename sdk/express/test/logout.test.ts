/** Signing out, and who may not do it. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";

import { inBoth, stage } from "./support/app.js";
import { Browser, FETCHES, LOADS_PAGE } from "./support/browser.js";
import { hello, signedIn } from "./support/login.js";

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
