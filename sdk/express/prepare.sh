#!/bin/sh
# Dependencies by the lock, and a build; does nothing when both are newer than what they come from.
set -eu
cd "$(dirname "$0")"

fail() {
    printf '✗ The Express SDK was not tested: %s\n' "$1" >&2
    exit 1
}

command -v node >/dev/null 2>&1 || fail 'Node 20 or newer is needed; there is no node on the PATH.'
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || fail "Node 20 or newer is needed; this is $(node --version)."
command -v npm >/dev/null 2>&1 || fail 'npm is needed; there is none on the PATH.'

installed=node_modules/.package-lock.json
if [ ! -f "$installed" ] || [ -n "$(find package-lock.json -newer "$installed")" ]; then
    npm ci --prefer-offline || fail 'npm ci failed; it needs the npm registry (or a cache of it).'
fi
if [ ! -f dist/cjs/package.json ] || [ -n "$(find src package.json scripts/build.mjs tsconfig.json -newer dist/cjs/package.json)" ]; then
    node scripts/build.mjs || fail 'it does not compile.'
fi
