// dist/esm and dist/cjs from the same sources, by the same compiler: what a file is follows from the
// "type" of the package.json beside it, so the second run compiles a copy whose package.json says commonjs.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const stated = readFileSync(join(root, "src/version.ts"), "utf8");
if (!stated.includes(`"${version}"`)) fail(`src/version.ts does not say ${version}, as package.json does`);

for (const folder of ["dist", "build/cjs"]) rmSync(join(root, folder), { recursive: true, force: true });
tsc("tsconfig.json");

const copy = join(root, "build/cjs");
mkdirSync(copy, { recursive: true });
cpSync(join(root, "src"), join(copy, "src"), { recursive: true });
writeFileSync(join(copy, "package.json"), '{ "type": "commonjs" }\n');
writeFileSync(
  join(copy, "tsconfig.json"),
  JSON.stringify({
    extends: "../../tsconfig.json",
    compilerOptions: { rootDir: "src", outDir: "../../dist/cjs", sourceMap: false, declarationMap: false },
    include: ["src"],
  }),
);
tsc("build/cjs/tsconfig.json");
writeFileSync(join(root, "dist/cjs/package.json"), '{ "type": "commonjs" }\n');

function tsc(project) {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", project], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
