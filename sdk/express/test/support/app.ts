/** An app in Express 4 or 5 behind the fake issuer, and a browser in front of it. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import express5 from "express";
import express4 from "express4";

import { createMtasAuth, type MtasAuth, type MtasOptions } from "../../src/index.js";
import { FakeIssuer, type FakeIssuerOptions } from "../../src/testing.js";
import { Browser } from "./browser.js";

export const VERSIONS = { "Express 4": express4, "Express 5": express5 } as const;
export type Express = typeof express5;

export class Clock {
  constructor(public seconds = 1_800_000_000) {}
  readonly now = (): number => this.seconds;
}

export interface App {
  readonly origin: string;
  readonly auth: MtasAuth;
  readonly options: MtasOptions;
  readonly warnings: string[];
}

export interface Stage {
  readonly issuer: FakeIssuer;
  readonly clock: Clock;
  readonly app: App;
  readonly browser: Browser;
  /** Another process of the same app, as far as memory goes; at the same origin for its cookies' sake. */
  readonly another: (more?: MtasOptions) => Promise<App>;
}

export async function stage(
  context: TestContext,
  express: Express = express5,
  more: MtasOptions = {},
  issuerOptions: FakeIssuerOptions = {},
): Promise<Stage> {
  const clock = new Clock();
  const issuer = await FakeIssuer.start({ alg: "ES256", now: clock.now, ...issuerOptions });
  context.after(() => issuer.close());
  const another = async (changes: MtasOptions = {}): Promise<App> => {
    const started = await start(context, express, issuer, clock, { ...more, ...changes });
    return started;
  };
  const app = await another();
  return {
    issuer,
    clock,
    app,
    browser: new Browser(),
    another: (changes = {}) => another({ appUrl: app.origin, ...changes }),
  };
}

async function start(
  context: TestContext,
  express: Express,
  issuer: FakeIssuer,
  clock: Clock,
  more: MtasOptions,
): Promise<App> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = issuer.options({ appUrl: origin, ...more });
  const warnings: string[] = [];
  const auth = createMtasAuth(options, { now: clock.now, warn: (message) => warnings.push(message) });
  server.on("request", wire(express, auth));
  context.after(async () => {
    await auth.close();
    await close(server);
  });
  return { origin, auth, options, warnings };
}

function wire(express: Express, auth: MtasAuth): ReturnType<Express> {
  const app = express();
  app.use(auth.router());
  app.get("/", auth.middleware, (request, response) => {
    response.json({ user: request.auth.user ?? null });
  });
  app.get("/hello", auth.requireUser(), (request, response) => {
    response.json(request.auth.user);
  });
  app.get("/cached", auth.requireUser(), (_, response) => {
    response.setHeader("Set-Cookie", "theirs=1");
    response.writeHead(200, { "Cache-Control": "public, max-age=60", "Set-Cookie": "theirs=2" });
    response.end("cached");
  });
  app.all("/change", auth.requireUser(), (request, response) => {
    response.json({ changed: request.auth.user?.sub });
  });
  app.get("/api", auth.requireAccessToken(), (request, response) => {
    response.json({ sub: request.auth.claims?.sub });
  });
  app.get("/api/orders", auth.requireAccessToken({ scope: "orders.read" }), (request, response) => {
    response.json({ sub: request.auth.claims?.sub });
  });
  app.use("/below", auth.middleware, (request: express5.Request, response: express5.Response) => {
    response.json({ user: request.auth.user ?? null });
  });
  return app;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** The same behaviour in Express 4 and 5. */
export function inBoth(name: string, body: (express: Express, context: TestContext) => Promise<void>): void {
  for (const [version, express] of Object.entries(VERSIONS)) {
    test(`${name} (${version})`, (context) => body(express, context));
  }
}
