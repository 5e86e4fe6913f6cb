import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A file of golden vectors, which every SDK runs. */
export function vectors(name: string): any {
  return JSON.parse(readFileSync(join(process.cwd(), "..", "vectors", `${name}.json`), "utf8"));
}
