// Compiles sources and tests together, and runs them: all, or the files that are named.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const run = (...args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};
rmSync(join(root, "build/test"), { recursive: true, force: true });
run(join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.test.json");
const named = process.argv.slice(2);
const files = readdirSync(join(root, "build/test/test"))
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => named.length === 0 || named.some((name) => file.startsWith(name)))
  .map((file) => join("build/test/test", file));
run("--enable-source-maps", "--test", "--test-reporter=./scripts/reporter.mjs", ...files);
