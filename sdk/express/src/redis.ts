/** One refresh across processes, with Redis or Valkey between them. */
import type { Config } from "./config.js";
import type { Sharing } from "./refresh.js";
import type { Sealer } from "./seal.js";

export interface Shared {
  readonly sharing: Sharing;
  readonly close: () => Promise<void>;
}

export function openRedis(
  config: Config,
  _sealer: Sealer,
  _now: () => number,
  _warn: (message: string) => void,
): Shared | undefined {
  if (config.redisUrl === undefined) return undefined;
  return undefined;
}
