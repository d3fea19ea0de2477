#!/usr/bin/env python3
"""Checks what no compiler sees: crate directions, sizes of files, binary files, unfinished work.

Exits 1 and names each finding.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Who may import whom, as ARCHITECTURE.md says. A new arrow is a decision of its own: change both.
ALLOWED = {
    "voxgate-lame": set(),
    "voxgate-audio": {"voxgate-lame"},
    "voxgate-domain": {"voxgate-audio"},
    "voxgate-text": set(),
    "voxgate-vocoder": set(),
    "voxgate-engine": {"voxgate-audio"},
    "voxgate-engine-local": {"voxgate-audio", "voxgate-engine", "voxgate-text", "voxgate-vocoder"},
    "voxgate-http-client": set(),
    "voxgate-models": {"voxgate-http-client"},
    "voxgate-store": {"voxgate-domain"},
    "voxgate-limits": {"voxgate-domain"},
    "voxgate-services": {
        "voxgate-audio", "voxgate-domain", "voxgate-engine", "voxgate-limits", "voxgate-store",
    },
    "voxgate-api": {"voxgate-audio", "voxgate-domain", "voxgate-services"},
    "voxgate-server": {
        "voxgate-api", "voxgate-audio", "voxgate-domain", "voxgate-engine", "voxgate-engine-local",
        "voxgate-http-client", "voxgate-models", "voxgate-services", "voxgate-store",
    },
    "voxgate-cli": {
        "voxgate-api", "voxgate-audio", "voxgate-domain", "voxgate-engine", "voxgate-models", "voxgate-server",
        "voxgate-services", "voxgate-store",
    },
    "voxgate-testing": set(),
}
LONGEST_FILE = 700
LARGEST_FILE = 2_000_000


def main() -> int:
    findings = []
    metadata = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"],
            cwd=ROOT, check=True, capture_output=True,
        ).stdout
    )
    for package in metadata["packages"]:
        name = package["name"]
        if name not in ALLOWED:
            findings.append(f"{name}: not in the table of directions (scripts/check_repository.py, ARCHITECTURE.md)")
            continue
        used = {d["name"] for d in package["dependencies"] if d["name"].startswith("voxgate-") and d["kind"] is None}
        for extra in sorted(used - ALLOWED[name]):
            findings.append(f"{name} imports {extra}, a direction the design does not have")

    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for relative in filter(None, files.decode().split("\0")):
        path = ROOT / relative
        if not path.is_file():
            continue
        data = path.read_bytes()
        if len(data) > LARGEST_FILE:
            findings.append(f"{relative}: {len(data)} bytes; weights and packages are fetched, never committed")
        if b"\0" in data[:8000] and path.suffix != ".png":
            findings.append(f"{relative}: a binary file")
            continue
        if path.suffix != ".rs":
            continue
        text = data.decode()
        lines = text.count("\n")
        if lines > LONGEST_FILE:
            findings.append(f"{relative}: {lines} lines; split it (at most {LONGEST_FILE})")
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"\b(todo|unimplemented)!\(|#\[ignore", line):
                findings.append(f"{relative}:{number}: unfinished: {line.strip()}")
    # The page that says what is billed names a test for what it says; one that does not exist proves nothing.
    page = "docs/limits-and-billing.md"
    code = "".join(path.read_text() for path in (ROOT / "crates").glob("*/**/*.rs") if "target" not in path.parts)
    functions = set(re.findall(r"\bfn (\w+)", code))
    for named in re.findall(r"Tests?:((?:\s*`\w+`,?)+)", (ROOT / page).read_text()):
        for test in re.findall(r"`(\w+)`", named):
            if test not in functions:
                findings.append(f"{page}: there is no test {test}")

    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
