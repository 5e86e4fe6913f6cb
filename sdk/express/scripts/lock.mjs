// package-lock.json anew, without any URL: npm leaves out where a package was resolved (.npmrc says so),
// and this takes away the addresses for donations.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { status } = spawnSync("npm", ["install", "--package-lock-only"], { cwd: root, stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);
const path = join(root, "package-lock.json");
const lock = JSON.parse(readFileSync(path, "utf8"));
for (const entry of Object.values(lock.packages)) delete entry.funding;
const text = JSON.stringify(lock, null, 2) + "\n";
if (text.includes("://")) {
  console.error("package-lock.json holds a URL");
  process.exit(1);
}
writeFileSync(path, text);
