#!/usr/bin/env bash
# make bench: what a second of speech costs here. With --peers: beside pip's piper-tts and kokoro-onnx, engine by engine,
# all on one thread, in turn; the ratios are what to trust on a noisy machine.
. "$(dirname "$0")/lib.sh"
MODELS="${VOXGATE__MODELS__DIR:-data/models}"
export VOXGATE__MODELS__DIR="$MODELS"
"$VOXGATE" models pull >&2

if [ "${1:-}" != --peers ]; then
    exec "$VOXGATE" bench tts "$@"
fi

OUT="$TARGET_DIR/bench-peers"
mkdir -p "$OUT"
: >"$OUT/ours.jsonl"
: >"$OUT/peers.jsonl"
for engine in piper kokoro; do
    say "$engine: ours" >&2
    "$VOXGATE" bench tts --engine "$engine" --threads 1 --json >>"$OUT/ours.jsonl"
    say "$engine: peer" >&2
    python3 scripts/bench_peers.py --venv "$TARGET_DIR/bench-venv" --models-dir "$MODELS" --engine "$engine" >>"$OUT/peers.jsonl"
done
python3 - "$OUT/ours.jsonl" "$OUT/peers.jsonl" <<'PYTHON'
import json, sys

ours, peers = ([json.loads(line) for line in open(name)] for name in sys.argv[1:3])
print("| engine | text | ours: CPU s per audio s | peer | ratio | ours: first audio s | peer | ours: peak MB | peer |")
print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
for a in ours:
    b = next((p for p in peers if p["engine"].startswith(a["engine"]) and p["length"] == a["length"]), None)
    if b is None:
        sys.exit(f"the peer did not measure {a['engine']} {a['length']}")
    print(
        f"| {a['engine']} | {a['length']} | {a['cpu_per_audio_s']:.3f} | {b['cpu_per_audio_s']:.3f} "
        f"| {a['cpu_per_audio_s'] / b['cpu_per_audio_s']:.2f} | {a['first_audio_s']:.2f} | {b['first_audio_s']:.2f} "
        f"| {a['peak_rss_mb']:.0f} | {b['peak_rss_mb']:.0f} |"
    )
PYTHON
