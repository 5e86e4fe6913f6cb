/**
 * The sealed value of a cookie: a compact JWE, `dir` and A256GCM (RFC 7516), readable by every MTAS SDK.
 *
 * node:crypto rather than a JOSE library: the format is one fixed header, so a value either begins with
 * that very header, character by character, or is not ours. And opening is on the path of every request.
 */
import { isUtf8 } from "node:buffer";
import * as crypto from "node:crypto";

import { parseObject } from "./json.js";

export type Typ = "mtas-session" | "mtas-tx";

const IV_BYTES = 12;
const TAG_BYTES = 16;
const LONGEST = 32 * 1024;
/** Two megabytes or so. */
const MOST_OPENED = 1000;

interface Key {
  readonly kid: string;
  readonly key: Buffer;
  /** The protected header, encoded: begins every value that this key sealed. */
  readonly header: string;
}

export class Sealer {
  readonly #keys: Record<Typ, readonly Key[]>;
  /**
   * Sessions that were opened, by the hash of the whole value, the oldest first: a browser sends the same one
   * with each request, and node:crypto's objects cost more to collect than to use. Text, not objects, so that
   * no request sees what another made of its claims. What does not open is not kept.
   */
  readonly #opened = new Map<string, string>();

  constructor(secrets: readonly string[], issuer: string, appId: string) {
    const keys = (typ: Typ): Key[] => secrets.map((secret) => deriveKey(secret, typ, issuer, appId));
    this.#keys = { "mtas-session": keys("mtas-session"), "mtas-tx": keys("mtas-tx") };
  }

  /** Sealed with the first secret. */
  seal(typ: Typ, claims: object, iv: Buffer = crypto.randomBytes(IV_BYTES)): string {
    const [key] = this.#keys[typ];
    if (key === undefined) throw new Error("no cookie secret");
    const cipher = crypto.createCipheriv("aes-256-gcm", key.key, iv);
    cipher.setAAD(Buffer.from(key.header, "ascii"));
    const text = Buffer.concat([cipher.update(JSON.stringify(claims), "utf8"), cipher.final()]);
    return `${key.header}..${b64u(iv)}.${b64u(text)}.${b64u(cipher.getAuthTag())}`;
  }

  /** What was sealed, or null: for whatever reason, one answer. */
  open(typ: Typ, value: string): Record<string, unknown> | null {
    if (value.length > LONGEST) return null;
    if (typ !== "mtas-session") return this.#read(this.#decrypt(typ, value));
    const digest = hash(value);
    const known = this.#opened.get(digest);
    if (known !== undefined) return JSON.parse(known) as Record<string, unknown>;
    const text = this.#decrypt(typ, value);
    const claims = this.#read(text);
    if (claims !== null && text !== null) this.#keep(digest, text);
    return claims;
  }

  #keep(digest: string, text: string): void {
    const [oldest] = this.#opened.keys();
    if (oldest !== undefined && this.#opened.size >= MOST_OPENED) this.#opened.delete(oldest);
    this.#opened.set(digest, text);
  }

  #read(text: string | null): Record<string, unknown> | null {
    try {
      return text === null ? null : parseObject(text);
    } catch {
      return null;
    }
  }

  #decrypt(typ: Typ, value: string): string | null {
    const parts = value.split(".");
    const [header, encryptedKey, ivPart, textPart, tagPart] = parts;
    if (parts.length !== 5 || encryptedKey !== "") return null;
    const key = this.#keys[typ].find((one) => one.header === header);
    if (key === undefined) return null;
    const [iv, text, tag] = [decode(ivPart), decode(textPart), decode(tagPart)];
    if (iv?.length !== IV_BYTES || tag?.length !== TAG_BYTES || text === null) return null;
    try {
      const decipher = crypto.createDecipheriv("aes-256-gcm", key.key, iv);
      decipher.setAAD(Buffer.from(key.header, "ascii"));
      decipher.setAuthTag(tag);
      const plain = Buffer.concat([decipher.update(text), decipher.final()]);
      return isUtf8(plain) ? plain.toString("utf8") : null;
    } catch {
      return null;
    }
  }
}

/** crypto.hash() came with Node 20.12, and leaves nothing to collect. */
function hash(value: string): string {
  if (typeof crypto.hash === "function") return crypto.hash("sha256", value, "base64url");
  return crypto.createHash("sha256").update(value).digest("base64url");
}

function deriveKey(secret: string, typ: Typ, issuer: string, appId: string): Key {
  const kid = deriveKid(secret);
  const header = b64u(Buffer.from(JSON.stringify({ alg: "dir", enc: "A256GCM", kid, typ })));
  return { kid, key: derive(secret, `mtas cookie v1|${typ}|${issuer}|${appId}`, 32), header };
}

export function deriveKid(secret: string): string {
  return b64u(derive(secret, "mtas cookie kid v1", 6));
}

export function derive(secret: string, info: string, length: number): Buffer {
  return Buffer.from(crypto.hkdfSync("sha256", Buffer.from(secret, "utf8"), "", info, length));
}

/** Bytes of canonical base64url without padding; null for anything else, which Buffer would let pass. */
export function decode(text: string | undefined): Buffer | null {
  if (text === undefined) return null;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : null;
}

function b64u(bytes: Buffer): string {
  return bytes.toString("base64url");
}
