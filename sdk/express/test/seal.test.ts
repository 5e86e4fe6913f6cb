/** What the golden vectors cannot show: randomness, and the sessions that are kept open. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Sealer } from "../src/seal.js";

const sealer = (appId = "app"): Sealer =>
  new Sealer(["a-secret-for-the-tests-of-sealing-cookies"], "https://auth.example.com", appId);

test("nothing is sealed alike twice", () => {
  const own = sealer();
  const values = Array.from({ length: 100 }, () => own.seal("mtas-session", { v: 1 }));
  assert.equal(new Set(values.map((value) => value.split(".")[2])).size, 100);
});

test("what one request makes of its claims no other sees", () => {
  const own = sealer();
  const sealed = own.seal("mtas-session", { user: { roles: ["reader"] } });
  for (let i = 0; i < 3; i += 1) {
    const claims = own.open("mtas-session", sealed) as { user: { roles: string[] } };
    assert.deepEqual(claims.user.roles, ["reader"]);
    claims.user.roles.push("admin");
  }
});

test("a session that was opened is not a transaction, nor another app's", () => {
  const own = sealer();
  const sealed = own.seal("mtas-session", { v: 1 });
  assert.ok(own.open("mtas-session", sealed));
  assert.equal(own.open("mtas-tx", sealed), null);
  assert.equal(sealer("another").open("mtas-session", sealed), null);
});

test("any number of sessions is opened, and few are kept", () => {
  const own = sealer();
  const values = Array.from({ length: 2500 }, (_, i) => own.seal("mtas-session", { i }));
  for (const round of [1, 2]) {
    for (const [i, value] of values.entries()) assert.equal(own.open("mtas-session", value)?.["i"], i, `${round}`);
  }
});
