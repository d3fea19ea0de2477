"""LiteLLM's proxy from pip, beside Voxgate: one worker, a stand-in provider on this machine, nothing else.

Measured twice: `open` (no key, no limits: forwarding alone) and `gated` (a master key is set, requests carry a virtual key
with limits on requests, tokens and concurrency, for the key and its user). What keys and limits cost is gated - open; what
the proxy costs is gated - direct, where `direct` is the provider without a proxy.

Virtual keys live in Postgres behind Prisma's engine, a native program that its installer downloads from outside the package
registry; here they come from LiteLLM's `custom_auth` hook instead (virtual_keys.py). So no database look-up, no spend record
in a database, no Redis: the cheapest way to run it with keys and limits on. One worker, because limits in memory are each
worker's own: with two, twice the limit would pass.
"""

import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

from process import Process, free_port

# Not the newest: this one's requirements could be had, and it is not among the versions with known malware
# (1.82.7, 1.82.8, 1.107.0). Wheels only: nothing of them runs while they are installed.
REQUIREMENT = "litellm[proxy]==1.102.4"
HERE = pathlib.Path(__file__).resolve().parent
BODY = json.dumps({"model": "stand-in", "messages": [{"role": "user", "content": "a"}]})
CONNECTIONS = 16

MODELS = """\
model_list:
  - model_name: stand-in
    litellm_params:
      model: openai/stand-in
      api_base: http://127.0.0.1:{upstream}/v1
      api_key: none
litellm_settings:
  telemetry: false
"""
GATE = """\
general_settings:
  master_key: {master}
  custom_auth: virtual_keys.authenticate
  custom_auth_run_common_checks: true
"""


def install(folder):
    """The environment's programs; makes it when it is not there or not complete."""
    stamp = folder / "requirement.txt"
    if not (stamp.exists() and stamp.read_text() == REQUIREMENT):
        print(f"installing {REQUIREMENT} into {folder} (700 MB)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--only-binary", ":all:", REQUIREMENT], check=True)
        stamp.write_text(REQUIREMENT)
    return folder / "bin"


def environment(programs, home, **more):
    """Nothing of the caller's environment: no proxy, no keys of real providers."""
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(home),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        **more,
    }


def start(programs, home, config, key):
    port = free_port()
    (home / "config.yaml").write_text(config)
    process = Process(
        [programs / "litellm", "--config", "config.yaml", "--host", "127.0.0.1", "--port", port, "--num_workers", 1, "--telemetry", "False"],
        home.parent / "litellm.log",
        env=environment(programs, home, BENCH_VIRTUAL_KEY=key),
        cwd=home,
    )
    try:
        process.wait_for(f"http://127.0.0.1:{port}/health/liveliness")
    except BaseException:
        process.stop()
        raise
    return process, port


def case(port, key):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    return {
        "address": f"127.0.0.1:{port}",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": headers,
        "body": BODY,
        "expect": 200,
    }


def probe(request):
    """Status and headers of one request of a case; another status is no error."""
    post = urllib.request.Request(f"http://{request['address']}{request['path']}", request["body"].encode(), request["headers"])
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(post, timeout=60) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers)


def span(rate, seconds):
    """Long enough for a p99 of some hundred requests, within reason; in seconds."""
    return min(max(seconds, 500 / rate), 30)


def measure(bench, work):
    """Saturation of both, then all at half of what the gated proxy can do."""
    # Absolute, and not resolved: an environment's python is a link.
    work = pathlib.Path(os.path.abspath(work))
    programs = install(work / "litellm-venv")
    home = work / "litellm-home"
    home.mkdir(exist_ok=True)
    shutil.copy(HERE / "virtual_keys.py", home)
    key = f"sk-{secrets.token_hex(16)}"
    upstream_port = free_port()
    models = MODELS.format(upstream=upstream_port)
    gate = GATE.format(master=f"sk-{secrets.token_hex(16)}")
    processes = []
    try:
        processes.append(Process([programs / "python", HERE / "upstream.py", upstream_port], work / "upstream.log", env=environment(programs, home)))
        gated, gated_port = start(programs, home, models + gate, key)
        processes.append(gated)
        status, headers = probe(case(gated_port, key))
        limits = [name for name in headers if re.match(r"x-ratelimit-(api_key|user)-limit-", name)]
        if status != 200 or not limits:
            raise RuntimeError(f"the gated proxy answers {status} with the limits {limits}")
        if probe(case(gated_port, "sk-wrong"))[0] != 401:
            raise RuntimeError("the gated proxy lets a wrong key in")
        plain, plain_port = start(programs, home, models, key)
        processes.append(plain)
        cases = {
            "direct": (case(upstream_port, None), None),
            "open": (case(plain_port, None), plain),
            "gated": (case(gated_port, key), gated),
        }
        saturation = {}
        for name in ("open", "gated"):
            request, process = cases[name]
            bench.load(request, seconds=5, connections=CONNECTIONS)
            saturation[name] = bench.load(request, process, connections=CONNECTIONS)
        rate = max(1, round(saturation["gated"]["per_second"] / 2))
        return {
            "requirement": REQUIREMENT,
            "limits_on": sorted(limits),
            "saturation": saturation,
            "rate": rate,
            "fixed": bench.rounds(cases, rate, connections=CONNECTIONS, seconds=span(rate, bench.options.seconds)),
            "rss_mb": {"open": plain.rss_mb(), "gated": gated.rss_mb()},
        }
    finally:
        for process in reversed(processes):
            process.stop()
        # Its sockets linger a little.
        time.sleep(1)
