/** What the cookies hold once they are open (the same members in every MTAS SDK). */
import { isLid } from "./cookies.js";
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
    isText(claims["sub"]) &&
    isObject(claims["user"]) &&
    isText(claims["at"]) &&
    isCount(claims["at_exp"]) &&
    isText(claims["idt"]) &&
    typeof claims["scope"] === "string" &&
    isCount(claims["iat"]) &&
    isCount(claims["exp"]) &&
    (claims["rt"] === undefined || isText(claims["rt"])) &&
    (claims["sid"] === undefined || isText(claims["sid"])) &&
    (claims["auth_time"] === undefined || isCount(claims["auth_time"])) &&
    claims["exp"] > now;
  return valid ? (claims as unknown as Session) : null;
}

export function readTransaction(claims: Record<string, unknown> | null, now: number): Transaction | null {
  const valid =
    claims !== null &&
    claims["v"] === 1 &&
    isText(claims["state"]) &&
    isText(claims["nonce"]) &&
    isText(claims["code_verifier"]) &&
    isText(claims["return_to"]) &&
    isCount(claims["iat"]) &&
    isCount(claims["exp"]) &&
    claims["exp"] > now;
  return valid ? (claims as unknown as Transaction) : null;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
