// What a signed-in request costs beside one that asks nobody: the same Express app in one process, requests one
// after the other on one connection, the three variants in turn so that all meet the same machine.
//
//     npm run build && npm run bench        (--json: for `make bench-sdk`)
//
// express-openid-connect is measured as a peer: it too keeps its session in an encrypted cookie. As it comes, it
// seals that anew in each response.
import { createHash } from "node:crypto";
import { Agent, createServer, request } from "node:http";
import { cpus } from "node:os";
import { performance } from "node:perf_hooks";

import express from "express";
import { base64url, CompactEncrypt, compactDecrypt } from "jose";

import { createMtasAuth } from "../dist/esm/index.js";
import { Sealer } from "../dist/esm/seal.js";
import { FakeIssuer } from "../dist/esm/testing.js";

const ROUNDS = Number(process.env.ROUNDS ?? 30);
const REQUESTS = 200;
const TIMED = 6000;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

const issuer = await FakeIssuer.start({ alg: "RS256" });
const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const options = issuer.options({ appUrl: origin });
const auth = createMtasAuth(options);
const app = express().disable("x-powered-by");
app.get("/plain", (_, response) => response.json({ sub: "test-user" }));
app.use(auth.router());
app.get("/mtas", auth.requireUser(), (req, response) => response.json({ sub: req.auth.user.sub }));
const peer = await usePeer(app);
server.on("request", app);

const variants = { plain: "/plain", "@mtas/express": "/mtas", ...(peer && { "express-openid-connect": "/peer" }) };
const cookies = {};
for (const [name, path] of Object.entries(variants)) cookies[name] = await signIn(path);
cookies.plain = cookies["@mtas/express"]; // the header is sent and read in any case

const times = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
for (let round = -3; round < ROUNDS; round += 1) {
  for (const [name, path] of Object.entries(variants)) {
    for (let i = 0; i < REQUESTS; i += 1) {
      const begun = performance.now();
      const { status } = await get(path, cookies[name]);
      const took = (performance.now() - begun) * 1000;
      if (status !== 200) throw new Error(`${name}: ${status}`);
      if (round >= 0) times[name].push(took);
    }
  }
}

const base = median(times.plain);
if (process.argv.includes("--json")) {
  const names = { plain: "plain", "@mtas/express": "ours", "express-openid-connect": "peer" };
  const rows = Object.entries(times).map(([name, list]) => [
    names[name],
    { median: median(list), p99: quantile(list, 0.99), cookies: cookies[name].length },
  ]);
  const { first } = await openings(cookies["@mtas/express"]);
  console.log(JSON.stringify({ node: process.version, ...Object.fromEntries(rows), opening: first }));
  process.exit();
}
const machine = `Node ${process.version}, ${cpus()[0].model.trim()} x${cpus().length}`;
console.log(`${machine}, ${ROUNDS * REQUESTS} requests each\n`);
for (const [name, list] of Object.entries(times)) {
  const over = name === "plain" ? "" : `  ${format(median(list) - base)} over plain`;
  const size = `${cookies[name].length} B of cookies`;
  console.log(`${name.padEnd(24)} median ${format(median(list))}  p99 ${format(quantile(list, 0.99))}  ${size}${over}`);
}
if (!peer) console.log("express-openid-connect is not installed, or did not sign in: not measured");
const { first, again, jose, bytes } = await openings(cookies["@mtas/express"]);
console.log(`\nopening ${bytes} B (medians): ${format(first)}, again ${format(again)}; with jose ${format(jose)}`);
server.close();
server.closeAllConnections();
agent.destroy();
await issuer.close();

/** Opening the cookie alone: for the first time, again, and with jose, which would be the other way. */
async function openings(header) {
  const sealed = header.split("; ").map((pair) => pair.slice(pair.indexOf("=") + 1)).find((value) => value.length > 99);
  const [secret] = options.cookieSecrets;
  const sealer = new Sealer([secret], options.issuer, options.appId);
  const claims = sealer.open("mtas-session", sealed);
  const others = Array.from({ length: TIMED }, () => sealer.seal("mtas-session", claims));
  const key = createHash("sha256").update("any key of 32 bytes").digest();
  const text = new TextEncoder().encode(JSON.stringify(claims));
  const jwe = await new CompactEncrypt(text).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(key);
  const decoder = new TextDecoder();
  const first = await timed((i) => sealer.open("mtas-session", others[i]));
  const again = await timed(() => sealer.open("mtas-session", sealed));
  const jose = await timed(async () => JSON.parse(decoder.decode((await compactDecrypt(jwe, key)).plaintext)));
  const bytes = base64url.decode(sealed.split(".")[3]).length;
  return { first, again, jose, bytes };
}

async function timed(run) {
  const list = [];
  for (let i = 0; i < TIMED; i += 1) {
    const begun = performance.now();
    await run(i);
    if (i >= 1000) list.push((performance.now() - begun) * 1000);
  }
  return median(list);
}

async function usePeer(app) {
  try {
    const { auth: connect, requiresAuth } = (await import("express-openid-connect")).default;
    const router = express.Router();
    router.use(
      connect({
        issuerBaseURL: issuer.issuer,
        baseURL: origin,
        clientID: issuer.appId,
        clientSecret: issuer.appSecret,
        secret: options.cookieSecrets[0],
        authRequired: false,
        authorizationParams: { response_type: "code", scope: "openid profile email" },
        clientAuthMethod: "client_secret_basic",
        routes: { login: "/peer-login", callback: "/peer-callback", logout: "/peer-logout" },
        httpTimeout: 5000,
      }),
    );
    router.get("/peer", requiresAuth(), (req, response) => response.json({ sub: req.oidc.user.sub }));
    // Only for its own paths, so that the others do not pay for it.
    app.use((req, res, next) => (req.path.startsWith("/peer") ? router(req, res, next) : next()));
    return true;
  } catch {
    return false;
  }
}

async function signIn(path) {
  const jar = new Map();
  let url = origin + path;
  for (let i = 0; i < 10; i += 1) {
    const { status, headers, text } = await get(url, header(jar), true);
    for (const line of headers["set-cookie"] ?? []) {
      const [pair] = line.split(";");
      const at = pair.indexOf("=");
      if (/max-age=0|1970/i.test(line)) jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    if (status < 300 || status > 399) {
      if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
      return header(jar);
    }
    url = new URL(headers.location, url).href;
  }
  throw new Error(`${path}: too many redirects`);
}

function header(jar) {
  return [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
}

function get(target, cookie, isNavigation = false) {
  const navigation = isNavigation && { accept: "text/html", "sec-fetch-mode": "navigate" };
  const headers = { ...(cookie && { cookie }), ...navigation };
  return new Promise((resolve, reject) => {
    request(new URL(target, origin), { agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
    })
      .on("error", reject)
      .end();
  });
}

function quantile(list, at) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length * at)];
}

function median(list) {
  return quantile(list, 0.5);
}

function format(microseconds) {
  return `${microseconds.toFixed(1)} µs`;
}
