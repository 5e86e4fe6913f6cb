/**
 * One flight across processes, with Redis or Valkey between them: who gets the lock asks the server, and leaves
 * the session that came of it, sealed, for the others. Without an answer from Redis everyone asks for themselves.
 */
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { readSession, type Session } from "./claims.js";
import type { Config } from "./config.js";
import type { Sealer } from "./seal.js";

const KEPT_MS = 10_000;
const BETWEEN_LOOKS_MS = 25;
const PATIENCE_MS = 1000;
const ENDED = "ended";
/** Deletes the lock only while it is ours. */
const RELEASE = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0";

/** `null`: the session has ended. */
export type Outcome = Session | null;

/** What is asked once: `name`, which may be a secret, among those of a kind; `fits`: is it what was asked for? */
export interface Share {
  readonly kind: string;
  readonly name: string;
  readonly fits: (found: Session) => boolean;
}

/** Finds the one of several processes that asks. */
export interface Sharing {
  once<T extends Outcome>(share: Share, ask: () => Promise<T>): Promise<T | Outcome>;
  /** Tells all that this login was signed out. Never throws. */
  end(lid: string): Promise<void>;
  /** Was it, within ten seconds? False when there is no Redis to ask. */
  hasEnded(lid: string): Promise<boolean>;
}

/** What we use of the package `redis`, from its version 4.6 on. */
interface Redis {
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  on(event: "error" | "ready", listener: () => void): unknown;
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options: { PX: number; NX?: true }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  destroy?(): void;
  disconnect?(): Promise<void>;
}

export interface Shared {
  readonly sharing: Sharing;
  readonly close: () => Promise<void>;
}

export function openRedis(
  config: Config,
  sealer: Sealer,
  now: () => number,
  warn: (message: string) => void,
): Shared | undefined {
  const { redisUrl } = config;
  if (redisUrl === undefined) return undefined;
  let opened: Promise<Redis> | undefined;
  const open = (): Promise<Redis> => (opened ??= connect(redisUrl, warn));
  return {
    sharing: new RedisSharing(config, sealer, now, open),
    close: async () => {
      const redis = await opened?.catch(() => undefined);
      if (redis?.destroy) redis.destroy();
      else await redis?.disconnect?.();
    },
  };
}

async function connect(url: string, warn: (message: string) => void): Promise<Redis> {
  const { createClient } = await import("redis").catch(() => {
    const message = "MTAS_REDIS_URL is set, and the package redis is not installed: npm install redis";
    warn(message);
    throw new Error(message);
  });
  const where = url.startsWith("unix:") ? { socket: { path: new URL(url).pathname, tls: false as const } } : { url };
  const redis = createClient({ ...where, disableOfflineQueue: true }) as unknown as Redis;
  let isAway = false;
  redis.on("ready", () => (isAway = false));
  redis.on("error", () => {
    if (!isAway) warn("Redis is away. Until it is back, each process refreshes by itself.");
    isAway = true;
  });
  // It goes on trying by itself; we wait for it only once, and not for long.
  await Promise.race([redis.connect().catch(() => undefined), sleep(PATIENCE_MS)]);
  return redis;
}

class RedisSharing implements Sharing {
  readonly #lockMs: number;
  readonly #appId: string;
  readonly #sealer: Sealer;
  readonly #now: () => number;
  readonly #open: () => Promise<Redis>;

  constructor(config: Config, sealer: Sealer, now: () => number, open: () => Promise<Redis>) {
    // Should it end too early, the server gives both the same successor.
    this.#lockMs = Math.ceil(2 * config.timeoutS * 1000);
    this.#appId = config.appId;
    this.#sealer = sealer;
    this.#now = now;
    this.#open = open;
  }

  async once<T extends Outcome>(share: Share, ask: () => Promise<T>): Promise<T | Outcome> {
    const result = this.#key(share.kind, share.name);
    const keys: Keys = { result, lock: `${result}:lock` };
    const turn = await this.#takeTurn(share, keys).catch(() => null);
    if (turn === null) return ask();
    if ("outcome" in turn) return turn.outcome;
    try {
      const outcome = await ask();
      const value = outcome === null ? ENDED : this.#sealer.seal("mtas-session", outcome);
      await within(turn.redis.set(keys.result, value, { PX: KEPT_MS })).catch(() => undefined);
      return outcome;
    } finally {
      const ours = { keys: [keys.lock], arguments: [turn.token] };
      await within(turn.redis.eval(RELEASE, ours)).catch(() => undefined);
    }
  }

  async end(lid: string): Promise<void> {
    const tell = async (): Promise<unknown> =>
      within((await this.#open()).set(this.#key(ENDED, lid), ENDED, { PX: KEPT_MS }));
    await tell().catch(() => undefined);
  }

  async hasEnded(lid: string): Promise<boolean> {
    const look = async (): Promise<boolean> =>
      (await within((await this.#open()).get(this.#key(ENDED, lid)))) !== null;
    return look().catch(() => false);
  }

  /** As in every MTAS SDK. */
  #key(kind: string, name: string): string {
    return `mtas:${this.#appId}:${kind}:${createHash("sha256").update(name).digest("base64url")}`;
  }

  /** The lock, or what another process left; null when neither comes in time. Throws when Redis is away. */
  async #takeTurn(share: Share, keys: Keys): Promise<Turn | null> {
    const redis = await this.#open();
    const token = randomBytes(12).toString("base64url");
    const until = performance.now() + this.#lockMs;
    while (performance.now() < until) {
      if (!redis.isReady) return null;
      const found = this.#read(await within(redis.get(keys.result)), share);
      if (found !== undefined) return { outcome: found };
      const lock = redis.set(keys.lock, token, { PX: this.#lockMs, NX: true });
      if ((await within(lock)) !== null) {
        // Perhaps it was left between the look and the lock.
        const late = this.#read(await within(redis.get(keys.result)), share);
        if (late === undefined) return { redis, token };
        await within(redis.eval(RELEASE, { keys: [keys.lock], arguments: [token] })).catch(() => undefined);
        return { outcome: late };
      }
      await sleep(BETWEEN_LOOKS_MS);
    }
    return null;
  }

  /** Undefined: nothing is there, or nothing that fits. */
  #read(value: unknown, { fits }: Share): Outcome | undefined {
    if (typeof value !== "string") return undefined;
    if (value === ENDED) return null;
    const found = readSession(this.#sealer.open("mtas-session", value), this.#now());
    return found !== null && fits(found) ? found : undefined;
  }
}

interface Keys {
  readonly result: string;
  readonly lock: string;
}

type Turn = { readonly outcome: Outcome } | { readonly redis: Redis; readonly token: string };

/** A Redis that does not answer shall not hold up anybody. */
async function within<T>(answer: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = sleep(PATIENCE_MS, undefined, { signal: stop.signal, ref: false }).then(() => {
    throw new Error("Redis did not answer");
  });
  late.catch(() => undefined);
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    stop.abort();
  }
}
