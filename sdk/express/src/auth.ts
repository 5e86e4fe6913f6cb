/** What an app wires up: the routes, the guards, `req.auth`. Works the same in Express 4 and 5. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { inspect } from "node:util";

import { readSession, type Session } from "./claims.js";
import { type Config, type MtasOptions, readConfig } from "./config.js";
import { type Change, CookieNames, join, parseCookies } from "./cookies.js";
import { Context, type RequestAuth } from "./context.js";
import { MtasError } from "./errors.js";
import { Http } from "./http.js";
import { Issuer } from "./issuer.js";
import { Refusal, verifyAccessToken } from "./jwt.js";
import { OidcClient } from "./oidc.js";
import { Redeemer } from "./redeem.js";
import { openRedis } from "./redis.js";
import { isDue, Refresher } from "./refresh.js";
import { canGoToLogin, isCsrfSafe, sentUrl } from "./request.js";
import { sendProblem, sendRedirect, setCookies } from "./response.js";
import { Routes } from "./routes.js";
import { localPath } from "./return_to.js";
import { Sealer } from "./seal.js";
import { userOf } from "./session.js";

/** Fits `app.use()` and `app.get()` of Express 4 and 5. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** For tests, and for where the usual is not at hand. */
export interface Surroundings {
  /** How the server is reached. */
  fetch?: typeof fetch;
  /** Seconds since 1970. */
  now?: () => number;
  /** Where a fault that an operator must mend is told, without secrets; `console.warn` unless given. */
  warn?: (message: string) => void;
}

export interface MtasAuth {
  /** `GET /login`, `GET /callback`, `POST /logout` and `GET /me`, below the prefix: `app.use(auth.router())`. */
  router(): Handler;
  /** `req.auth` on every request, whether somebody is signed in or not: `app.use(auth.middleware)`. */
  readonly middleware: Handler;
  /** Goes on only when somebody is signed in; a page load is sent to sign in, anything else gets a 401. */
  requireUser(): Handler;
  /** For APIs: goes on only with a valid access token in the Authorization header (RFC 6750). */
  requireAccessToken(options?: { scope?: string | readonly string[] }): Handler;
  /** Lets go of what is open (the connection to Redis). */
  close(): Promise<void>;
}

/** Throws: ConfigurationError, with everything that is wrong. */
export function createMtasAuth(options: MtasOptions = {}, surroundings: Surroundings = {}): MtasAuth {
  return new Auth(readConfig(options), surroundings);
}

/** What a request's cookies came to. */
interface Opened {
  readonly session: Session | null;
  /** Why there is none although there might be. */
  readonly error?: MtasError;
}

const BETWEEN_WARNINGS_S = 10;
const MOST_WARNED = 100;
type Marked = IncomingMessage & { auth?: RequestAuth };

export class Auth implements MtasAuth {
  readonly config: Config;
  readonly names: CookieNames;
  readonly sealer: Sealer;
  readonly client: OidcClient;
  readonly redeemer: Redeemer;
  readonly now: () => number;
  readonly #issuer: Issuer;
  readonly #refresher: Refresher;
  readonly #warn: (message: string) => void;
  readonly #close: () => Promise<void>;
  readonly #warned = new Map<string, number>();
  /** By request. Ours alone: another app in this process has other users; and a log of requests shows none. */
  readonly #opened = new WeakMap<IncomingMessage, Promise<Opened>>();
  readonly middleware: Handler;

