/**
 * Access tokens (RFC 9068) and ID tokens (OpenID Connect Core §3.1.3.7), read strictly (RFC 8725): what the
 * issuer never writes is refused before a key is looked for.
 */
import { createHash, timingSafeEqual } from "node:crypto";

import { parseObject } from "./json.js";
import type { Jwk } from "./keys.js";
import { decode } from "./seal.js";

const LARGEST = 8192;

export type Claims = Record<string, unknown> & {
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
  readonly iat: number;
};

/** Why a token is refused, in words without any of it; `claim` names what was at fault. */
export class Refusal extends Error {
  readonly claim: string | undefined;

  constructor(reason: string, claim?: string) {
    super(reason);
    this.claim = claim;
  }
}

export interface Rules {
  readonly issuer: string;
  readonly leewayS: number;
  readonly now: number;
  readonly findKey: (kid: string, alg: string) => Promise<Jwk | undefined> | Jwk | undefined;
}

/** Throws: Refusal; and what `findKey` throws. */
export async function verifyAccessToken(token: string, audience: string, rules: Rules): Promise<Claims> {
  const claims = await verify(token, (typ) => typ === "at+jwt", rules);
  if (!audiences(claims).includes(audience)) throw new Refusal("it is for another audience", "aud");
  requireText(claims, "client_id");
  requireText(claims, "jti");
  if (claims["scope"] !== undefined && typeof claims["scope"] !== "string") {
    throw new Refusal("scope is no text", "scope");
  }
  return claims;
}

export interface IdTokenExpectations {
  readonly appId: string;
  /** Of the login; undefined after a refresh, where the server may leave it out. */
  readonly nonce?: string | undefined;
  readonly accessToken?: string | undefined;
}

/** Throws: Refusal; and what `findKey` throws. */
export async function verifyIdToken(token: string, wanted: IdTokenExpectations, rules: Rules): Promise<Claims> {
  const claims = await verify(token, (typ) => typ === undefined || typ === "JWT", rules);
  const audience = audiences(claims);
  const { azp, nonce, auth_time: authTime, at_hash: atHash } = claims;
  if (!audience.includes(wanted.appId)) throw new Refusal("it is for another app", "aud");
  if ((audience.length > 1 || azp !== undefined) && azp !== wanted.appId) {
    throw new Refusal("it was issued to another app", "azp");
  }
  if (wanted.nonce !== undefined && nonce !== wanted.nonce) throw new Refusal("it is of another login", "nonce");
  if (authTime !== undefined && !isTime(authTime)) throw new Refusal("auth_time is no number", "auth_time");
  if (atHash !== undefined && wanted.accessToken !== undefined) {
    const half = createHash("sha256").update(wanted.accessToken, "ascii").digest().subarray(0, 16);
    const given = typeof atHash === "string" ? decode(atHash) : null;
    if (given?.length !== 16 || !timingSafeEqual(given, half)) {
      throw new Refusal("it is of another access token", "at_hash");
    }
  }
  return claims;
}

async function verify(token: string, accepts: (typ: unknown) => boolean, rules: Rules): Promise<Claims> {
  if (token.length > LARGEST) throw new Refusal("it is too long");
  const parts = token.split(".");
  const [header, payload, signature] = parts.map(decode);
  if (parts.length !== 3 || !header || !payload || !signature?.length) throw new Refusal("it is not a JWT");
  const { alg, kid, typ, ...others } = parse(header);
  if (Object.keys(others).length > 0) throw new Refusal("its header holds what no token of ours does");
  if (alg !== "RS256" && alg !== "ES256") throw new Refusal("its algorithm is not allowed");
  if (typeof kid !== "string" || kid === "") throw new Refusal("it names no key");
  if (!accepts(typ)) throw new Refusal("it is another kind of token");
  const key = await rules.findKey(kid, alg);
  if (key === undefined) throw new Refusal("its key is not among the issuer's", "kid");
  const { compactVerify } = await import("jose");
  await compactVerify(token, key.key, { algorithms: [alg] }).catch(() => {
    throw new Refusal("its signature is wrong");
  });
  return checkClaims(parse(payload), rules);
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    return parseObject(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new Refusal("it is not JSON");
  }
}

function checkClaims(claims: Record<string, unknown>, { issuer, leewayS, now }: Rules): Claims {
  if (claims["iss"] !== issuer) throw new Refusal("another issuer made it", "iss");
  requireText(claims, "sub");
  const { exp, iat, nbf } = claims;
  if (!isTime(exp) || exp <= now - leewayS) throw new Refusal("it has expired", "exp");
  if (!isTime(iat) || iat > now + leewayS) throw new Refusal("it is from the future", "iat");
  if (nbf !== undefined && (!isTime(nbf) || nbf > now + leewayS)) throw new Refusal("it is not valid yet", "nbf");
  return claims as Claims;
}

function audiences(claims: Claims): string[] {
  const { aud } = claims;
  const list: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!list.every((one): one is string => typeof one === "string")) throw new Refusal("aud is no text", "aud");
  return list;
}

function requireText(claims: Record<string, unknown>, name: string): void {
  const value = claims[name];
  if (typeof value !== "string" || value === "") throw new Refusal(`${name} is missing`, name);
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
