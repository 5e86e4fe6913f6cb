/**
 * The next generation of a session (RFC 6749 §6): one flight however many requests wait for it, and its
 * result is kept a while for those that come with the old cookie.
 */
import type { Session } from "./claims.js";
import { MtasError } from "./errors.js";
import { Flights } from "./flights.js";
import type { OidcClient, Tokens } from "./oidc.js";
import type { Outcome, Sharing } from "./redis.js";
import { sessionOf } from "./session.js";

const BETWEEN_TRIES_S = 2;

/** Is it time for the next generation? Half of a short-lived token's life counts as its last minute. */
export function isDue(session: { iat: number; at_exp: number }, beforeS: number, now: number): boolean {
  const half = Math.floor((session.at_exp - session.iat) / 2);
  return session.at_exp - now <= Math.min(beforeS, Math.max(half, 0));
}

export class Refresher {
  readonly #client: OidcClient;
  readonly #sharing: Sharing | undefined;
  readonly #now: () => number;
  readonly #flights: Flights<Outcome>;

  constructor(client: OidcClient, sharing: Sharing | undefined, now: () => number) {
    this.#client = client;
    this.#sharing = sharing;
    this.#now = now;
    this.#flights = new Flights(now, () => BETWEEN_TRIES_S);
  }

  /** Throws: MtasError, mostly server_unavailable. */
  refresh(session: Session): Promise<Outcome> {
    const name = `${session.lid}.${session.gen}`;
    const refresh = (): Promise<Outcome> => this.#ask(session);
    const fits = (next: Session): boolean =>
      next.lid === session.lid && next.gen === session.gen + 1 && next.sub === session.sub;
    const share = { kind: "refresh", name, fits };
    return this.#flights.once(name, () => (this.#sharing ? this.#sharing.once(share, refresh) : refresh()));
  }

  async #ask(session: Session): Promise<Outcome> {
    if (session.rt === undefined) return null;
    let tokens: Tokens | null;
    try {
      tokens = await this.#client.refresh(session.rt);
    } catch (error) {
      // An ID token that we must not accept: whoever it is about, it is not this session's user.
      if (error instanceof MtasError && error.code === "id_token_invalid") return null;
      throw error;
    }
    if (tokens === null || (tokens.claims && tokens.claims.sub !== session.sub)) return null;
    return sessionOf(tokens, this.#now(), session);
  }
}
