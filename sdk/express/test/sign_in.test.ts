/** Signing in and out, in Express 4 and 5. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { stage, VERSIONS } from "./support/app.js";
import { FETCHES, LOADS_PAGE } from "./support/browser.js";

for (const [version, express] of Object.entries(VERSIONS)) {
  describe(version, () => {
    test("a page load goes to sign in and comes back to what it asked for", async (t) => {
      const { app, browser, issuer } = await stage(t, express);
      const page = await browser.load(`${app.origin}/hello?a=1&b=%20`);
      assert.equal(page.status, 200);
      assert.equal(page.url, `${app.origin}/hello?a=1&b=%20`);
      assert.deepEqual(page.json, issuer.user);
      assert.deepEqual((await browser.get(`${app.origin}/auth/me`)).json, { user: issuer.user });
      assert.deepEqual((await browser.get(`${app.origin}/`)).json, { user: issuer.user });
      assert.equal(browser.cookies.size, 2);
    });

    test("anything else gets a problem that says where to sign in", async (t) => {
      const { app, browser } = await stage(t, express);
      const page = await browser.get(`${app.origin}/hello`);
      assert.equal(page.status, 401);
      assert.equal(page.headers.get("content-type"), "application/problem+json");
      assert.equal(page.headers.get("cache-control"), "no-store");
      assert.equal(page.json.type, "urn:mtas:error:login_required");
      assert.equal(page.json.code, "login_required");
      assert.equal(page.json.login_url, "/auth/login");
      assert.deepEqual((await browser.get(`${app.origin}/`)).json, { user: null });
    });

    test("signing out revokes, forgets, and goes on to the issuer and back", async (t) => {
      const { app, browser, issuer } = await stage(t, express);
      await browser.load(`${app.origin}/hello`);
      const headers = { ...LOADS_PAGE, "sec-fetch-site": "same-origin" };
      const page = await browser.ask(`${app.origin}/auth/logout`, { method: "POST", headers });
      assert.equal(page.status, 303);
      const location = new URL(page.headers.get("location") ?? "");
      assert.equal(location.origin + location.pathname, `${issuer.issuer}/logout`);
      assert.equal(location.searchParams.get("post_logout_redirect_uri"), `${app.origin}/`);
      assert.equal(location.searchParams.get("client_id"), issuer.appId);
      assert.equal(location.searchParams.get("id_token_hint")?.split(".").length, 3);
      assert.equal(issuer.activeGrants, 0);
      assert.equal(browser.cookies.size, 0);
      assert.equal((await browser.get(`${app.origin}/hello`)).status, 401);
    });

    test("fetch signs out too, and is told where to go", async (t) => {
      const { app, browser, issuer } = await stage(t, express);
      await browser.load(`${app.origin}/hello`);
      const page = await browser.ask(`${app.origin}/auth/logout`, { method: "POST", headers: FETCHES });
      assert.equal(page.status, 200);
      assert.ok(page.json.redirect_to.startsWith(`${issuer.issuer}/logout?`));
      assert.equal(page.headers.get("cache-control"), "no-store");
    });
  });
}
