/** The keys of a JWK Set that may verify (RFC 7517): public, strong, meant for signatures, of one algorithm. */
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";

import { isObject } from "./json.js";
import { decode } from "./seal.js";

export interface Jwk {
  readonly kid: string;
  readonly kty: "RSA" | "EC";
  readonly alg: "RS256" | "ES256";
  readonly key: KeyObject;
}

const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const LEAST_RSA_BITS = 2048;

/** Null when it is not a set. What is not usable is passed over; of a kid and type, the first one counts. */
export function readKeys(document: unknown): readonly Jwk[] | null {
  if (!isObject(document) || !Array.isArray(document["keys"])) return null;
  const found: Jwk[] = [];
  for (const entry of document["keys"] as unknown[]) {
    const jwk = isObject(entry) ? readKey(entry) : null;
    if (jwk && !found.some((one) => one.kid === jwk.kid && one.kty === jwk.kty)) found.push(jwk);
  }
  return found;
}

function readKey(jwk: Record<string, unknown>): Jwk | null {
  const { kty, kid, use, alg, key_ops: operations } = jwk;
  if (typeof kid !== "string" || kid === "" || (use !== undefined && use !== "sig")) return null;
  if (PRIVATE.some((member) => member in jwk)) return null;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return null;
  const fits = kty === "RSA" ? "RS256" : kty === "EC" ? "ES256" : null;
  if (fits === null || (alg !== undefined && alg !== fits)) return null;
  const key = kty === "RSA" ? rsa(jwk) : ec(jwk);
  return key && { kid, kty: kty as "RSA" | "EC", alg: fits, key };
}

function rsa(jwk: Record<string, unknown>): KeyObject | null {
  const [n, e] = [bytes(jwk["n"]), bytes(jwk["e"])];
  if (!n || !e || e.length > 8) return null;
  const exponent = BigInt(`0x${e.toString("hex")}`);
  if (exponent < 3n || exponent % 2n === 0n) return null;
  const key = load({ kty: "RSA", n: jwk["n"], e: jwk["e"] });
  return (key?.asymmetricKeyDetails?.modulusLength ?? 0) >= LEAST_RSA_BITS ? key : null;
}

function ec(jwk: Record<string, unknown>): KeyObject | null {
  const [x, y] = [bytes(jwk["x"]), bytes(jwk["y"])];
  if (jwk["crv"] !== "P-256" || x?.length !== 32 || y?.length !== 32) return null;
  return load({ kty: "EC", crv: "P-256", x: jwk["x"], y: jwk["y"] });
}

function bytes(value: unknown): Buffer | null {
  const decoded = typeof value === "string" ? decode(value) : null;
  return decoded?.length ? decoded : null;
}

function load(key: Record<string, unknown>): KeyObject | null {
  try {
    return createPublicKey({ format: "jwk", key: key as JsonWebKey });
  } catch {
    return null; // such as a point that is not on the curve
  }
}
