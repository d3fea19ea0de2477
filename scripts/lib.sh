# Shared by the scripts: messages, packages, where things are. Sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TARGET_DIR="${CARGO_TARGET_DIR:-target}"
VOXGATE="$TARGET_DIR/release/voxgate"

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# need COMMAND PACKAGE … : collects the Debian packages of commands that are missing.
MISSING=()
need() { command -v "$1" >/dev/null 2>&1 || MISSING+=("$2"); }

install_missing() {
    [ ${#MISSING[@]} -eq 0 ] && return 0
    say "Installing ${MISSING[*]}"
    command -v apt-get >/dev/null 2>&1 || die "please install these packages first: ${MISSING[*]}"
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || die "please run as root: apt-get install ${MISSING[*]}"
        sudo=(sudo)
    fi
    "${sudo[@]}" apt-get update -qq || true
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${MISSING[@]}" >/dev/null \
        || die "apt-get could not install ${MISSING[*]}; install them and run this again"
    MISSING=()
}

# cmake builds libopus; ffmpeg encodes AAC and brings libmp3lame, which MP3 needs.
setup_build() {
    command -v cargo >/dev/null 2>&1 || die "Rust is needed: https://rustup.rs"
    need cc gcc
    need cmake cmake
    need make make
    need ffmpeg ffmpeg
    need python3 python3
    python3 -m pip --version >/dev/null 2>&1 || MISSING+=(python3-pip)
    need npm npm
    install_missing
}

# What the tests need beyond the build: Postgres, Redis, curl.
setup_test() {
    setup_build
    need curl curl
    need node nodejs
    if ! find_postgres; then
        MISSING+=(postgresql)
        install_missing
        find_postgres || die "initdb is still missing after installing postgresql"
    fi
    python3 -c 'import venv, ensurepip' 2>/dev/null || MISSING+=(python3-venv)
    need flac flac
    # Several servers share their limits through it; the tests start one of their own on a free port.
    command -v valkey-server >/dev/null 2>&1 || need redis-server redis-server
    install_missing
}

# Debian keeps initdb outside the PATH.
find_postgres() {
    command -v initdb >/dev/null 2>&1 && return 0
    local dir
    for dir in /usr/lib/postgresql/*/bin; do
        if [ -x "$dir/initdb" ]; then
            export PATH="$dir:$PATH"
            return 0
        fi
    done
    return 1
}
