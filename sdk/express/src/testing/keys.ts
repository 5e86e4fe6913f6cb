/** An issuer's signing keys: the first signs, all are published. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export type Algorithm = "RS256" | "ES256";

interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export class SigningKeys {
  readonly #alg: Algorithm;
  #keys: readonly [SigningKey, ...SigningKey[]];

  constructor(alg: Algorithm) {
    this.#alg = alg;
    this.#keys = [newKey(alg)];
  }

  rotate(withdraw: boolean): void {
    this.#keys = [newKey(this.#alg), ...(withdraw ? [] : this.#keys)];
  }

  /** RFC 7517 §5. */
  published(): object {
    const jwk = ({ kid, publicKey }: SigningKey): object => {
      return { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: this.#alg };
    };
    return { keys: this.#keys.map(jwk) };
  }

  /** A compact JWS (RFC 7515 §3.1). */
  sign(typ: string, claims: object): string {
    const [key] = this.#keys;
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
    const text = `${encode({ typ, alg: this.#alg, kid: key.kid })}.${encode(claims)}`;
    const options = { key: key.privateKey, dsaEncoding: "ieee-p1363" } as const;
    return `${text}.${sign("sha256", Buffer.from(text), options).toString("base64url")}`;
  }
}

function newKey(alg: Algorithm): SigningKey {
  const pair =
    alg === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid: randomBytes(8).toString("base64url"), ...pair };
}
