/** A session out of tokens. */
import { randomBytes } from "node:crypto";

import type { Session, User } from "./claims.js";
import type { Config } from "./config.js";
import type { Claims } from "./jwt.js";
import type { Tokens } from "./oidc.js";

/** Claims about the token and the sign-in, not about the user. */
const NOT_PROFILE = new Set([
  "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "azp", "auth_time", "acr", "amr", "sid",
  "at_hash", "c_hash",
]);

/** The first generation of a login. */
export function beginSession(
  tokens: Tokens & { idToken: string; claims: Claims },
  now: number,
  { scope, sessionMaxAgeS }: Config,
): Session {
  const lid = randomBytes(9).toString("base64url");
  const empty = { v: 1, lid, gen: -1, sub: tokens.claims.sub, user: {}, at: "", at_exp: 0, idt: "", scope } as const;
  return sessionOf(tokens, now, { ...empty, iat: now, exp: now + sessionMaxAgeS });
}

/** The next generation. Without an ID token the user stays as they were. */
export function sessionOf(tokens: Tokens, now: number, before: Session): Session {
  const { claims } = tokens;
  const sid = text(claims?.["sid"]) ?? before.sid;
  const authTime = number(claims?.["auth_time"]) ?? before.auth_time;
  const rt = tokens.refreshToken ?? before.rt;
  return {
    v: 1,
    lid: before.lid,
    gen: before.gen + 1,
    sub: before.sub,
    user: claims ? profile(claims) : before.user,
    ...(sid !== undefined && { sid }),
    ...(authTime !== undefined && { auth_time: authTime }),
    at: tokens.accessToken,
    at_exp: now + Math.floor(tokens.expiresInS),
    ...(rt !== undefined && { rt }),
    idt: tokens.idToken ?? before.idt,
    scope: tokens.scope ?? before.scope,
    iat: now,
    exp: before.exp,
  };
}

/** The nonce of its ID token, which has been verified. */
export function nonceOf({ idt }: Session): unknown {
  const claims: unknown = JSON.parse(Buffer.from(idt.split(".")[1] ?? "", "base64url").toString());
  return (claims as { nonce?: unknown }).nonce;
}

export function userOf(session: Session): User {
  return { sub: session.sub, ...session.user };
}

function profile(claims: Claims): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !NOT_PROFILE.has(name)));
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? Math.floor(value) : undefined;
}
