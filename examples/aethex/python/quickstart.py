#!/usr/bin/env python3
"""Log in, speak one sentence into an MP3, read the usage.

The sample of the AethexAI API page, pointed at a server of your own. Environment: VOXGATE_URL, and VOXGATE_API_KEY or
VOXGATE_EMAIL with VOXGATE_PASSWORD. The first argument names the file to write; speech.mp3 if there is none.
"""

import os
import sys

import requests

BASE_URL = os.environ.get("VOXGATE_URL", "http://127.0.0.1:8080").rstrip("/")
TEXT = "Hello! This is a real voice, from my own machine."
TIMEOUT = 120  # seconds; a small machine needs a while for a long text


def login(email: str, password: str) -> str:
    """The access token of a user. The login is a form, not JSON."""
    response = requests.post(
        f"{BASE_URL}/auth/jwt/login",
        data={"grant_type": "password", "username": email, "password": password},
        timeout=TIMEOUT,
    )
    expect(response, 200, "log in")
    return response.json()["access_token"]


def synthesize(headers: dict, text: str) -> bytes:
    """The spoken text as an MP3."""
    response = requests.post(
        f"{BASE_URL}/tts/tts",
        headers=headers,
        json={"text": text, "voice_id": "en_female_warm_1", "audio_format": "mp3", "sample_rate_hz": 24000},
        timeout=TIMEOUT,
    )
    expect(response, 200, "synthesize")
    if response.headers["Content-Type"] != "audio/mpeg":
        sys.exit(f"expected audio/mpeg, got {response.headers['Content-Type']}")
    return response.content


def words_used(headers: dict) -> int:
    """The words charged to this account in this calendar month."""
    response = requests.get(f"{BASE_URL}/usage", headers=headers, timeout=TIMEOUT)
    expect(response, 200, "read the usage")
    return response.json()["words"]


def expect(response: requests.Response, status: int, what: str) -> None:
    if response.status_code != status:
        sys.exit(f"could not {what}: {response.status_code} {response.text}")


def credentials() -> dict:
    if key := os.environ.get("VOXGATE_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    email, password = os.environ.get("VOXGATE_EMAIL"), os.environ.get("VOXGATE_PASSWORD")
    if not email or not password:
        sys.exit("set VOXGATE_API_KEY, or VOXGATE_EMAIL and VOXGATE_PASSWORD; the first start of the server printed them")
    return {"Authorization": f"Bearer {login(email, password)}"}


def main() -> None:
    output = sys.argv[1] if len(sys.argv) > 1 else "speech.mp3"
    headers = credentials()
    before = words_used(headers)
    audio = synthesize(headers, TEXT)
    # An MP3 begins with an ID3 tag or with the eleven set bits of a frame.
    if not (audio.startswith(b"ID3") or (audio[0] == 0xFF and audio[1] & 0xE0 == 0xE0)) or len(audio) < 5_000:
        sys.exit(f"this is no MP3 of a sentence: {len(audio)} bytes")
    with open(output, "wb") as file:
        file.write(audio)
    spoken, charged = len(TEXT.split()), words_used(headers) - before
    if charged != spoken:
        sys.exit(f"spoke {spoken} words, but the usage rose by {charged}")
    print(f"{output}: {len(audio)} bytes of MP3, {charged} words charged")


if __name__ == "__main__":
    try:
        main()
    except requests.ConnectionError:
        sys.exit(f"nothing answers at {BASE_URL}; start the server with `make run` or set VOXGATE_URL")
