/**
 * The next generation of a session (RFC 6749 §6): one flight however many requests wait for it, and its
 * result is kept a while for those that come with the old cookie. A client that goes away stops nothing.
 */
import type { Session } from "./claims.js";
import { MtasError } from "./errors.js";
import type { OidcClient, Tokens } from "./oidc.js";
import { sessionOf } from "./session.js";

const KEPT_S = 10;
const BETWEEN_TRIES_S = 2;

/** `null`: the session has ended. */
export type Outcome = Session | null;

/** Finds the one of several processes that refreshes. See redis.ts. */
export interface Sharing {
  once(session: Session, refresh: () => Promise<Outcome>): Promise<Outcome>;
}

/** Is it time for the next generation? Half of a short-lived token's life counts as its last minute. */
export function isDue(session: { iat: number; at_exp: number }, beforeS: number, now: number): boolean {
  const half = Math.floor((session.at_exp - session.iat) / 2);
  return session.at_exp - now <= Math.min(beforeS, Math.max(half, 0));
}

export class Refresher {
  readonly #client: OidcClient;
  readonly #sharing: Sharing | undefined;
  readonly #now: () => number;
  /** Under way and settled, the oldest first. */
  readonly #flights = new Map<string, { outcome: Promise<Outcome>; until: number }>();

  constructor(client: OidcClient, sharing: Sharing | undefined, now: () => number) {
    this.#client = client;
    this.#sharing = sharing;
    this.#now = now;
  }

  /** Throws: MtasError, mostly server_unavailable. */
  refresh(session: Session): Promise<Outcome> {
    const key = `${session.lid}.${session.gen}`;
    this.#forget();
    const known = this.#flights.get(key);
    if (known !== undefined) return known.outcome;
    const refresh = (): Promise<Outcome> => this.#ask(session);
    const outcome = this.#sharing ? this.#sharing.once(session, refresh) : refresh();
    const flight = { outcome, until: Infinity };
    const settle = (keptS: number): void => {
      flight.until = this.#now() + keptS;
      // To the end: the map stays in the order in which it is forgotten.
      this.#flights.delete(key);
      this.#flights.set(key, flight);
    };
    this.#flights.set(key, flight);
    outcome.then(
      () => settle(KEPT_S),
      () => settle(BETWEEN_TRIES_S),
    );
    return outcome;
  }

  #forget(): void {
    const now = this.#now();
    for (const [key, { until }] of this.#flights) {
      if (until <= now) this.#flights.delete(key);
    }
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
