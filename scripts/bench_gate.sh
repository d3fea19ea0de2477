#!/usr/bin/env bash
# make bench-gate: what keys, limits and metering cost per request, beside the bare route and beside LiteLLM's proxy.
# Arguments go to scripts/bench_gate/measure.py (--help lists them). PROFILE=ci measures the test build instead.
. "$(dirname "$0")/lib.sh"
PROFILE="${PROFILE:-release}"

say "Building ($PROFILE)" >&2
cargo build --profile "$PROFILE" --locked --quiet -p voxgate-cli
cargo build --profile "$PROFILE" --locked --quiet -p voxgate-testing --example load

python3 -B scripts/bench_gate/measure.py --voxgate "$TARGET_DIR/$PROFILE/voxgate" --load "$TARGET_DIR/$PROFILE/examples/load" \
    --work "$TARGET_DIR/bench-gate" "$@"

if [ -f crates/voxgate-limits/benches/decide.rs ]; then
    say "The limiter alone" >&2
    cargo bench --locked --quiet -p voxgate-limits --bench decide
fi
