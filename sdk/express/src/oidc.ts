/**
 * What we ask of the issuer about one person: the authorization request, and the token endpoint, by
 * openid-client. It is loaded by import() because it is an ES module, and our CommonJS build must run where
 * require() cannot load one.
 */
import type { Configuration, CustomFetchOptions, TokenEndpointResponse } from "openid-client";

import type { Config } from "./config.js";
import { MtasError } from "./errors.js";
import type { Http } from "./http.js";
import type { Issuer, Metadata } from "./issuer.js";
import { type Claims, Refusal, verifyIdToken } from "./jwt.js";

/** Of an answer that does not say. */
const USUAL_LIFETIME_S = 300;
/** openid-client reads times by this machine's clock; our own reading, which follows, knows the leeway. */
const ANY_TIME_S = 1_000_000_000;

export interface Tokens {
  readonly accessToken: string;
  readonly expiresInS: number;
  readonly refreshToken: string | undefined;
  readonly scope: string | undefined;
  readonly idToken: string | undefined;
  /** Verified; undefined when a refresh brought none. */
  readonly claims: Claims | undefined;
}

export interface Login {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

type Library = typeof import("openid-client");
let library: Promise<Library> | undefined;
const load = (): Promise<Library> => (library ??= import("openid-client"));

export class OidcClient {
  readonly #config: Config;
  readonly #http: Http;
  readonly #issuer: Issuer;
  readonly #now: () => number;

  constructor(config: Config, http: Http, issuer: Issuer, now: () => number) {
    this.#config = config;
    this.#http = http;
    this.#issuer = issuer;
    this.#now = now;
  }

  async newLogin(): Promise<Login> {
    const oidc = await load();
    return { state: oidc.randomState(), nonce: oidc.randomNonce(), codeVerifier: oidc.randomPKCECodeVerifier() };
  }

