// The package as its users get it: packed, looked over by publint and attw, installed in empty folders, and
// the quick start of docs/sdk/express.md run from there, as it stands.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, "node_modules/.bin", name);
const guide = readFileSync(join(root, "../../docs/sdk/express.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "mtas-express-"));

try {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  assert.ok(!lock.includes("://"), "package-lock.json holds a URL; `npm run lock` writes it without");

  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], root);
  const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const packed = join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
  run(bin("publint"), ["--strict", packed], root);
  run(bin("attw"), ["--profile", "node16", "--no-emoji", packed], root);

  const app = join(folder, "app");
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), "{}\n");
  cpSync(join(root, ".npmrc"), join(app, ".npmrc"));
  const others = ["express@5", "@types/express@5", "@types/node@20"];
  run("npm", ["install", "--silent", "--no-package-lock", "--prefer-offline", packed, ...others], app);

  const quickStart = block("js", "app.listen");
  writeFileSync(join(app, "app.mjs"), quickStart);
  const required = block("js", "require(");
  const body = quickStart.split("\n").filter((line) => !line.startsWith("import ")).join("\n");
  writeFileSync(join(app, "app.cjs"), required + body);

  await signIn(app, ["app.mjs"]);
  await signIn(app, ["app.cjs"]);
  // As in the Node versions where require() loads no ES module.
  await signIn(app, ["--no-experimental-require-module", "app.cjs"]);
  checkTypes(app, quickStart);
  console.log("the package is as it should be");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (status === 0) return;
  console.error(`${command} ${args[0]} failed in ${cwd} ${error?.message ?? ""}`);
  if (command === "npm" && args[0] === "install") console.error("npm needs its registry here.");
  process.exit(1);
}

/** The block of the guide in that language which holds `text`. */
function block(language, text) {
  const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, tag]) => tag === language);
  const found = blocks.map(([, , code]) => code).find((code) => code.includes(text));
  assert.ok(found, `docs/sdk/express.md has no ${language} block with ${text}`);
  return found;
}

/** Starts the app as a user would, and signs in through it. */
async function signIn(app, args) {
  const { FakeIssuer } = await import("@mtas/express/testing");
  const issuer = await FakeIssuer.start();
  const port = await sparePort();
  const origin = `http://localhost:${port}`;
  const { appSecret, cookieSecrets } = issuer.options();
  const env = {
    PATH: process.env.PATH,
    PORT: String(port),
    MTAS_ISSUER: issuer.issuer,
    MTAS_APP_ID: issuer.appId,
    MTAS_APP_SECRET: appSecret,
    MTAS_APP_URL: origin,
    MTAS_COOKIE_SECRETS: cookieSecrets.join(),
  };
  const node = spawn(process.execPath, args, { cwd: app, env, stdio: "inherit" });
  try {
    await waitFor(`${origin}/`, node);
    const cookies = new Map();
    let url = `${origin}/hello`;
    let answer = await get(url, cookies);
    for (let i = 0; i < 6 && answer.status === 303; i += 1) {
      url = new URL(answer.location, url).href;
      answer = await get(url, cookies);
    }
    assert.equal(url, `${origin}/hello`);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(JSON.parse(answer.text), issuer.user);
    console.log(`node ${args.join(" ")}: signs in`);
  } finally {
    node.kill();
    await issuer.close();
  }
}

function get(url, cookies) {
  const headers = {
    accept: "text/html",
    "sec-fetch-mode": "navigate",
    cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
  };
  return new Promise((resolve, reject) => {
    request(url, { headers, agent: false }, (response) => {
      for (const line of response.headers["set-cookie"] ?? []) {
        const [pair] = line.split(";");
        cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
      }
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, location: response.headers.location, text }));
    })
      .on("error", reject)
      .end();
  });
}

async function waitFor(url, node) {
  for (let i = 0; i < 400; i += 1) {
    assert.equal(node.exitCode, null, "the quick start ended by itself");
    if (await get(url, new Map()).then(() => true, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail("the quick start does not listen");
}

function sparePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "localhost", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** What an app in TypeScript sees, strictly, as an ES module and as CommonJS, with the types of our dependencies. */
function checkTypes(app, quickStart) {
  const more = `
import { FakeIssuer, sessionCookie } from "@mtas/express/testing";
app.get("/name", auth.middleware, (req, res) => {
  const name: string | undefined = req.auth.user?.name;
  res.json({ name, cookies: sessionCookie({}, { sub: "ada" }), issuer: FakeIssuer });
});
app.use("/api", auth.requireAccessToken({ scope: "orders.read" }));
app.use(auth.middleware);
`;
  writeFileSync(join(app, "app.mts"), quickStart + more);
  writeFileSync(join(app, "app.cts"), quickStart + more);
  const compilerOptions = {
    module: "nodenext", target: "es2022", strict: true, noEmit: true, types: ["node"], esModuleInterop: true,
    exactOptionalPropertyTypes: true, skipLibCheck: false,
  };
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["app.mts", "app.cts"] }));
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", app], app);
}
