/** The four routes below the prefix. */
import type { IncomingMessage, ServerResponse } from "node:http";

import type { Auth } from "./auth.js";
import { readTransaction, type Session, type Transaction } from "./claims.js";
import { type Change, parseCookies } from "./cookies.js";
import { MtasError } from "./errors.js";
import { isFromApp, isNavigation, isPrefetch, sentUrl } from "./request.js";
import { sendJson, sendNothing, sendPage, sendProblem, sendRedirect, setCookies } from "./response.js";
import { safeReturnTo } from "./return_to.js";

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const TRANSACTION_S = 600;
/** Passed on to the authorization endpoint. */
const PASSED_ON = ["prompt", "login_hint", "ui_locales"];

export class Routes {
  readonly #auth: Auth;
  readonly #routes: Readonly<Record<string, readonly [string, Route]>>;

  constructor(auth: Auth) {
    this.#auth = auth;
    this.#routes = {
      "/login": ["GET", (request, response) => this.#login(request, response)],
      "/callback": ["GET", (request, response) => this.#callback(request, response)],
      "/logout": ["POST", (request, response) => this.#logout(request, response)],
      "/me": ["GET", (request, response) => this.#me(request, response)],
    };
  }

  /** Null when the request is not for us. */
  find(request: IncomingMessage): Route | null {
    const { prefix } = this.#auth.config;
    const [path = ""] = sentUrl(request).split("?", 1);
    const route = path.startsWith(`${prefix}/`) ? this.#routes[path.slice(prefix.length)] : undefined;
    if (route === undefined) return null;
    const [method, run] = route;
    return request.method === method ? run : (_, response) => notAllowed(response, method);
  }

  async #login(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isPrefetch(request.headers)) return sendNothing(response);
    const auth = this.#auth;
    const { appUrl, prefix, defaultReturnTo } = auth.config;
    const query = queryOf(request, appUrl);
    const more: Record<string, string> = {};
    for (const name of PASSED_ON) {
      const value = query.get(name);
      if (value !== null && value !== "") more[name] = value;
    }
    const returnTo = safeReturnTo(query.get("returnTo"), prefix, defaultReturnTo);
    try {
      const login = await auth.client.newLogin();
      const url = await auth.client.authorizationUrl(login, `${appUrl}${prefix}/callback`, more);
      setCookies(response, auth.names, this.#begin(request, {
        v: 1,
        state: login.state,
        nonce: login.nonce,
        code_verifier: login.codeVerifier,
        return_to: returnTo,
        iat: auth.now(),
        exp: auth.now() + TRANSACTION_S,
      }));
      sendRedirect(response, url);
    } catch (error) {
      this.#refuse(request, response, error, returnTo);
    }
  }

