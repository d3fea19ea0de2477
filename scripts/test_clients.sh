#!/usr/bin/env bash
# Real clients against the real server: the examples, OAuth and axios quirks, and Schemathesis against /openapi.json.
#
# Needs VOXGATE_BIN (the release binary) and VOXGATE_TEST_MODELS (a folder with the default models); scripts/test.sh sets both.
# Python and Node packages are kept beside the build output, so that a second run needs no network.
# VOXGATE_SCHEMATHESIS_EXAMPLES: generated cases per operation (default 25).
. "$(dirname "$0")/lib.sh"

: "${VOXGATE_BIN:?the server to test}"
: "${VOXGATE_TEST_MODELS:?a folder with the default models}"
EXAMPLES="${VOXGATE_SCHEMATHESIS_EXAMPLES:-25}"
mkdir -p "$TARGET_DIR"
TARGET="$(cd "$TARGET_DIR" && pwd)"
WORK="$(mktemp -d)"
SERVERS=()
PASSED=0
FAILED=0

cleanup() {
    local status=$? pid log
    trap - EXIT
    for pid in "${SERVERS[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
    done
    for pid in "${SERVERS[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    if [ "$status" -ne 0 ]; then
        for log in "$WORK"/*/server.log; do
            [ -f "$log" ] || continue
            printf -- '--- the end of the log of the %s server\n' "$(basename "$(dirname "$log")")"
            tail -n 15 "$log"
        done
    fi
    rm -rf "$WORK"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

check() { # check NAME COMMAND …
    local name="$1"
    shift
    printf '%s … ' "$name"
    if "$@" >"$WORK/output" 2>&1; then
        PASSED=$((PASSED + 1))
        printf 'ok\n'
    else
        FAILED=$((FAILED + 1))
        printf 'FAILED\n'
        sed -n '1,400s/^/    /p' "$WORK/output"
    fi
}

# Installs once per list of pinned versions.
python_packages() {
    local list=scripts/clients/requirements.txt stamp="$TARGET/venv/.installed"
    PYTHON="$TARGET/venv/bin/python"
    cmp -s "$list" "$stamp" && return 0
    rm -f "$stamp"
    [ -x "$PYTHON" ] || python3 -m venv "$TARGET/venv"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check -r "$list" -r examples/aethex/python/requirements.txt
    cp "$list" "$stamp"
}

# Node finds packages beside the script, so scripts and packages are put together outside the sources.
node_packages() { # node_packages SOURCE NAME
    local target="$TARGET/clients/$2"
    mkdir -p "$target"
    cp "$1"/*.mjs "$1"/package.json "$1"/.npmrc "$target/"
    cmp -s "$1/package-lock.json" "$target/.installed" && return 0
    rm -f "$target/.installed"
    cp "$1/package-lock.json" "$target/"
    npm ci --prefix "$target" --no-audit --no-fund --loglevel=error
    cp "$1/package-lock.json" "$target/.installed"
}

# Starts a server on a free port with a data directory of its own; sets BOOTSTRAP and URL.
start_server() { # start_server NAME ENVIRONMENT …
    local dir="$WORK/$1" deadline=$((SECONDS + 120))
    shift
    mkdir -p "$dir"
    env VOXGATE__MODELS__DIR="$VOXGATE_TEST_MODELS" "$@" \
        "$VOXGATE_BIN" serve --offline --listen 127.0.0.1:0 --data-dir "$dir/data" --bootstrap-file "$dir/bootstrap.json" \
        </dev/null >"$dir/stdout" 2>"$dir/server.log" &
    SERVERS+=($!)
    BOOTSTRAP="$dir/bootstrap.json"
    until [ -s "$BOOTSTRAP" ] && URL="$(bootstrap base_url)" && curl -sf --max-time 5 -o /dev/null "$URL/ready"; do
        kill -0 "${SERVERS[-1]}" 2>/dev/null || die "the server ended while it started"
        [ "$SECONDS" -lt "$deadline" ] || die "the server was not ready after two minutes"
        sleep 0.2
    done
}

bootstrap() { # bootstrap KEY
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$BOOTSTRAP" "$1"
}

# An MP3 of the examples' sentence: decodes, is as long as the sentence takes, and is as loud as speech should be.
good_audio() { # good_audio FILE
    ffmpeg -hide_banner -nostats -v error -xerror -i "$1" -f null - || return 1
    ffprobe -v error -show_entries stream=codec_name,sample_rate,channels:format=duration -of default=noprint_wrappers=1 "$1"
    ffmpeg -hide_banner -nostats -i "$1" -af ebur128 -f null - 2>&1 | awk '/Summary/ {s = 1} s && $1 == "I:" {print "lufs=" $2}'
}

check_audio() { # check_audio FILE LEAST_SECONDS MOST_SECONDS
    good_audio "$1" | tee "$WORK/audio"
    awk -F= -v least="$2" -v most="$3" '
        {found[$1] = $2}
        END {
            if (found["codec_name"] != "mp3") {print "expected mp3"; exit 1}
            if (found["sample_rate"] != 24000 || found["channels"] != 1) {print "expected 24000 Hz mono"; exit 1}
            if (found["duration"] < least || found["duration"] > most) {print "expected " least " to " most " seconds"; exit 1}
            if (found["lufs"] == "" || found["lufs"] < -26 || found["lufs"] > -14) {print "expected -26 to -14 LUFS"; exit 1}
        }' "$WORK/audio"
}

# The curl line of the first start, exactly as it was printed.
printed_curl() {
    local line
    line="$(awk '/^curl / {on = 1} on {print} on && !/\\$/ {exit}' "$WORK/models/stdout")"
    printf '%s\n' "$line"
    (cd "$WORK" && bash -euc "$line")
}

# One principal on a server of its own: an administrator of thousand made-up requests leaves nothing as it was.
schemathesis() { # schemathesis API_KEY LEAST_ANSWERS
    timeout 300 "$TARGET/venv/bin/schemathesis" --config-file scripts/clients/schemathesis.toml --no-color run "$URL/openapi.json" \
        --max-examples "$EXAMPLES" --generation-database none --header "Authorization: Bearer $1" || return 1
    # What was tested was more than refusals. The key itself may be gone by now: an administrator may delete themselves.
    curl -sf --max-time 5 "$URL/ready" >/dev/null || return 1
    curl -sf --max-time 5 "$URL/metrics" | awk -v least="$2" '
        /^http_requests_total/ && /status="2/ && !/route="\/(health|ready|metrics|docs|openapi)/ {answered += $NF}
        END {print answered " requests answered 2xx, at least " least " expected"; exit answered < least}'
}

say "Clients: packages"
python_packages
node_packages examples/aethex/javascript quickstart
node_packages scripts/clients checks

say "Clients: real server, real models"
start_server models VOXGATE__LIMITS__REQUESTS_PER_MINUTE=-1
VOXGATE_URL="$URL"
VOXGATE_EMAIL="$(bootstrap admin_email)"
VOXGATE_PASSWORD="$(bootstrap admin_password)"
API_KEY="$(bootstrap api_key)"
export VOXGATE_URL VOXGATE_EMAIL VOXGATE_PASSWORD
export NO_PROXY="${NO_PROXY:+$NO_PROXY,}127.0.0.1" no_proxy="${no_proxy:+$no_proxy,}127.0.0.1"

check "the curl line of the first start, as printed" printed_curl
check "its audio" check_audio "$WORK/speech.mp3" 1.2 4
check "curl quickstart, password" sh examples/aethex/curl/quickstart.sh "$WORK/curl.mp3"
check "curl quickstart, API key" env VOXGATE_API_KEY="$API_KEY" sh examples/aethex/curl/quickstart.sh "$WORK/curl.mp3"
check "its audio" check_audio "$WORK/curl.mp3" 2 6
check "Python quickstart, password" "$PYTHON" examples/aethex/python/quickstart.py "$WORK/python.mp3"
check "Python quickstart, API key" env VOXGATE_API_KEY="$API_KEY" "$PYTHON" examples/aethex/python/quickstart.py "$WORK/python.mp3"
check "its audio" check_audio "$WORK/python.mp3" 2 6
check "Node quickstart, password" node "$TARGET/clients/quickstart/quickstart.mjs" "$WORK/node.mp3"
check "Node quickstart, API key" env VOXGATE_API_KEY="$API_KEY" node "$TARGET/clients/quickstart/quickstart.mjs" "$WORK/node.mp3"
check "its audio" check_audio "$WORK/node.mp3" 2 6
check "OAuth 2 password clients" "$PYTHON" scripts/clients/oauth_password.py
check "two generations of axios" node "$TARGET/clients/checks/axios_versions.mjs"

# A tone instead of speech, hashes that cost nothing and no limits: what is tested is the surface, many thousand times.
say "Clients: API conformance (Schemathesis)"
CHEAP=(
    VOXGATE__ENGINES__FAKE=true
    VOXGATE__LIMITS__REQUESTS_PER_MINUTE=-1 VOXGATE__LIMITS__DAILY_WORDS=-1 VOXGATE__LIMITS__MONTHLY_WORDS=-1
    VOXGATE__AUTH__ARGON2_MEMORY_KIB=8 VOXGATE__AUTH__ARGON2_PASSES=1 VOXGATE__AUTH__ARGON2_LANES=1
    VOXGATE__AUTH__REGISTRATION=true VOXGATE__AUTH__ALLOW_RESERVED_DOMAINS=true
    VOXGATE__DATABASE__FSYNC=false VOXGATE__LOG__FILTER=warn
)
administer() { # administer SERVER COMMAND …
    local server="$1"
    shift
    env "${CHEAP[@]}" "$VOXGATE_BIN" "$@" --data-dir "$WORK/$server/data" --json
}

start_server administrator "${CHEAP[@]}"
check "Schemathesis as system administrator" schemathesis "$(bootstrap api_key)" 200

start_server ordinary "${CHEAP[@]}"
administer ordinary users create ordinary@example.com --org "$(bootstrap organization_id)" >/dev/null
USER_KEY="$(administer ordinary keys create conformance --user ordinary@example.com \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])')"
check "Schemathesis as ordinary user" schemathesis "$USER_KEY" 100

printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
[ "$FAILED" -eq 0 ]
