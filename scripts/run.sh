#!/usr/bin/env bash
# make run: from a fresh machine to a speaking server. Extra arguments go to `voxgate serve`.
. "$(dirname "$0")/lib.sh"
setup_build
say "Building Voxgate (the first time compiles everything: about 10 minutes on 2 free cores; later seconds)"
cargo build --release --locked -p voxgate-cli
exec "$VOXGATE" serve --hello data/hello.mp3 "$@"
