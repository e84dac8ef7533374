# Shared by the scripts of this folder; sourced, not run.

say() { printf '\033[36m%s\033[0m %s\n' '::' "$*" >&2; }

fail() {
    printf '\033[31merror:\033[0m %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

# Installs Debian packages if this user may; else returns 1.
apt_install() {
    command -v apt-get >/dev/null || return 1
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return 1
        sudo=(sudo -n)
    fi
    say "apt-get install $*"
    # A list of packages that is days old names files that the mirrors no longer have.
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}
