/** What a handler finds as `req.auth`. */
import { inspect } from "node:util";

import type { Session, User } from "./claims.js";
import type { Claims } from "./jwt.js";
import { userOf } from "./session.js";

export interface RequestAuth {
  /** Who is signed in, or undefined. */
  readonly user: User | undefined;
  /** What an access token says, where `requireAccessToken()` guards; else undefined. */
  readonly claims: Claims | undefined;
  /** What the access token allows. */
  readonly scope: readonly string[];
  /** The sign-in at the issuer. */
  readonly sid: string | undefined;
  /** For calls to another service in the user's name. It stays on the server; never send it to a browser. */
  readonly accessToken: string | undefined;
}

export class Context implements RequestAuth {
  readonly user: User | undefined;
  readonly claims: Claims | undefined;
  readonly scope: readonly string[];
  // Private, so that logging a request logs no token.
  readonly #session: Session | undefined;

  constructor(session?: Session, claims?: Claims) {
    this.#session = session;
    this.claims = claims;
    this.user = session && userOf(session);
    const scope = session?.scope ?? claims?.["scope"];
    this.scope = typeof scope === "string" && scope !== "" ? scope.split(" ") : [];
  }

  get accessToken(): string | undefined {
    return this.#session?.at;
  }

  get sid(): string | undefined {
    const sid = this.#session?.sid ?? this.claims?.["sid"];
    return typeof sid === "string" ? sid : undefined;
  }

  toJSON(): object {
    return { user: this.user, claims: this.claims, scope: this.scope };
  }

  [inspect.custom](): object {
    return this.toJSON();
  }
}

declare global {
  namespace Express {
    interface Request {
      /** Set by `middleware`, `requireUser()` and `requireAccessToken()`. */
      auth: RequestAuth;
    }
  }
}