  constructor(config: Config, surroundings: Surroundings) {
    this.config = config;
    this.now = surroundings.now ?? (() => Math.floor(Date.now() / 1000));
    this.#warn = surroundings.warn ?? ((message) => console.warn(message));
    this.names = new CookieNames(config.appUrl, config.appId);
    this.sealer = new Sealer(config.cookieSecrets, config.issuer, config.appId);
    const http = new Http(config.timeoutS, surroundings.fetch);
    this.#issuer = new Issuer(config, http, this.now);
    this.client = new OidcClient(config, http, this.#issuer, this.now);
    const redis = openRedis(config, this.sealer, this.now, (message) => this.warn(message));
    this.#refresher = new Refresher(this.client, redis?.sharing, this.now);
    this.redeemer = new Redeemer(config, this.client, redis?.sharing, this.now);
    this.#close = redis?.close ?? (() => Promise.resolve());
    this.middleware = this.#handler(async (request, response) => {
      const opened = await this.open(request, response);
      (request as Marked).auth = new Context(opened.session ?? undefined);
      // Where nobody needs to be signed in, a server that is away is no reason to stop.
      if (opened.error?.code === "csrf") throw opened.error;
    });
  }

  router(): Handler {
    const routes = new Routes(this);
    return (request, response, next) => {
      const route = routes.find(request);
      if (route === null) return next();
      route(request, response).catch((error: unknown) => this.#fail(request, response, next, error));
    };
  }

  requireUser(): Handler {
    return this.#handler(async (request, response) => {
      (request as Marked).auth = new Context(await this.requireSession(request, response));
    });
  }

  requireAccessToken({ scope = [] }: { scope?: string | readonly string[] } = {}): Handler {
    const wanted = typeof scope === "string" ? scope.split(" ").filter(Boolean) : [...scope];
    return this.#handler(async (request, response) => {
      try {
        (request as Marked).auth = await this.#readBearer(request, wanted);
      } catch (error) {
        if (error instanceof MtasError && error.status < 500) {
          response.setHeader("WWW-Authenticate", challenge(error, wanted));
        }
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** What a log may show: the configuration holds secrets. */
  toJSON(): object {
    return { issuer: this.config.issuer, appId: this.config.appId };
  }

  [inspect.custom](): string {
    return `MtasAuth ${inspect(this.toJSON())}`;
  }

  /** Throws: MtasError login_required, csrf, server_unavailable. */
  async requireSession(request: IncomingMessage, response: ServerResponse): Promise<Session> {
    const { session, error } = await this.open(request, response);
    if (error) throw error;
    if (session === null) throw new MtasError("login_required", "Send the browser to login_url.");
    return session;
  }

  /** Once a request, however many handlers ask. */
  open(request: IncomingMessage, response: ServerResponse): Promise<Opened> {
    const opened = this.#opened.get(request) ?? this.#open(request, response);
    this.#opened.set(request, opened);
    return opened;
  }

  async #open(request: IncomingMessage, response: ServerResponse): Promise<Opened> {
    const session = this.peek(request);
    if (session === null) return { session };
    if (!isCsrfSafe(request.method, request.headers, this.config.appUrl)) {
      return { session: null, error: new MtasError("csrf", "Send the header X-MTAS-CSRF: 1 with this request.") };
    }
    const now = this.now();
    if (!isDue(session, this.config.refreshBeforeS, now)) return { session };
    const isValid = session.at_exp > now;
    if (session.rt === undefined) return isValid ? { session } : this.#end(request, response, session);
    let next: Session | null;
    try {
      next = await this.#refresher.refresh(session);
    } catch (error) {
      if (!(error instanceof MtasError)) throw error;
      if (!isValid) return { session: null, error };
      this.warn(`${error.message} The session goes on with its access token.`);
      return { session };
    }
    if (next === null) return this.#end(request, response, session);
    try {
      this.store(response, next, this.names.forget(parseCookies(request.headers.cookie), next.lid, next.gen));
    } catch (error) {
      if (!(error instanceof MtasError)) throw error;
      return { ...this.#end(request, response, session), error }; // it has outgrown its cookies
    }
    return { session: next };
  }

  #end(request: IncomingMessage, response: ServerResponse, session: Session): Opened {
    // Not the pointer: by the time this answer arrives, it may point to another login.
    const gone = this.names.forget(parseCookies(request.headers.cookie), session.lid, session.gen + 1);
    setCookies(response, this.names, gone);
    return { session: null };
  }

  /** The session of a request's cookies, as it is: whatever does not open is as if it were not there. */
  peek(request: IncomingMessage): Session | null {
    const header = request.headers.cookie;
    if (header === undefined || !header.includes(this.names.pointer)) return null;
    const cookies = parseCookies(header);
    const lid = this.names.lid(cookies);
    if (lid === null) return null;
    for (const gen of this.names.generations(cookies)) {
      const sealed = join(this.names.session(lid, gen), cookies);
      const session = sealed === null ? null : readSession(this.sealer.open("mtas-session", sealed), this.now());
      if (session?.lid === lid && session.gen === gen) return session;
    }
    return null;
  }

  /** Writes a generation, beside `changes`. Throws: MtasError session_too_large. */
  store(response: ServerResponse, session: Session, changes: readonly Change[]): void {
    const maxAgeS = Math.max((session.rt === undefined ? session.at_exp : session.exp) - this.now(), 1);
    const sealed = this.sealer.seal("mtas-session", session);
    const parts = this.names.write(session.lid, session.gen, sealed, maxAgeS);
    if (parts === null) {
      const detail = `The session has ${sealed.length} bytes, more than five cookies hold. Ask for fewer claims.`;
      throw new MtasError("session_too_large", detail);
    }
    setCookies(response, this.names, [...changes, ...parts]);
  }

  /** Signing in, and then to `returnTo`, if that is a place in this app. */
  loginUrl(returnTo?: string): string {
    const target = localPath(returnTo, this.config.prefix);
    const query = target === null ? "" : `?${new URLSearchParams({ returnTo: target }).toString()}`;
    return `${this.config.prefix}/login${query}`;
  }

  /** For an operator; the same again is not said before some seconds are over. */
  warn(message: string): void {
    const now = this.now();
    if ((this.#warned.get(message) ?? 0) > now) return;
    if (this.#warned.size >= MOST_WARNED) this.#warned.clear();
    this.#warned.set(message, now + BETWEEN_WARNINGS_S);
    this.#warn(`mtas: ${message}`);
  }

  #handler(decide: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Handler {
    return (request, response, next) => {
      decide(request, response).then(
        () => next(),
        (error: unknown) => this.#fail(request, response, next, error),
      );
    };
  }

  #fail(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void, error: unknown): void {
    if (!(error instanceof MtasError) || response.headersSent) return next(error);
    if (error.status >= 500) this.warn(error.message);
    const leads = error.code === "login_required" && canGoToLogin(request.method, request.headers);
    if (leads) sendRedirect(response, this.loginUrl(sentUrl(request)));
    else sendProblem(response, error, this.loginUrl());
  }

  async #readBearer(request: IncomingMessage, wanted: readonly string[]): Promise<RequestAuth> {
    const match = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.authorization ?? "");
    const token = match?.[1];
    if (token === undefined) throw new MtasError("token_missing", "Send Authorization: Bearer and an access token.");
    const { issuer, clockLeewayS: leewayS, appId, resource } = this.config;
    const findKey = (kid: string, alg: string): ReturnType<Issuer["key"]> => this.#issuer.key(kid, alg);
    const rules = { issuer, leewayS, now: this.now(), findKey };
    const claims = await verifyAccessToken(token, resource ?? appId, rules).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      throw new MtasError("token_invalid", `The access token is refused: ${error.message}.`);
    });
    const auth = new Context(undefined, claims);
    const missing = wanted.filter((scope) => !auth.scope.includes(scope));
    if (missing.length > 0) throw new MtasError("insufficient_scope", `Ask for the scope ${missing.join(" ")}.`);
    return auth;
  }

  /** What `GET /me` answers. */
  describe(session: Session): object {
    return { user: userOf(session) };
  }
}

/** RFC 6750 §3. */
function challenge(error: MtasError, scope: readonly string[]): string {
  if (error.code === "token_missing") return "Bearer";
  if (error.code === "insufficient_scope") return `Bearer error="insufficient_scope", scope="${scope.join(" ")}"`;
  return 'Bearer error="invalid_token"';
}
