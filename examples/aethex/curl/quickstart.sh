#!/bin/sh
# Log in, speak one sentence into an MP3, read the usage; needs curl and nothing else.
#
# Environment: VOXGATE_URL, and VOXGATE_API_KEY or VOXGATE_EMAIL with VOXGATE_PASSWORD. The first argument names the file to
# write; speech.mp3 if there is none.
set -eu

URL="${VOXGATE_URL:-http://127.0.0.1:8080}"
OUTPUT="${1:-speech.mp3}"
TEXT='Hello! This is a real voice, from my own machine.'

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# The value of a key in the compact JSON on standard input: enough for a token and a number.
value() {
    sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"
}

# The words charged to this account in this calendar month: the last "words" before the list of days.
words_used() {
    body="$(curl -sS --fail-with-body "$URL/usage" -H "Authorization: Bearer $TOKEN")" || fail "could not read the usage: $body"
    printf '%s' "${body%%\"by_day\"*}" | value words
}

curl -sS --max-time 10 -o /dev/null "$URL/health" || fail "nothing answers at $URL; start the server with \`make run\` or set VOXGATE_URL"

if [ -n "${VOXGATE_API_KEY:-}" ]; then
    TOKEN="$VOXGATE_API_KEY"
elif [ -n "${VOXGATE_EMAIL:-}" ] && [ -n "${VOXGATE_PASSWORD:-}" ]; then
    # The login is a form, not JSON.
    answer="$(curl -sS --fail-with-body "$URL/auth/jwt/login" \
        --data-urlencode "username=$VOXGATE_EMAIL" --data-urlencode "password=$VOXGATE_PASSWORD")" \
        || fail "could not log in: $answer"
    TOKEN="$(printf '%s' "$answer" | value access_token)"
else
    fail "set VOXGATE_API_KEY, or VOXGATE_EMAIL and VOXGATE_PASSWORD; the first start of the server printed them"
fi

before="$(words_used)"

status_and_type="$(curl -sS "$URL/tts/tts" \
    -H "Authorization: Bearer $TOKEN" \
    -H 'Content-Type: application/json' \
    -d "{\"text\": \"$TEXT\", \"voice_id\": \"en_female_warm_1\", \"audio_format\": \"mp3\", \"sample_rate_hz\": 24000}" \
    -o "$OUTPUT" -w '%{http_code} %{content_type}')"
[ "$status_and_type" = "200 audio/mpeg" ] || fail "could not synthesize: $status_and_type $(head -c 500 "$OUTPUT")"

size="$(wc -c <"$OUTPUT" | tr -d ' ')"
# An MP3 begins with an ID3 tag or with the eleven set bits of a frame.
case "$(head -c 2 "$OUTPUT" | od -An -tx1 | tr -d ' \n')" in
    4944 | ff[ef]*) [ "$size" -ge 5000 ] || fail "this is no MP3 of a sentence: $size bytes" ;;
    *) fail "$OUTPUT is no MP3" ;;
esac

# shellcheck disable=SC2086 # Splitting the text into its words is the point.
set -- $TEXT
charged=$(($(words_used) - before))
[ "$charged" -eq "$#" ] || fail "spoke $# words, but the usage rose by $charged"
printf '%s: %s bytes of MP3, %s words charged\n' "$OUTPUT" "$size" "$charged"
