/**
 * Names and shapes of our cookies.
 *
 * The pointer names the login (`lid`) that counts; a session cookie names its login and its generation.
 * A refresh writes the next generation beside deleting this one, so a response that comes late, whatever it
 * sets, can neither bring back an older generation nor a login that has ended or been replaced.
 */
import { createHash } from "node:crypto";

/** Of one cookie, its name and the = with it: browsers keep 4096 bytes with the attributes. */
export const LARGEST = 3800;
const MOST_CHUNKS = 5;
const MOST_CANDIDATES = 8;
const MOST_TRANSACTIONS = 4;
/** Of their values together: Node refuses a request whose headers have more than 16 KB. */
const LARGEST_TRANSACTIONS = 4096;
export const LAST_GENERATION = 2 ** 31 - 1;
const TRANSACTION_MAX_AGE_S = 600;

export type Cookies = ReadonlyMap<string, string>;

/** A Set-Cookie that is still to be written; `value` null deletes. */
export interface Change {
  readonly name: string;
  readonly value: string | null;
  readonly maxAgeS: number;
}

/** As they were sent: nothing is decoded or unquoted, and the first of a name counts. */
export function parseCookies(header: string | undefined): Cookies {
  const cookies = new Map<string, string>();
  for (const pair of header?.split(";") ?? []) {
    const at = pair.indexOf("=");
    const name = at < 0 ? "" : trim(pair.slice(0, at));
    if (name !== "" && !cookies.has(name)) cookies.set(name, trim(pair.slice(at + 1)));
  }
  return cookies;
}

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

/** The parts that `value` is kept in; null when it is too long even so. */
export function split(name: string, value: string): Map<string, string> | null {
  if (`${name}=${value}`.length <= LARGEST) return new Map([[name, value]]);
  const parts: string[] = [];
  for (let from = 0; from < value.length;) {
    const room = LARGEST - `${name}.${parts.length}=`.length - (parts.length === 0 ? "n~".length : 0);
    parts.push(value.slice(from, from + room));
    from += room;
  }
  if (parts.length > MOST_CHUNKS) return null;
  return new Map(parts.map((part, i) => [`${name}.${i}`, i === 0 ? `${parts.length}~${part}` : part]));
}

/** The value that is kept under `name`, whole or in chunks; null when a part is missing. */
export function join(name: string, cookies: Cookies): string | null {
  const whole = cookies.get(name);
  if (whole !== undefined) return whole;
  const first = /^([2-5])~(.+)$/s.exec(cookies.get(`${name}.0`) ?? "");
  if (first === null) return null;
  let value = first[2] ?? "";
  for (let i = 1; i < Number(first[1]); i += 1) {
    const part = cookies.get(`${name}.${i}`);
    if (part === undefined || part === "") return null;
    value += part;
  }
  return value;
}

export class CookieNames {
  readonly pointer: string;
  readonly #transactions: string;
  readonly #isTransaction: RegExp;
  readonly #isSession: RegExp;
  readonly #attributes: string;

  constructor(appUrl: string, appId: string) {
    const secure = appUrl.startsWith("https:");
    const prefix = secure ? "__Host-" : "";
    this.pointer = `${prefix}mtas_${appId}`;
    this.#transactions = `${prefix}mtas_tx_${appId}.`;
    // The whole name, not its beginning: we delete what is ours, and a Set-Cookie names nothing else.
    this.#isTransaction = new RegExp(`^${prefix}mtas_tx_${appId}\\.[A-Za-z0-9_-]{16}$`);
    this.#isSession = new RegExp(`^${prefix}mtas_${appId}\\.[A-Za-z0-9_-]{12}\\.(0|[1-9]\\d{0,9})(\\.[0-4])?$`);
    this.#attributes = `; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  }

  session(lid: string, gen: number): string {
    return `${this.pointer}.${lid}.${gen}`;
  }

  transaction(state: string): string {
    return this.#transactions + createHash("sha256").update(state).digest("base64url").slice(0, 16);
  }

  lid(cookies: Cookies): string | null {
    const lid = cookies.get(this.pointer) ?? "";
    return isLid(lid) ? lid : null;
  }

  /** The generations that are there of the login that counts, the highest first. */
  generations(cookies: Cookies): number[] {
    const lid = this.lid(cookies);
    if (lid === null) return [];
    const start = `${this.pointer}.${lid}.`;
    const found = new Set<number>();
    for (const name of cookies.keys()) {
      if (!name.startsWith(start)) continue;
      const match = /^(0|[1-9]\d{0,9})(\.0)?$/.exec(name.slice(start.length));
      const gen = Number(match?.[1] ?? NaN);
      if (gen <= LAST_GENERATION) found.add(gen);
    }
    return [...found].sort((a, b) => b - a).slice(0, MOST_CANDIDATES);
  }

  /** Makes a login the one that counts. Only a sign-in does this: see above. */
  point(lid: string, maxAgeS: number): Change {
    return { name: this.pointer, value: lid, maxAgeS };
  }

  /** One generation of a session; null when it is too large. */
  write(lid: string, gen: number, sealed: string, maxAgeS: number): Change[] | null {
    const parts = split(this.session(lid, gen), sealed);
    return parts && [...parts].map(([name, value]) => ({ name, value, maxAgeS }));
  }

  /** Deletes the generations of a login below `gen`. A higher one may be another process's, and newer. */
  forget(cookies: Cookies, lid: string, gen: number): Change[] {
    const start = `${this.pointer}.${lid}.`;
    return this.#sessions(cookies)
      .filter((name) => name.startsWith(start) && parseInt(name.slice(start.length), 10) < gen)
      .map(deletion);
  }

  /** Deletes all sessions, and what points to them unless `pointed` says where it points now. */
  sweep(cookies: Cookies, pointed?: Change): Change[] {
    return [...this.#sessions(cookies).map(deletion), pointed ?? deletion(this.pointer)];
  }

  #sessions(cookies: Cookies): string[] {
    return [...cookies.keys()].filter((name) => this.#isSession.test(name));
  }

  begin(state: string, sealed: string): Change {
    return { name: this.transaction(state), value: sealed, maxAgeS: TRANSACTION_MAX_AGE_S };
  }

  end(state: string): Change {
    return deletion(this.transaction(state));
  }

  /** Deletes the transactions that do not open, and all but the newest few; `begun` opens one. */
  crowd(cookies: Cookies, begun: (sealed: string) => number | undefined): Change[] {
    let size = 0;
    return [...cookies]
      .filter(([name]) => this.#isTransaction.test(name))
      .map(([name, value]) => ({ name, value, at: begun(value) ?? -1 }))
      .sort((one, other) => other.at - one.at)
      .filter(({ value, at }, i) => at < 0 || i >= MOST_TRANSACTIONS || (size += value.length) > LARGEST_TRANSACTIONS)
      .map(({ name }) => deletion(name));
  }

  /** A Set-Cookie header's value. */
  render({ name, value, maxAgeS }: Change): string {
    const age = value === null ? "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" : `Max-Age=${maxAgeS}`;
    return `${name}=${value ?? ""}${this.#attributes}; ${age}`;
  }
}

export function isLid(text: unknown): text is string {
  return typeof text === "string" && /^[A-Za-z0-9_-]{12}$/.test(text);
}

export function deletion(name: string): Change {
  return { name, value: null, maxAgeS: 0 };
}
