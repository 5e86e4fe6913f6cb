/** The bearer guard, and the issuer's keys over time. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";

import { readConfig } from "../src/config.js";
import { Context } from "../src/context.js";
import { Http } from "../src/http.js";
import { Issuer } from "../src/issuer.js";
import { ConfigurationError, createMtasAuth } from "../src/index.js";
import { cookieHeader, sessionCookie } from "../src/testing.js";
import { inBoth, stage, type Stage } from "./support/app.js";
import { FETCHES, type Page } from "./support/browser.js";

function call({ app, browser }: Stage, token?: string, path = "/api"): Promise<Page> {
  return browser.ask(app.origin + path, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
}

const jwksFetches = ({ issuer }: Stage): number =>
  issuer.requests.filter((request) => request.path.endsWith("/jwks.json")).length;

inBoth("an API lets in who has an access token for it, and says why not", async (express, t) => {
  const own = await stage(t, express);
  const { issuer, clock } = own;
  const page = await call(own, issuer.accessToken());
  assert.equal(page.status, 200, page.text);
  assert.deepEqual(page.json, { sub: "test-user" });

  const missing = await call(own);
  assert.equal(missing.status, 401);
  assert.equal(missing.json.code, "token_missing");
  assert.equal(missing.headers.get("www-authenticate"), "Bearer");

  const [head, body, signature] = issuer.accessToken().split(".");
  const refused = {
    nonsense: "nonsense",
    "of another audience": issuer.accessToken({ aud: "another" }),
    "of another issuer": issuer.accessToken({ iss: "https://evil.example" }),
    expired: issuer.accessToken({ exp: clock.seconds - 30 }),
    unsigned: `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${body}.`,
    "signed otherwise": `${head}.${body}.${issuer.accessToken().split(".")[2]}`,
    "with a byte more": `${head}.${body}.${signature}AA`,
  };
  for (const [name, token] of Object.entries(refused)) {
    const answer = await call(own, token);
    assert.equal(answer.status, 401, name);
    assert.equal(answer.json.code, "token_invalid", name);
    assert.equal(answer.headers.get("www-authenticate"), 'Bearer error="invalid_token"');
    assert.ok(!answer.text.includes(token));
  }

  const narrow = await call(own, issuer.accessToken(), "/api/orders");
  assert.equal(narrow.status, 403);
  assert.equal(narrow.json.code, "insufficient_scope");
  assert.equal(narrow.headers.get("www-authenticate"), 'Bearer error="insufficient_scope", scope="orders.read"');
  assert.equal((await call(own, issuer.accessToken({ scope: "orders.read" }), "/api/orders")).status, 200);
});

inBoth("a session opens no API, and an ID token neither", async (express, t) => {
  const own = await stage(t, express);
  await own.browser.load(`${own.app.origin}/hello`);
  assert.equal((await call(own)).status, 401);
  let idToken = "";
  own.issuer.idTokenClaims = (claims) => claims;
  const out = await own.browser.ask(`${own.app.origin}/auth/logout`, { method: "POST", headers: FETCHES });
  idToken = new URL(out.json.redirect_to).searchParams.get("id_token_hint") ?? "";
  assert.equal((await call(own, idToken)).json.code, "token_invalid");
});

inBoth("with a resource, only tokens for it count", async (express, t) => {
  const own = await stage(t, express, { resource: "https://api.example.com" });
  assert.equal((await call(own, own.issuer.accessToken())).status, 401);
  assert.equal((await call(own, own.issuer.accessToken({ aud: "https://api.example.com" }))).status, 200);
});

inBoth("a key that nobody knows asks the issuer once in half a minute", async (express, t) => {
  const own = await stage(t, express);
  await call(own, own.issuer.accessToken());
  const before = own.issuer.accessToken();
  own.issuer.rotateKeys();
  const after = own.issuer.accessToken();
  const pages = await Promise.all(Array.from({ length: 20 }, (_, i) => call(own, i % 2 ? before : after)));
  assert.deepEqual(new Set(pages.map((page) => page.status)), new Set([200]));
  assert.equal(jwksFetches(own), 2);
  const stranger = await stage(t, express);
  for (let i = 0; i < 20; i += 1) assert.equal((await call(own, stranger.issuer.accessToken())).status, 401);
  assert.equal(jwksFetches(own), 2);
  own.clock.seconds += 30;
  await call(own, stranger.issuer.accessToken());
  assert.equal(jwksFetches(own), 3);
});

inBoth("known keys serve while the server is away, until they are too old", async (express, t) => {
  const own = await stage(t, express, { jwksStaleS: 3600 });
  own.issuer.accessTokenTtlS = 1_000_000;
  const token = own.issuer.accessToken();
  assert.equal((await call(own, token)).status, 200);
  own.issuer.away = true;
  own.clock.seconds += 600 + 3599;
  assert.equal((await call(own, token)).status, 200);
  own.clock.seconds += 1;
  const page = await call(own, token);
  assert.equal(page.status, 503);
  assert.equal(page.headers.get("retry-after"), "2");
  own.issuer.away = false;
  own.clock.seconds += 30;
  assert.equal((await call(own, token)).status, 200);
});

inBoth("a key that was withdrawn no longer counts once the set is fetched anew", async (express, t) => {
  const own = await stage(t, express);
  const token = own.issuer.accessToken();
  assert.equal((await call(own, token)).status, 200);
  own.issuer.rotateKeys({ withdraw: true });
  own.clock.seconds += 599;
  assert.equal((await call(own, token)).status, 200);
  own.clock.seconds += 1;
  assert.equal((await call(own, token)).status, 401);
});

inBoth("an app's own tests need no issuer for somebody who is signed in", async (express, t) => {
  const own = await stage(t, express);
  const user = { sub: "ada", name: "Ada", roles: ["admin"] };
  const cookies = sessionCookie(own.app.options, user, { now: own.clock.seconds });
  const headers = { ...FETCHES, cookie: cookieHeader(cookies) };
  assert.deepEqual((await own.browser.ask(`${own.app.origin}/hello`, { headers })).json, user);
  assert.equal(own.issuer.requests.length, 0);
});

test("a configuration's problems are said all at once, each with what to do", () => {
  const wrong = { issuer: "http://auth.example.com", appUrl: "https://app.example/x", colour: "red" } as object;
  assert.throws(
    () => createMtasAuth(wrong),
    (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.equal(error.problems.length, 6);
      assert.match(error.message, /colour: there is no such option/);
      assert.match(error.message, /issuer \(MTAS_ISSUER\): must begin with https/);
      assert.match(error.message, /appUrl \(MTAS_APP_URL\): must be an origin alone; use https:\/\/app\.example/);
      assert.match(error.message, /cookieSecrets \(MTAS_COOKIE_SECRETS\): is missing; make one/);
      return true;
    },
  );
});

test("nothing that an app may log shows a secret or a token", async (t) => {
  const own = await stage(t);
  const secrets = [own.issuer.appSecret, "a-cookie-secret-for-tests"];
  for (const text of [inspect(own.app.auth, { depth: 9, showHidden: true }), JSON.stringify(own.app.auth)]) {
    for (const secret of secrets) assert.ok(!text.includes(secret), text);
    assert.match(text, /test-app/);
  }
  const session = { v: 1, lid: "", gen: 0, sub: "ada", user: {}, at: "TOKEN", at_exp: 0, rt: "TOKEN", idt: "TOKEN" };
  const auth = new Context({ ...session, scope: "openid", iat: 0, exp: 0 } as never);
  assert.equal(auth.accessToken, "TOKEN");
  assert.ok(!inspect(auth, { depth: 9, showHidden: true }).includes("TOKEN"));
  assert.ok(!JSON.stringify(auth).includes("TOKEN"));
});

test("two apps in one process each have their own users, and a log of the request shows no token", async (t) => {
  const own = await stage(t);
  const { default: express } = await import("express");
  const admin = createMtasAuth({ ...own.app.options, appId: "admin", prefix: "/admin/auth" }, { now: own.clock.now });
  const app = express();
  let logged = "";
  app.use(own.app.auth.middleware, (request, _, next) => {
    logged = inspect(request, { depth: 9 });
    next();
  });
  app.get("/admin", admin.requireUser(), (request, response) => void response.json(request.auth.user));
  const server = app.listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const details = { now: own.clock.seconds, accessToken: "TOKEN" };
  const cookie = cookieHeader(sessionCookie(own.app.options, { sub: "ada" }, details));
  const page = await own.browser.ask(`http://127.0.0.1:${port}/admin`, { headers: { cookie } });
  assert.equal(page.status, 401, page.text);
  assert.match(logged, /sub: 'ada'/);
  assert.ok(!logged.includes("TOKEN"));
});

test("whoever names a new key while it is being looked for waits for what that finds", async (t) => {
  const own = await stage(t);
  let goOn = (): void => undefined;
  const held = new Promise<void>((resolve) => (goOn = resolve));
  let fetches = 0;
  const http = new Http(5, async (input, init) => {
    if (String(input).endsWith("/jwks.json") && ++fetches > 1) await held;
    return fetch(input, init);
  });
  const issuer = new Issuer(readConfig(own.app.options), http, own.clock.now);
  const kid = (): string => JSON.parse(atob(own.issuer.accessToken().split(".")[0] ?? "")).kid as string;
  assert.ok(await issuer.key(kid(), "ES256"));
  own.issuer.rotateKeys();
  const first = issuer.key(kid(), "ES256");
  await new Promise((resolve) => setImmediate(resolve));
  const second = issuer.key(kid(), "ES256");
  await new Promise((resolve) => setImmediate(resolve));
  goOn();
  assert.equal((await first)?.kid, kid());
  assert.equal((await second)?.kid, kid());
  assert.equal(fetches, 2);
});

test("an error that is not ours goes to the app's error handler", async (t) => {
  const own = await stage(t);
  const { default: express } = await import("express");
  const auth = createMtasAuth(own.app.options, { now: () => { throw new Error("a fault"); } });
  const app = express();
  app.get("/", auth.requireUser(), (_, response) => void response.end());
  app.use(((error: Error, _request: unknown, response: { end: (text: string) => void }, _next: unknown) => {
    response.end(`handled: ${error.message}`);
  }) as never);
  const server = app.listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const cookie = cookieHeader(sessionCookie(own.app.options));
  const page = await own.browser.ask(`http://127.0.0.1:${port}/`, { headers: { cookie } });
  assert.equal(page.text, "handled: a fault");
});
