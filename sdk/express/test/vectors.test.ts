/** The golden vectors of sdk/vectors, all of them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { readSession, readTransaction } from "../src/claims.js";
import { type MtasOptions, readConfig } from "../src/config.js";
import { CookieNames, join, parseCookies, split } from "../src/cookies.js";
import { ConfigurationError, type ErrorCode, MtasError, problem } from "../src/errors.js";
import { checkMetadata } from "../src/issuer.js";
import { verifyAccessToken, verifyIdToken, Refusal } from "../src/jwt.js";
import { readKeys } from "../src/keys.js";
import { isDue } from "../src/refresh.js";
import { canGoToLogin, isCsrfSafe, isNavigation, isPrefetch } from "../src/request.js";
import { safeReturnTo } from "../src/return_to.js";
import { derive, deriveKid, Sealer } from "../src/seal.js";
import { vectors } from "./support/vectors.js";

describe("keys", () => {
  for (const { secret, issuer, app_id, typ, kid, key } of vectors("keys").cases) {
    test(`${secret.slice(0, 10)} ${typ} ${app_id}`, () => {
      assert.equal(deriveKid(secret), kid);
      assert.equal(derive(secret, `mtas cookie v1|${typ}|${issuer}|${app_id}`, 32).toString("base64url"), key);
    });
  }
});

for (const file of ["session", "transaction"]) {
  describe(file, () => {
    const { config, typ, now, cases } = vectors(file);
    const sealer = new Sealer(config.cookie_secrets, config.issuer, config.app_id);
    const read = file === "session" ? readSession : readTransaction;
    for (const { name, secret, claims, plaintext, iv, sealed } of cases) {
      test(`${name}: opened`, () => {
        const opened = read(sealer.open(typ, sealed), now);
        assert.deepEqual(opened, claims);
        assert.equal(JSON.stringify(opened), plaintext);
      });
      test(`${name}: sealed`, () => {
        const own = new Sealer([secret], config.issuer, config.app_id);
        assert.equal(own.seal(typ, claims, Buffer.from(iv, "base64url")), sealed);
      });
    }
  });
}

describe("refused", () => {
  const { config, now, cases } = vectors("refused");
  const sealer = new Sealer(config.cookie_secrets, config.issuer, config.app_id);
  for (const { name, typ, value } of cases) {
    test(name, () => {
      const read = typ === "mtas-session" ? readSession : readTransaction;
      assert.equal(read(sealer.open(typ, value), now), null);
    });
  }
});

describe("chunks", () => {
  const { write, read } = vectors("chunks");
  for (const { name, cookie, value, cookies } of write) {
    test(`written: ${name}`, () => {
      const parts = split(cookie, value);
      assert.deepEqual(parts && Object.fromEntries(parts), cookies);
      if (parts) assert.equal(join(cookie, parts), value);
    });
  }
  for (const { name, cookie, cookies, value } of read) {
    test(`read: ${name}`, () => {
      assert.equal(join(cookie, new Map(Object.entries(cookies))), value);
    });
  }
});

describe("cookies", () => {
  const { config, names, headers, pick, swept } = vectors("cookies");
  test("only what is ours to the end of its name is swept away", () => {
    const own = new CookieNames(config.app_url, config.app_id);
    const all = new Map([...swept.ours, ...swept.others].map((name: string) => [name, "x"]));
    const gone = [...own.sweep(all, own.point("b3RoZXJsaWQx", 9)), ...own.crowd(all, () => undefined)];
    const deleted = gone.filter(({ value }) => value === null).map(({ name }) => name);
    assert.deepEqual(deleted.sort(), [...swept.ours].sort());
  });
  for (const { app_url, lid, gen, state, pointer, session, transaction, secure } of names) {
    test(`names at ${app_url}`, () => {
      const own = new CookieNames(app_url, config.app_id);
      assert.equal(own.pointer, pointer);
      assert.equal(own.session(lid, gen), session);
      assert.equal(own.transaction(state), transaction);
      const line = own.render({ name: pointer, value: lid, maxAgeS: 9 });
      assert.equal(/; Secure/.test(line), secure);
      assert.match(line, /; Path=\/; HttpOnly; SameSite=Lax/);
    });
  }
  for (const { name, header, cookies } of headers) {
    test(`header: ${name}`, () => assert.deepEqual(Object.fromEntries(parseCookies(header)), cookies));
  }
  for (const { name, cookies, generations } of pick) {
    test(`picked: ${name}`, () => {
      const own = new CookieNames(config.app_url, config.app_id);
      assert.deepEqual(own.generations(new Map(Object.entries(cookies))), generations);
    });
  }
});

describe("return_to", () => {
  const { prefix, default: fallback, cases } = vectors("return_to");
  for (const { input, result } of cases) {
    test(JSON.stringify(input).slice(0, 60), () => assert.equal(safeReturnTo(input, prefix, fallback), result));
  }
});

describe("csrf", () => {
  const { app_url, cases } = vectors("csrf");
  for (const { name, method, headers, allowed } of cases) {
    test(name, () => assert.equal(isCsrfSafe(method, headers, app_url), allowed));
  }
});

describe("navigation", () => {
  const { cases, prefetch } = vectors("navigation");
  for (const { name, method, headers, navigation, to_login } of cases) {
    test(name, () => {
      assert.equal(isNavigation(headers), navigation);
      assert.equal(canGoToLogin(method, headers), to_login);
    });
  }
  for (const { name, headers, prefetch: wanted } of prefetch) {
    test(`prefetch: ${name}`, () => assert.equal(isPrefetch(headers), wanted));
  }
});

describe("refresh", () => {
  const { now, cases } = vectors("refresh");
  for (const { name, iat, at_exp, refresh_before_s, due, valid } of cases) {
    test(name, () => {
      assert.equal(isDue({ iat, at_exp }, refresh_before_s, now), due);
      assert.equal(at_exp > now, valid);
    });
  }
});

describe("errors", () => {
  const { type_prefix, cases } = vectors("errors");
  for (const { code, status, title } of cases) {
    test(code, () => {
      const body = problem(new MtasError(code as ErrorCode, "what to do"), "/auth/login");
      assert.deepEqual(
        { type: body.type, status: body.status, title: body.title, code: body.code },
        { type: type_prefix + code, status, title, code },
      );
    });
  }
});

describe("config", () => {
  const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  for (const { name, options, problems } of vectors("config").cases) {
    test(name, () => {
      const ours = Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
      let found: string[] = [];
      try {
        readConfig(ours as MtasOptions, {});
      } catch (error) {
        assert.ok(error instanceof ConfigurationError);
        found = error.problems.map((one) => /^\w+/.exec(one)?.[0] ?? one);
      }
      assert.deepEqual(found.sort(), (problems as string[]).map(camel).sort());
    });
  }
});

describe("jwt", () => {
  const { now, leeway, issuer, app_id, jwks, access_token, id_token } = vectors("jwt");
  const keys = readKeys(jwks) ?? [];
  const rules = {
    issuer,
    now,
    leewayS: leeway,
    findKey: (kid: string, alg: string) => keys.find((key) => key.kid === kid && key.alg === alg),
  };
  for (const { name, audience, token, accept } of access_token) {
    test(`access token: ${name}`, () => judge(verifyAccessToken(token, audience, rules), accept));
  }
  for (const { name, nonce, access_token: accessToken, token, accept } of id_token) {
    const wanted = { appId: app_id, nonce: nonce ?? undefined, accessToken };
    test(`ID token: ${name}`, () => judge(verifyIdToken(token, wanted, rules), accept));
  }
});

async function judge(verified: Promise<unknown>, accept: boolean): Promise<void> {
  if (accept) assert.ok(await verified);
  else await assert.rejects(verified, Refusal);
}

describe("jwks", () => {
  for (const { name, jwks, usable } of vectors("jwks").cases) {
    test(name, () => {
      const keys = readKeys(jwks);
      assert.deepEqual(keys && keys.map((key) => [key.kid, key.kty]), usable);
    });
  }
});

describe("discovery", () => {
  const { issuer, cases } = vectors("discovery");
  for (const { name, document, accept } of cases) {
    test(name, () => {
      if (accept) assert.equal(checkMetadata(document, issuer).issuer, issuer);
      else assert.throws(() => checkMetadata(document, issuer), { code: "discovery_mismatch" });
    });
  }
});