  /** RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2, OIDC Core §3.1.2.1. */
  async authorizationUrl(login: Login, redirectUri: string, more: Record<string, string>): Promise<string> {
    const oidc = await load();
    const { configuration } = await this.#configure();
    const parameters = {
      ...more,
      scope: this.#config.scope,
      redirect_uri: redirectUri,
      state: login.state,
      nonce: login.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(login.codeVerifier),
      code_challenge_method: "S256",
      ...(this.#config.resource !== undefined && { resource: this.#config.resource }),
    };
    return oidc.buildAuthorizationUrl(configuration, parameters).href;
  }

  /** Redeem the code of `callback` (RFC 6749 §4.1.3). Throws: MtasError. */
  async exchange(callback: URL, login: Login): Promise<Tokens & { idToken: string; claims: Claims }> {
    const oidc = await load();
    const { configuration, clock } = await this.#configure();
    let answer: TokenEndpointResponse;
    try {
      answer = await oidc.authorizationCodeGrant(configuration, callback, {
        expectedState: login.state,
        expectedNonce: login.nonce,
        pkceCodeVerifier: login.codeVerifier,
        idTokenExpected: true,
      });
    } catch (error) {
      throw explain(error, oidc);
    }
    const idToken = answer.id_token ?? "";
    const claims = await this.#verify(idToken, clock, answer.access_token, login.nonce);
    return { ...tokens(answer), idToken, claims };
  }

  /** RFC 6749 §6. Throws: MtasError; null when the server says that the grant is over. */
  async refresh(refreshToken: string): Promise<Tokens | null> {
    const oidc = await load();
    const { configuration, clock } = await this.#configure();
    let answer: TokenEndpointResponse;
    try {
      answer = await oidc.refreshTokenGrant(configuration, refreshToken);
    } catch (error) {
      if (error instanceof oidc.ResponseBodyError && error.error === "invalid_grant") return null;
      const explained = explain(error, oidc);
      // Anything but a clear word leaves the session as it is; one is an ID token that is about somebody else.
      const isClear = error instanceof oidc.ClientError && error.code === OTHERS_TOKEN;
      throw isClear || explained.code === "client_rejected" ? explained : asUnavailable(explained);
    }
    const found = tokens(answer);
    if (found.idToken === undefined) return found;
    try {
      return { ...found, claims: await this.#verify(found.idToken, clock, answer.access_token) };
    } catch (error) {
      // It cannot be read now, and the old refresh token is used up: go on with what we know of the user.
      if (isUnread(error)) return { ...found, idToken: undefined };
      throw error;
    }
  }

  /** RFC 7009. Throws: MtasError. */
  async revoke(token: string): Promise<void> {
    const oidc = await load();
    const { configuration, metadata } = await this.#configure();
    if (metadata.revocation_endpoint === undefined) return;
    try {
      await oidc.tokenRevocation(configuration, token);
    } catch (error) {
      throw explain(error, oidc);
    }
  }

  /** OpenID Connect RP-Initiated Logout 1.0 §2; null when the issuer has no such endpoint. */
  async endSessionUrl(idToken: string, postLogoutRedirectUri: string): Promise<string | null> {
    const oidc = await load();
    const { configuration, metadata } = await this.#configure();
    if (metadata.end_session_endpoint === undefined) return null;
    return oidc.buildEndSessionUrl(configuration, {
      id_token_hint: idToken,
      post_logout_redirect_uri: postLogoutRedirectUri,
      client_id: this.#config.appId,
    }).href;
  }

  /** For one exchange with the server, whose clock is noted. */
  async #configure(): Promise<{ configuration: Configuration; metadata: Metadata; clock: ServerClock }> {
    const oidc = await load();
    const metadata = await this.#issuer.metadata();
    const clock: ServerClock = { date: null };
    const configuration = new oidc.Configuration(
      {
        ...metadata,
        authorization_response_iss_parameter_supported: true,
        id_token_signing_alg_values_supported: ["RS256", "ES256"],
      },
      this.#config.appId,
      { [oidc.clockTolerance]: ANY_TIME_S },
      oidc.ClientSecretBasic(this.#config.appSecret),
    );
    if (this.#config.issuer.startsWith("http:")) oidc.allowInsecureRequests(configuration);
    configuration.timeout = this.#config.timeoutS + 1; // ours comes first
    configuration[oidc.customFetch] = async (url, { method, headers, body }: CustomFetchOptions) => {
      const form = String(body ?? "");
      const answer = await this.#http.ask(url, { method, headers, ...(form !== "" && { body: form }) });
      clock.date = answer.headers.get("date");
      const empty = answer.body.length === 0;
      return new Response(empty ? null : answer.body, { status: answer.status, headers: answer.headers });
    };
    return { configuration, metadata, clock };
  }

  async #verify(token: string, clock: ServerClock, accessToken: string, nonce?: string): Promise<Claims> {
    const now = this.#now();
    const { issuer, appId, clockLeewayS: leewayS } = this.#config;
    const findKey = (kid: string, alg: string): ReturnType<Issuer["key"]> => this.#issuer.key(kid, alg);
    try {
      return await verifyIdToken(token, { appId, nonce, accessToken }, { issuer, leewayS, now, findKey });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const ahead = clock.date === null ? 0 : Math.round(Date.parse(clock.date) / 1000 - now);
      const isOfTime = error.claim !== undefined && ["exp", "iat", "nbf"].includes(error.claim);
      if (isOfTime && Math.abs(ahead) > leewayS) throw skewed(ahead);
      const detail = `The ID token is refused: ${error.message}. Sign in again.`;
      throw new MtasError("id_token_invalid", detail, { cause: error });
    }
  }
}

interface ServerClock {
  date: string | null;
}

function tokens(answer: TokenEndpointResponse): Tokens {
  return {
    accessToken: answer.access_token,
    expiresInS: answer.expires_in ?? USUAL_LIFETIME_S,
    refreshToken: answer.refresh_token,
    scope: answer.scope,
    idToken: answer.id_token,
    claims: undefined,
  };
}

function skewed(aheadS: number): MtasError {
  const where = aheadS > 0 ? "behind" : "ahead of";
  const detail = `This machine's clock is ${Math.abs(aheadS)} seconds ${where} the auth server's. Set it by NTP.`;
  return new MtasError("clock_skew", detail);
}

/** The server's refusal, or a fault in its answer, by our codes. */
function explain(error: unknown, oidc: Library): MtasError {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    if (each instanceof MtasError) return each;
    if (each instanceof oidc.WWWAuthenticateChallengeError) return refusedClient("invalid_client", error);
    if (each instanceof oidc.ResponseBodyError) {
      if (each.error === "invalid_grant") {
        const detail = "The code was refused: it is too old, or was used before. Sign in again.";
        return new MtasError("code_rejected", detail, { cause: error });
      }
      return refusedClient(each.error, error);
    }
  }
  if (error instanceof oidc.ClientError && UNREADABLE.has(error.code ?? "")) return unreadable(error);
  const detail = "The ID token is not there, or not what OpenID Connect asks for. Sign in again.";
  return new MtasError("id_token_invalid", detail, { cause: error });
}

/** Neither genuine nor false, as far as we can see: the clocks differ, or the keys are not the newest. */
function isUnread(error: unknown): boolean {
  if (!(error instanceof MtasError)) return false;
  const isOfUnknownKey = error.cause instanceof Refusal && error.cause.claim === "kid";
  return error.code !== "id_token_invalid" || isOfUnknownKey;
}

function asUnavailable(error: MtasError): MtasError {
  return error.code === "server_unavailable" ? error : unreadable(error);
}

const OTHERS_TOKEN = "OAUTH_JWT_CLAIM_COMPARISON_FAILED";
const UNREADABLE = new Set(["OAUTH_RESPONSE_IS_NOT_CONFORM", "OAUTH_RESPONSE_IS_NOT_JSON", "OAUTH_PARSE_ERROR"]);

/** Half an answer, or a proxy's page. */
function unreadable(cause: unknown): MtasError {
  return new MtasError("server_unavailable", "The auth server's answer cannot be read.", { cause });
}

function refusedClient(code: string, cause: unknown): MtasError {
  const known = /^[a-z_]{1,40}$/.test(code) ? code : "an error";
  const detail = `The server answered ${known}. Check MTAS_APP_ID and MTAS_APP_SECRET, and this app's settings.`;
  return new MtasError("client_rejected", detail, { cause });
}
