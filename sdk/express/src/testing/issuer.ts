/** An issuer in the test's own process. */
import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { User } from "../claims.js";
import type { MtasOptions } from "../config.js";
import { type Algorithm, SigningKeys } from "./keys.js";

export interface FakeIssuerOptions {
  appId?: string;
  alg?: Algorithm;
  /** Seconds since 1970. */
  now?: () => number;
}

/** What reached the issuer. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly form: Readonly<Record<string, string>>;
}

export interface FakeAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Grant {
  readonly redirectUri: string;
  readonly challenge: string;
  readonly nonce: string | undefined;
  readonly scope: string;
  readonly audience: string;
  readonly user: User;
  readonly sid: string;
  readonly authTime: number;
}

interface Family {
  readonly grant: Grant;
  generation: number;
  rotatedAt: number;
  revoked: boolean;
}

/** An issuer on loopback that signs in whoever `user` is, without asking. */
export class FakeIssuer {
  readonly appId: string;
  readonly appSecret = `test-${randomBytes(24).toString("base64url")}`;
  /** Who signs in next. */
  user: User = { sub: "test-user", name: "Test User", email: "test@example.com", email_verified: true };
  accessTokenTtlS = 600;
  /** How long a used refresh token still gets its successor. */
  graceS = 10;
  /** Drops every connection. */
  away = false;
  /** Answers every authorization request with this error. */
  refuses: string | null = null;
  /** How far its clock is ahead. */
  clockOffsetS = 0;
  /** Changes an ID token's claims before they are signed. */
  idTokenClaims: (claims: Record<string, unknown>) => Record<string, unknown> = (claims) => claims;
  /** Answers in its place, if it wants to. */
  onRequest: (request: FakeRequest) => FakeAnswer | undefined = () => undefined;
  /** All that reached it, the oldest first. */
  readonly requests: FakeRequest[] = [];

  readonly #now: () => number;
  readonly #server: Server;
  readonly #codes = new Map<string, Grant>();
  readonly #families = new Map<string, Family>();
  readonly #keys: SigningKeys;
  #rotations = 0;

