/** A session without signing in. */
import { randomBytes } from "node:crypto";

import type { Session, User } from "../claims.js";
import { type MtasOptions, readConfig } from "../config.js";
import { CookieNames } from "../cookies.js";
import { Sealer } from "../seal.js";

export interface SessionDetails {
  scope?: string;
  sid?: string;
  accessToken?: string;
  /** In how many seconds the access token ends; an hour unless given, so that nothing is refreshed. */
  expiresInS?: number;
  refreshToken?: string;
  /** Seconds since 1970. */
  now?: number;
}

/** The cookies, by name, of somebody who is signed in to the app of these options. */
export function sessionCookie(
  options: MtasOptions = {},
  user: Partial<User> = {},
  details: SessionDetails = {},
): Record<string, string> {
  const config = readConfig(options);
  const { sub = "test-user", ...claims } = user;
  const now = details.now ?? Math.floor(Date.now() / 1000);
  const session: Session = {
    v: 1,
    lid: randomBytes(9).toString("base64url"),
    gen: 0,
    sub,
    user: claims,
    ...(details.sid !== undefined && { sid: details.sid }),
    auth_time: now,
    at: details.accessToken ?? "test-access-token",
    at_exp: now + (details.expiresInS ?? 3600),
    ...(details.refreshToken !== undefined && { rt: details.refreshToken }),
    idt: "test-id-token",
    scope: details.scope ?? config.scope,
    iat: now,
    exp: now + config.sessionMaxAgeS,
  };
  const names = new CookieNames(config.appUrl, config.appId);
  const sealer = new Sealer(config.cookieSecrets, config.issuer, config.appId);
  const changes = names.write(session.lid, 0, sealer.seal("mtas-session", session), 1);
  if (changes === null) throw new Error("this session does not fit in cookies");
  const all = [names.point(session.lid, 1), ...changes];
  return Object.fromEntries(all.map(({ name, value }) => [name, value ?? ""]));
}

/** For a request's Cookie header. */
export function cookieHeader(cookies: Readonly<Record<string, string>>): string {
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join("; ");
}
