#!/usr/bin/env bash
# Lint, types of Python, types of the browser client. Needs .venv with the extra "dev", and npm.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/dev/lib.sh

say "ruff"
.venv/bin/ruff check .
.venv/bin/ruff format --check --quiet . || fail "Some files are not formatted." "Run: make format"
say "mypy"
.venv/bin/mypy
say "tsc"
command -v npm >/dev/null || fail "npm is needed to check the browser client." "Debian: sudo apt-get install npm"
if [ ! web/node_modules/.package-lock.json -nt web/package-lock.json ]; then
    npm ci --prefix web --no-audit --no-fund --loglevel=error
    touch web/node_modules/.package-lock.json
fi
web/node_modules/.bin/tsc --noEmit --project web