  private constructor({ appId = "test-app", alg = "RS256", now = seconds }: FakeIssuerOptions) {
    this.appId = appId;
    this.#now = now;
    this.#keys = new SigningKeys(alg);
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(options: FakeIssuerOptions = {}): Promise<FakeIssuer> {
    const issuer = new FakeIssuer(options);
    await new Promise<void>((resolve) => issuer.#server.listen(0, "127.0.0.1", resolve));
    issuer.#server.unref();
    return issuer;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get issuer(): string {
    return `${this.origin}/t/test`;
  }

  /** For `createMtasAuth()`: complete but for what is given. */
  options(more: MtasOptions = {}): MtasOptions {
    return {
      issuer: this.issuer,
      appId: this.appId,
      appSecret: this.appSecret,
      appUrl: "http://localhost:3000",
      cookieSecrets: ["a-cookie-secret-for-tests-and-nothing-else"],
      ...more,
    };
  }

  /** The next tokens are signed with a new key; what the old one signed stays valid unless `withdraw`. */
  rotateKeys({ withdraw = false } = {}): void {
    this.#keys.rotate(withdraw);
  }

  /** An access token for `requireAccessToken()`. */
  accessToken(claims: Record<string, unknown> = {}): string {
    const now = this.#time();
    return this.#keys.sign("at+jwt", {
      iss: this.issuer,
      iat: now,
      exp: now + this.accessTokenTtlS,
      aud: this.appId,
      sub: this.user.sub,
      client_id: this.appId,
      jti: randomBytes(16).toString("base64url"),
      scope: "openid profile email",
      ...claims,
    });
  }

  /** How often a grant of this type was asked for. */
  count(grantType: string): number {
    return this.requests.filter((request) => request.form["grant_type"] === grantType).length;
  }

  /** Ends every grant: the next refresh is refused. */
  revokeAll(): void {
    for (const family of this.#families.values()) family.revoked = true;
  }

  /** How often a refresh token was replaced; one that is asked for twice within the grace counts once. */
  get rotations(): number {
    return this.#rotations;
  }

  get activeGrants(): number {
    return [...this.#families.values()].filter((family) => !family.revoked).length;
  }

  #time(): number {
    return this.#now() + this.clockOffsetS;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.origin);
    const body: Buffer[] = [];
    for await (const part of request) body.push(part as Buffer);
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(body).toString()));
    const asked = { method: request.method ?? "", path: url.pathname, headers: request.headers, form };
    this.requests.push(asked);
    if (this.away) return void request.socket.destroy();
    const instead = this.onRequest(asked);
    if (instead) return void response.writeHead(instead.status, instead.headers).end(instead.body);
    response.setHeader("Date", new Date(this.#time() * 1000).toUTCString());
    const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
    if (request.method === "POST" && !isForm) return answer(response, 415, {});
    switch (`${request.method} ${url.pathname.replace(/^\/t\/test/, "")}`) {
      case "GET /.well-known/openid-configuration":
        return answer(response, 200, this.#metadata());
      case "GET /jwks.json":
        return answer(response, 200, this.#keys.published());
      case "GET /authorize":
        return redirect(response, this.#authorize(url.searchParams));
      case "GET /logout":
        return redirect(response, url.searchParams.get("post_logout_redirect_uri") ?? this.origin);
      case "POST /token":
        if (!this.#isClient(request)) return answer(response, 401, { error: "invalid_client" });
        return this.#token(response, form);
      case "POST /revoke":
        if (!this.#isClient(request)) return answer(response, 401, { error: "invalid_client" });
        this.#revoke(form["token"] ?? "");
        return answer(response, 200, {});
      default:
        return answer(response, 404, { error: "not_found" });
    }
  }

  #metadata(): object {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/jwks.json`,
      revocation_endpoint: `${this.issuer}/revoke`,
      end_session_endpoint: `${this.issuer}/logout`,
    };
  }

  #authorize(query: URLSearchParams): string {
    const redirectUri = query.get("redirect_uri") ?? "";
    const location = new URL(redirectUri);
    location.searchParams.set("iss", this.issuer);
    location.searchParams.set("state", query.get("state") ?? "");
    if (this.refuses !== null) {
      location.searchParams.set("error", this.refuses);
      return location.href;
    }
    const code = randomBytes(32).toString("base64url");
    this.#codes.set(code, {
      redirectUri,
      challenge: query.get("code_challenge") ?? "",
      nonce: query.get("nonce") ?? undefined,
      scope: query.get("scope") ?? "",
      audience: query.get("resource") ?? this.appId,
      user: this.user,
      sid: randomBytes(16).toString("base64url"),
      authTime: this.#time(),
    });
    location.searchParams.set("code", code);
    return location.href;
  }

  #isClient(request: IncomingMessage): boolean {
    const form = (text: string): string => new URLSearchParams({ _: text }).toString().slice(2);
    const expected = Buffer.from(`${form(this.appId)}:${form(this.appSecret)}`).toString("base64");
    const given = (request.headers.authorization ?? "").replace(/^Basic /, "");
    const plain = (text: string): string => decodeURIComponent(Buffer.from(text, "base64").toString());
    return plain(given) === plain(expected);
  }

  #token(response: ServerResponse, form: Readonly<Record<string, string>>): void {
    if (form["grant_type"] === "authorization_code") {
      const grant = this.#codes.get(form["code"] ?? "");
      this.#codes.delete(form["code"] ?? "");
      const challenge = createHash("sha256").update(form["code_verifier"] ?? "").digest("base64url");
      if (!grant || grant.challenge !== challenge || grant.redirectUri !== form["redirect_uri"]) {
        return answer(response, 400, { error: "invalid_grant" });
      }
      const id = randomBytes(16).toString("base64url");
      const family = { grant, generation: 0, rotatedAt: this.#time(), revoked: false };
      this.#families.set(id, family);
      return answer(response, 200, this.#mint(id, family, grant.nonce));
    }
    const { id, family, generation } = this.#family(form["refresh_token"] ?? "");
    if (family === undefined || family.revoked) return answer(response, 400, { error: "invalid_grant" });
    const now = this.#time();
    if (generation === family.generation) {
      family.generation += 1;
      this.#rotations += 1;
      family.rotatedAt = now;
    } else if (generation !== family.generation - 1 || now > family.rotatedAt + this.graceS) {
      family.revoked = true;
      return answer(response, 400, { error: "invalid_grant" });
    }
    return answer(response, 200, this.#mint(id, family));
  }

  #family(refreshToken: string): { id: string; family: Family | undefined; generation: number } {
    const [id = "", generation] = refreshToken.split(".");
    return { id, family: this.#families.get(id), generation: Number(generation) };
  }

  #revoke(token: string): void {
    const { family } = this.#family(token);
    if (family) family.revoked = true;
  }

  #mint(id: string, { grant, generation }: Family, nonce?: string): object {
    const now = this.#time();
    const { user, sid, scope, audience, authTime } = grant;
    const accessToken = this.accessToken({ sub: user.sub, aud: audience, sid, scope });
    const half = createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url");
    const claims = {
      iss: this.issuer,
      iat: now,
      exp: now + 600,
      aud: this.appId,
      sid,
      auth_time: authTime,
      at_hash: half,
      ...user,
      ...(nonce !== undefined && { nonce }),
    };
    return {
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: this.accessTokenTtlS,
      scope,
      refresh_token: `${id}.${generation}`,
      id_token: this.#keys.sign("JWT", this.idTokenClaims(claims)),
    };
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { Location: location });
  response.end();
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
