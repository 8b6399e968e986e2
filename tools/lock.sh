#!/usr/bin/env bash
# Writes requirements.lock (what `provision` runs with) and requirements-dev.lock (that and what tests
# it): every version pinned, every file by its hash, for every Python the project supports.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v uv >/dev/null || {
    echo "lock: uv is missing; install it (pip install uv) and run this again" >&2
    exit 4
}
compile=(uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
    --no-emit-find-links --no-annotate --custom-compile-command "make lock" "$@")
"${compile[@]}" pyproject.toml --group build -o requirements.lock
"${compile[@]}" pyproject.toml --extra emulator --extra gce --group build --group dev -o requirements-dev.lock
