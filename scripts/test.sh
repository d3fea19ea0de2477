#!/usr/bin/env bash
# make test: everything CI runs. `scripts/test.sh lint` stops after the static checks; `scripts/test.sh fast` leaves the
# static checks out. Prints how long each step took.
. "$(dirname "$0")/lib.sh"
MODE="${1:-all}"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"
# A captured backtrace costs more than the failed request it belongs to.
export RUST_LIB_BACKTRACE=0
TIMES=()

step() { # step NAME COMMAND …
    local name="$1" begun=$SECONDS
    shift
    say "$name"
    "$@" || die "$name failed"
    TIMES+=("$(printf '%5ds  %s' $((SECONDS - begun)) "$name")")
}

licences() {
    # cargo-deny is built once and kept beside the build output.
    local deny="$TARGET_DIR/tools/bin/cargo-deny"
    if command -v cargo-deny >/dev/null 2>&1; then
        deny=cargo-deny
    elif [ ! -x "$deny" ]; then
        CARGO_TARGET_DIR="$TARGET_DIR/tools/build" cargo install --quiet --locked --debug --root "$TARGET_DIR/tools" cargo-deny@0.20.2
        rm -rf "$TARGET_DIR/tools/build"
    fi
    "$deny" --log-level error check --hide-inclusion-graph licenses bans sources
}

lint() {
    step "formatting" cargo fmt --all --check
    # In the profile of the tests, so that build scripts and the C libraries they compile are shared with them.
    step "lints" cargo clippy --profile ci --workspace --all-targets --locked --quiet -- -D warnings
    step "a server without native engines" cargo clippy --profile ci --locked --quiet -p voxgate-cli --no-default-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" step "documentation" cargo doc --profile ci --workspace --no-deps --locked --quiet
    step "licences and bans" licences
    step "repository hygiene" python3 scripts/check_repository.py
}

tests() {
    # One selection for building and running, so that features are resolved once and nothing is compiled twice.
    step "build" cargo build --profile ci --workspace --bins --tests --locked --quiet
    VOXGATE_BIN="$(realpath "$TARGET_DIR")/ci/voxgate"
    export VOXGATE_BIN
    export VOXGATE_TEST_MODELS="${VOXGATE_TEST_MODELS:-$PWD/data/models}"
    step "models" env VOXGATE__MODELS__DIR="$VOXGATE_TEST_MODELS" "$VOXGATE_BIN" models pull
    if command -v cargo-nextest >/dev/null 2>&1; then
        step "tests" cargo nextest run --cargo-profile ci --workspace --locked --no-fail-fast
    else
        step "tests" cargo test --profile ci --workspace --bins --lib --tests --locked --no-fail-fast
    fi
    step "clients and API conformance" bash scripts/test_clients.sh
}

step "set-up" setup_test
case "$MODE" in
    lint) lint ;;
    fast) tests ;;
    all) lint; tests ;;
    *) die "unknown mode $MODE: use lint, fast or nothing" ;;
esac
say "All checks passed. Where the time went:"
printf '%s\n' "${TIMES[@]}"