  #begin(request: IncomingMessage, transaction: Transaction): Change[] {
    const { names, sealer } = this.#auth;
    const own = names.begin(transaction.state, sealer.seal("mtas-tx", transaction));
    const begun = (sealed: string): number | undefined => this.#readTransaction(sealed)?.iat;
    return [...names.crowd(parseCookies(request.headers.cookie), begun), own];
  }

  /** RFC 6749 §4.1.2, RFC 9207 §2.4, OIDC Core §3.1.3. */
  async #callback(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const auth = this.#auth;
    let transaction: Transaction | undefined;
    try {
      const query = queryOf(request, auth.config.appUrl);
      checkIssuer(query, auth.config.issuer);
      transaction = this.#findTransaction(request, query.getAll("state"));
      if (transaction === undefined && auth.peek(request) !== null) {
        // The back button, after signing in.
        return sendRedirect(response, auth.config.defaultReturnTo);
      }
      if (transaction === undefined) {
        throw new MtasError("state_missing", "Begin again, in this browser, and keep cookies for this site.");
      }
      const login = {
        state: transaction.state,
        nonce: transaction.nonce,
        codeVerifier: transaction.code_verifier,
      };
      checkAnswer(query);
      const session = await auth.redeemer.redeem(new URL(auth.config.appUrl + sentUrl(request)), login);
      const pointer = auth.names.point(session.lid, auth.config.sessionMaxAgeS);
      const cookies = parseCookies(request.headers.cookie);
      auth.store(response, session, [...auth.names.sweep(cookies, pointer), auth.names.end(login.state)]);
      sendRedirect(response, transaction.return_to);
    } catch (error) {
      // While the server is away the code is not used up: loading the page again may do.
      const isOver = !(error instanceof MtasError && error.code === "server_unavailable");
      if (transaction && isOver) setCookies(response, auth.names, [auth.names.end(transaction.state)]);
      this.#refuse(request, response, error, transaction?.return_to);
    }
  }

  /** The login that this browser began with that state; undefined when it knows of none. */
  #findTransaction(request: IncomingMessage, states: readonly string[]): Transaction | undefined {
    const [state] = states;
    if (state === undefined || state === "" || states.length > 1) {
      throw new MtasError("state_invalid", "The answer must have one state. Begin again.");
    }
    const sealed = parseCookies(request.headers.cookie).get(this.#auth.names.transaction(state));
    const transaction = sealed === undefined ? null : this.#readTransaction(sealed);
    if (transaction === null) return undefined;
    if (transaction.state !== state) throw new MtasError("state_invalid", "It is of another login. Begin again.");
    return transaction;
  }

  #readTransaction(sealed: string): Transaction | null {
    return readTransaction(this.#auth.sealer.open("mtas-tx", sealed), this.#auth.now());
  }

  /** RFC 7009; OpenID Connect RP-Initiated Logout 1.0. */
  async #logout(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const auth = this.#auth;
    const { appUrl, postLogoutReturnTo } = auth.config;
    // Even without a session: a page elsewhere shall not sign anybody out either.
    if (!isFromApp(request.headers, appUrl)) {
      const detail = "Sign out by a form of this app, or send the header X-MTAS-CSRF: 1.";
      return sendProblem(response, new MtasError("csrf", detail));
    }
    const session = auth.peek(request);
    setCookies(response, auth.names, auth.names.sweep(parseCookies(request.headers.cookie)));
    const target = (session && (await this.#endSession(session))) ?? postLogoutReturnTo;
    if (isNavigation(request.headers)) sendRedirect(response, target);
    else sendJson(response, 200, { redirect_to: target });
  }

  /** Revokes the grant, and says where the browser ends its session at the issuer. Never throws. */
  async #endSession(session: Session): Promise<string | null> {
    const { client, config, redeemer } = this.#auth;
    await redeemer.end(session);
    const [url] = await Promise.all([
      client.endSessionUrl(session.idt, config.appUrl + config.postLogoutReturnTo).catch(() => null),
      client.revoke(session.rt ?? session.at).catch((error: unknown) => {
        const reason = error instanceof MtasError ? error.message : "an unexpected error";
        this.#auth.warn(`a grant could not be revoked, and ends by itself: ${reason}`);
      }),
    ]);
    return url;
  }

  async #me(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const auth = this.#auth;
    try {
      const session = await auth.requireSession(request, response);
      sendJson(response, 200, auth.describe(session));
    } catch (error) {
      if (!(error instanceof MtasError)) throw error;
      sendProblem(response, error, auth.loginUrl());
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown, returnTo?: string): void {
    if (!(error instanceof MtasError)) throw error;
    if (error.status >= 500) this.#auth.warn(error.message);
    if (isNavigation(request.headers)) sendPage(response, error, this.#auth.loginUrl(returnTo));
    else sendProblem(response, error);
  }
}

function notAllowed(response: ServerResponse, method: string): Promise<void> {
  response.setHeader("Allow", method);
  const body = { type: "about:blank", title: "Method Not Allowed", status: 405 };
  sendJson(response, 405, body, "application/problem+json");
  return Promise.resolve();
}

function queryOf(request: IncomingMessage, appUrl: string): URLSearchParams {
  return new URL(appUrl + sentUrl(request)).searchParams;
}

/** The answer names the issuer that was asked, exactly (RFC 9207 §2.4). */
function checkIssuer(query: URLSearchParams, issuer: string): void {
  const given = query.getAll("iss");
  if (given.length !== 1 || given[0] !== issuer) {
    throw new MtasError("issuer_mismatch", "The answer does not name MTAS_ISSUER as its issuer. Begin again.");
  }
}

/** Throws: MtasError authorization_refused for an error response (RFC 6749 §4.1.2.1). */
function checkAnswer(query: URLSearchParams): void {
  const error = query.get("error");
  if (error !== null) {
    const code = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(error) ? error : "an error";
    const detail = code === "access_denied" ? "You, or the server, declined." : `The server answered ${code}.`;
    throw new MtasError("authorization_refused", detail);
  }
  if (query.getAll("code").length !== 1) throw new MtasError("code_rejected", "There is no code. Begin again.");
}
