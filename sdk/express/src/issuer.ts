/**
 * The issuer's metadata and keys (OpenID Connect Discovery 1.0, RFC 8414, RFC 7517), kept as long as it
 * says, and longer while it is away. Only what it says of itself, at its own origin, counts.
 */
import type { Config } from "./config.js";
import { MtasError } from "./errors.js";
import type { Answer, Http } from "./http.js";
import { isObject, parseObject } from "./json.js";
import { type Jwk, readKeys } from "./keys.js";

const LEAST_FRESH_S = 60;
const MOST_FRESH_S = 86_400;
const USUALLY_FRESH_S = 600;
const BETWEEN_REFETCHES_S = 30;
const BETWEEN_TRIES_S = 2;
const BETWEEN_TRIES_WITH_STALE_S = 30;

export interface Metadata {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly jwks_uri: string;
  readonly revocation_endpoint?: string;
  readonly end_session_endpoint?: string;
}

const REQUIRED = ["authorization_endpoint", "token_endpoint", "jwks_uri"] as const;
const OPTIONAL = ["revocation_endpoint", "end_session_endpoint"] as const;

export class Issuer {
  readonly #http: Http;
  readonly #metadata: Kept<Metadata>;
  readonly #keys: Kept<readonly Jwk[]>;

  constructor(config: Config, http: Http, now: () => number) {
    this.#http = http;
    this.#metadata = new Kept(config.jwksStaleS, now, async () => {
      const answer = await this.#get(`${config.issuer}/.well-known/openid-configuration`);
      return [checkMetadata(answer.document, config.issuer), answer.freshS];
    });
    this.#keys = new Kept(config.jwksStaleS, now, async () => {
      const { jwks_uri } = await this.#metadata.get();
      const answer = await this.#get(jwks_uri);
      const keys = readKeys(answer.document);
      if (keys === null) throw unavailable("The server's jwks_uri holds no keys.");
      return [keys, answer.freshS];
    });
  }

  metadata(): Promise<Metadata> {
    return this.#metadata.get();
  }

  /** The first key of that name and kind; an unknown name asks the issuer anew, now and then. */
  async key(kid: string, alg: string): Promise<Jwk | undefined> {
    const find = (keys: readonly Jwk[]): Jwk | undefined => keys.find((key) => key.kid === kid && key.alg === alg);
    return find(await this.#keys.get()) ?? find(await this.#keys.again());
  }

  async #get(url: string): Promise<{ document: Record<string, unknown>; freshS: number }> {
    const answer = await this.#http.ask(url, { headers: { Accept: "application/json" } });
    const { pathname } = new URL(url);
    if (answer.status !== 200) throw unavailable(`${pathname} answered ${answer.status}.`);
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(answer.body);
      return { document: parseObject(text), freshS: freshFor(answer) };
    } catch (cause) {
      throw unavailable(`${pathname} is not a JSON object.`, cause); // half a body, or a proxy's page
    }
  }
}

/** Something of the server's: fetched once however many ask, anew when it is old, kept while it is away. */
class Kept<T> {
  readonly #fetch: () => Promise<[T, number]>;
  readonly #staleS: number;
  readonly #now: () => number;
  #value: { readonly it: T; readonly freshUntil: number; readonly staleUntil: number } | undefined;
  #failure: { readonly error: unknown; readonly until: number } | undefined;
  #flight: Promise<T> | undefined;
  #nextRefetch = 0;

  constructor(staleS: number, now: () => number, fetch: () => Promise<[T, number]>) {
    this.#staleS = staleS;
    this.#now = now;
    this.#fetch = fetch;
  }

  async get(): Promise<T> {
    const now = this.#now();
    if (this.#value && now < this.#value.freshUntil) return this.#value.it;
    try {
      if (this.#failure && now < this.#failure.until) throw this.#failure.error;
      return await this.#refresh();
    } catch (error) {
      if (this.#value && now < this.#value.staleUntil && isAway(error)) return this.#value.it;
      throw error;
    }
  }

  /** Anew although it is not old, at most once in a while; what is there if the server is away. */
  async again(): Promise<T> {
    const now = this.#now();
    // Whoever comes while somebody looks waits for what that finds.
    if (now < this.#nextRefetch) return this.#flight?.catch(() => this.get()) ?? this.get();
    this.#nextRefetch = now + BETWEEN_REFETCHES_S;
    return this.#refresh().catch(() => this.get());
  }

  #refresh(): Promise<T> {
    this.#flight ??= this.#load().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #load(): Promise<T> {
    try {
      const [it, freshS] = await this.#fetch();
      const freshUntil = this.#now() + freshS;
      this.#value = { it, freshUntil, staleUntil: freshUntil + this.#staleS };
      this.#failure = undefined;
      return it;
    } catch (error) {
      const waitS = this.#value ? BETWEEN_TRIES_WITH_STALE_S : BETWEEN_TRIES_S;
      this.#failure = { error, until: this.#now() + waitS };
      throw error;
    }
  }
}

function isAway(error: unknown): boolean {
  return error instanceof MtasError && error.code === "server_unavailable";
}

export function checkMetadata(document: unknown, issuer: string): Metadata {
  if (!isObject(document) || document["issuer"] !== issuer) {
    throw mismatch("The server calls itself by another issuer. Set MTAS_ISSUER to exactly what the dashboard shows.");
  }
  const { origin } = new URL(issuer);
  const metadata: Record<string, string> = { issuer };
  for (const name of [...REQUIRED, ...OPTIONAL]) {
    const url = document[name];
    if (url === undefined && (OPTIONAL as readonly string[]).includes(name)) continue;
    if (typeof url !== "string" || !URL.canParse(url) || new URL(url).origin !== origin || url.includes("#")) {
      throw mismatch(`The server's ${name} is not a URL of its own origin.`);
    }
    metadata[name] = url;
  }
  return metadata as unknown as Metadata;
}

function mismatch(detail: string): MtasError {
  return new MtasError("discovery_mismatch", detail);
}

function unavailable(detail: string, cause?: unknown): MtasError {
  return new MtasError("server_unavailable", detail, { cause });
}

/** `max-age` of Cache-Control (RFC 9111 §5.2.2.1), within our bounds. */
function freshFor(answer: Answer): number {
  const match = /(?:^|[,\s])max-age=(\d{1,10})(?:$|[,\s])/i.exec(answer.headers.get("cache-control") ?? "");
  const age = answer.headers.get("age") ?? "";
  const spent = /^\d{1,9}$/.test(age) ? Number(age) : 0;
  const seconds = match === null ? USUALLY_FRESH_S : Number(match[1]) - spent;
  return Math.min(Math.max(seconds, LEAST_FRESH_S), MOST_FRESH_S);
}
