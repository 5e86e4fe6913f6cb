/**
 * A code becomes a session (RFC 6749 §4.1.3): once, however often its callback is called. A browser calls twice
 * when somebody clicks twice, or follows what it looked ahead at; a code that is presented again ends what came of
 * it, at the server (RFC 6749 §4.1.2). So whoever comes within ten seconds with the same code and the same login's
 * cookie is given the same session, unless it was signed out by then. Who has no such cookie does not get here.
 */
import type { Session } from "./claims.js";
import type { Config } from "./config.js";
import { MtasError } from "./errors.js";
import { Flights, KEPT_S } from "./flights.js";
import type { Login, OidcClient } from "./oidc.js";
import type { Sharing } from "./redis.js";
import { beginSession, nonceOf } from "./session.js";

export class Redeemer {
  readonly #config: Config;
  readonly #client: OidcClient;
  readonly #sharing: Sharing | undefined;
  readonly #now: () => number;
  readonly #flights: Flights<Session>;
  /** By login, those of the last ten seconds, the oldest first: until when it is to be remembered. */
  readonly #ended = new Map<string, number>();

  constructor(config: Config, client: OidcClient, sharing: Sharing | undefined, now: () => number) {
    this.#config = config;
    this.#client = client;
    this.#sharing = sharing;
    this.#now = now;
    // While the server is away the code is not used up: it may be tried again.
    this.#flights = new Flights(now, (error) => (isAway(error) ? 0 : KEPT_S));
  }

  /** `callback` has been checked to have one code, and the state of `login`. Throws: MtasError. */
  async redeem(callback: URL, login: Login): Promise<Session> {
    const session = await this.#redeem(callback, login);
    if (!(await this.#hasEnded(session))) return session;
    throw new MtasError("code_rejected", "It was signed out. Begin again.");
  }

  /** It was signed out: a callback of its login that is still on its way does not bring it back. Never throws. */
  async end({ lid }: Session): Promise<void> {
    const now = this.#now();
    for (const [ended, until] of this.#ended) if (until <= now) this.#ended.delete(ended);
    this.#ended.set(lid, now + KEPT_S);
    await this.#sharing?.end(lid);
  }

  async #hasEnded({ lid }: Session): Promise<boolean> {
    return (this.#ended.get(lid) ?? 0) > this.#now() || ((await this.#sharing?.hasEnded(lid)) ?? false);
  }

  #redeem(callback: URL, login: Login): Promise<Session> {
    const name = `${callback.searchParams.get("code") ?? ""}.${login.codeVerifier}`;
    const redeem = (): Promise<Session> => this.#ask(callback, login);
    if (this.#sharing === undefined) return this.#flights.once(name, redeem);
    // Of another process only what is this login's: its ID token has the nonce.
    const fits = (session: Session): boolean => session.gen === 0 && nonceOf(session) === login.nonce;
    const share = { kind: "callback", name, fits };
    const sharing = this.#sharing;
    return this.#flights.once(name, async () => (await sharing.once(share, redeem)) ?? redeem());
  }

  async #ask(callback: URL, login: Login): Promise<Session> {
    return beginSession(await this.#client.exchange(callback, login), this.#now(), this.#config);
  }
}

function isAway(error: unknown): boolean {
  return error instanceof MtasError && error.code === "server_unavailable";
}
