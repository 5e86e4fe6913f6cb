/** What the cookies hold once they are open (the same members in every MTAS SDK). */
import { isLid, LAST_GENERATION } from "./cookies.js";
import { isObject } from "./json.js";

/** Claims about the user, as the ID token had them at sign-in. */
export interface User {
  sub: string;
  name?: string;
  email?: string;
  email_verified?: boolean;
  [claim: string]: unknown;
}

export interface Session {
  readonly v: 1;
  /** The login. */
  readonly lid: string;
  /** Counts its refreshes. */
  readonly gen: number;
  readonly sub: string;
  readonly user: Readonly<Record<string, unknown>>;
  readonly sid?: string;
  readonly auth_time?: number;
  /** The access token, and when it ends. */
  readonly at: string;
  readonly at_exp: number;
  /** The refresh token. */
  readonly rt?: string;
  /** The ID token: the hint at sign-out. */
  readonly idt: string;
  readonly scope: string;
  /** When this generation was written. */
  readonly iat: number;
  /** When the session ends, however often it is refreshed. */
  readonly exp: number;
}

export interface Transaction {
  readonly v: 1;
  readonly state: string;
  readonly nonce: string;
  readonly code_verifier: string;
  readonly return_to: string;
  readonly iat: number;
  readonly exp: number;
}

export function readSession(claims: Record<string, unknown> | null, now: number): Session | null {
  const valid =
    claims !== null &&
    claims["v"] === 1 &&
    isLid(claims["lid"]) &&
    isCount(claims["gen"]) &&
    claims["gen"] <= LAST_GENERATION &&
    typeof claims["sub"] === "string" &&
    claims["sub"] !== "" &&
    isObject(claims["user"]) &&
    typeof claims["at"] === "string" &&
    isCount(claims["at_exp"]) &&
    typeof claims["idt"] === "string" &&
    typeof claims["scope"] === "string" &&
    isCount(claims["iat"]) &&
    isCount(claims["exp"]) &&
    (claims["rt"] === undefined || typeof claims["rt"] === "string") &&
    (claims["sid"] === undefined || typeof claims["sid"] === "string") &&
    (claims["auth_time"] === undefined || Number.isSafeInteger(claims["auth_time"])) &&
    claims["exp"] > now;
  return valid ? (claims as unknown as Session) : null;
}

export function readTransaction(claims: Record<string, unknown> | null, now: number): Transaction | null {
  const valid =
    claims !== null &&
    claims["v"] === 1 &&
    typeof claims["state"] === "string" &&
    typeof claims["nonce"] === "string" &&
    typeof claims["code_verifier"] === "string" &&
    typeof claims["return_to"] === "string" &&
    isCount(claims["iat"]) &&
    isCount(claims["exp"]) &&
    claims["exp"] > now;
  return valid ? (claims as unknown as Transaction) : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
