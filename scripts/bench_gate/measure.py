#!/usr/bin/env python3
"""make bench-gate: what authentication, limits and metering add to a request, and what the same costs in LiteLLM.

One machine, one run, one load generator (crates/voxgate-testing/src/load.rs: an open schedule, so that stalls show in the
percentiles). Voxgate speaks with the fake engine, one letter a request. Cases on the same server:
  health   GET /health: the bare route
  refused  POST of the same body to a public route, which decodes and refuses it (422): a bare route with a body
  account  GET /users/me with the API key: authentication, and one record read and shown
  metered  POST /tts/tts with the API key: authentication, all limits, engine, usage record
The gate's cost is metered - health; it includes the hand-over to the engine and back, which the server's own metrics tell
apart as far as they can. Each fixed-rate case is measured in several rounds, in turn with the others; medians are shown.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import litellm_peer
import report
from process import MemoryWatch, Process, get

# High enough never to refuse, and set, so that every one is counted.
UNREACHABLE = {
    "requests_per_minute": 100_000_000,
    "tokens_per_minute": 10**12,
    "generation_per_10_seconds": 10**8,
    "read_per_10_seconds": 10**8,
    "concurrent_streams": 10**6,
    "tokens_per_day": 10**15,
    "words_per_day": 10**15,
    "words_per_month": 10**15,
    "characters_per_month": 10**15,
    "audio_seconds_per_month": 10**12,
}
SPEECH = {"text": "a", "voice_id": "fake_anna", "audio_format": "pcm", "sample_rate_hz": 24000}
P99_BOUND_MS = 5.0
# What /proc and the metrics show after a run: batches written, buffers given back.
SETTLE_S = 1.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voxgate", type=pathlib.Path, required=True, help="the voxgate program")
    parser.add_argument("--load", type=pathlib.Path, required=True, help="the load generator (example `load` of voxgate-testing)")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for logs, results and LiteLLM's environment")
    parser.add_argument("--rate", type=float, default=2000, help="requests per second of the fixed-rate cases (default 2000)")
    parser.add_argument("--seconds", type=float, default=10, help="length of each measurement (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each fixed-rate case (default 3)")
    parser.add_argument("--connections", type=int, default=64, help="kept-alive connections (default 64)")
    parser.add_argument("--soak", type=int, default=0, metavar="N", help="at last, N metered requests while memory is watched")
    parser.add_argument("--no-litellm", action="store_true", help="leave LiteLLM out")
    parser.add_argument("--flame", action="store_true", help="write a flame graph of the metered route at saturation (needs perf)")
    return parser.parse_args()


class Bench:
    """The load generator, and the arithmetic around it."""

    def __init__(self, options):
        self.options = options

    def load(self, case, process=None, rate=None, seconds=None, connections=None, strict=True):
        """One measurement; with a process, also its processor time per request in microseconds."""
        plan = {
            **case,
            "connections": connections or self.options.connections,
            "rate": rate,
            "seconds": seconds or self.options.seconds,
        }
        spent = process.cpu() if process else 0
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = subprocess.run([self.options.load], input=json.dumps(plan), capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"the load generator failed on {case['path']}: {run.stderr}")
        result = json.loads(run.stdout)
        time.sleep(SETTLE_S)
        if process:
            result["cpu_us"] = (process.cpu() - spent) * 1e6 / max(1, result["answered"])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        result["generator_cpu_us"] = (after.ru_utime + after.ru_stime - own.ru_utime - own.ru_stime) * 1e6 / max(1, result["answered"])
        if result["unexpected"] or (strict and result["broken"]):
            raise RuntimeError(f"{case['path']} answered otherwise than {case['expect']}: {result['unexpected']}, {result['broken']} broken")
        return result

    def rounds(self, cases, rate, **more):
        """Each (case, process) at a fixed rate, in turn, several times; medians."""
        results = {name: [] for name in cases}
        for _ in range(self.options.rounds):
            for name, (case, process) in cases.items():
                results[name].append(self.load(case, process, rate=rate, **more))
        return {name: median(runs) for name, runs in results.items()}

    def highest_rate(self, case, process, saturation):
        """The highest of a ladder of rates with every request answered and p99 under the bound."""
        for share in (0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1):
            result = self.load(case, process, rate=round(saturation * share))
            if not result["unanswered"] and result["latency"]["p99_ms"] < P99_BOUND_MS:
                return {"rate": round(saturation * share), "p99_ms": result["latency"]["p99_ms"], "cpu_us": result["cpu_us"]}
        return None


def median(runs):
    """Field by field, so that one disturbed round does not decide."""
    first = runs[0]
    if isinstance(first, dict):
        return {key: median([run[key] for run in runs]) for key in first if all(key in run for run in runs)}
    return statistics.median(runs)


class Voxgate:
    """A server of its own with the fake engine, on an empty SQLite data directory."""

    def __init__(self, options, folder):
        self.program = options.voxgate
        self.data = folder / "data"
        # What the caller's shell has set is for a server of theirs.
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("VOXGATE_")}
        settings = {
            "ENGINES__FAKE": "true",
            "ENGINES__KOKORO": "false",
            "ENGINES__PIPER": "false",
            "LIMITS__REQUESTS_PER_MINUTE": UNREACHABLE["requests_per_minute"],
            "LIMITS__DAILY_WORDS": UNREACHABLE["words_per_day"],
            "LIMITS__MONTHLY_WORDS": UNREACHABLE["words_per_month"],
        }
        self.env |= {f"VOXGATE__{name}": str(value) for name, value in settings.items()}
        bootstrap = folder / "bootstrap.json"
        self.process = Process(
            [self.program, "serve", "--listen", "127.0.0.1:0", "--data-dir", self.data, "--offline", "--bootstrap-file", bootstrap],
            options.work / "voxgate.log",
            env=self.env,
        )
        try:
            self._wait(bootstrap)
        except BaseException:
            self.process.stop()
            raise

    def _wait(self, bootstrap):
        deadline = time.monotonic() + 60
        while True:
            try:
                self.first = json.loads(bootstrap.read_text())
                break
            except (OSError, ValueError):
                if time.monotonic() > deadline or self.process.child.poll() is not None:
                    raise RuntimeError(f"the server did not start; see {self.process.log}") from None
                time.sleep(0.05)
        self.url = self.first["base_url"]
        self.process.wait_for(f"{self.url}/ready")
        self.address = self.url.removeprefix("http://")
        self.authorization = {"Authorization": f"Bearer {self.first['api_key']}"}

    def set_limits(self):
        """Sets every limit, on the organisation and on its only key; says which of the two took it."""
        taken = []
        organization = self.first["organization_id"]
        if self._patch(f"/admin/v1/organizations/{organization}", {"limits": UNREACHABLE}):
            taken.append("organisation")
        keys = json.loads(get(f"{self.url}/admin/v1/organizations/{organization}/keys", self.authorization))["items"] if taken else []
        if keys and self._patch(f"/admin/v1/keys/{keys[0]['id']}", {"limits": UNREACHABLE}):
            taken.append("key")
        return taken

    def _patch(self, path, body):
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {**self.authorization, "Content-Type": "application/json"}, method="PATCH"
        )
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return answer.status < 300
        except urllib.error.HTTPError as error:
            print(f"PATCH {path}: {error.code} {error.read()[:300]!r}", file=sys.stderr)
            return False

    def cases(self):
        body = json.dumps(SPEECH)
        as_json = {"Content-Type": "application/json"}
        case = {"address": self.address, "headers": self.authorization, "expect": 200}
        return {
            "health": {**case, "method": "GET", "path": "/health", "headers": {}},
            "refused": {**case, "method": "POST", "path": "/auth/verify", "headers": as_json, "body": body, "expect": 422},
            "account": {**case, "method": "GET", "path": "/users/me"},
            "metered": {**case, "method": "POST", "path": "/tts/tts", "headers": self.authorization | as_json, "body": body},
        }

    def engine_ms(self):
        """Sums so far, in milliseconds, and the count, of the time requests waited for the engine, spoke, and encoded."""
        sums = {"queue": 0.0, "engine": 0.0, "encode": 0.0, "count": 0.0}
        for line in get(f"{self.url}/metrics").splitlines():
            name, _, value = line.partition(" ")
            for part in ("queue", "engine", "encode"):
                if name == f"voxgate_speech_{part}_seconds_sum":
                    sums[part] = float(value) * 1000
            if name == "voxgate_speech_engine_seconds_count":
                sums["count"] = float(value)
        return sums

    def recorded(self):
        """Requests in the usage records, as the command line tells them."""
        command = [self.program, "--json", "usage", "--data-dir", self.data]
        rows = json.loads(subprocess.run(command, env=self.env, check=True, capture_output=True, text=True).stdout)
        rows = rows["organizations"] if isinstance(rows, dict) else rows
        return sum(row["requests"]["total"] if isinstance(row["requests"], dict) else row["requests"] for row in rows)


def measure_voxgate(bench, options, peer_rate, result):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-gate-", dir=options.work))
    server = Voxgate(options, folder)
    watch = None
    try:
        result["limits_set_on"] = server.set_limits()
        cases = server.cases()
        both = {name: (case, server.process) for name, case in cases.items()}
        metered = 0
        for case in cases.values():
            metered_now = bench.load(case, seconds=2)["answered"]
            metered += metered_now if case is cases["metered"] else 0
        watch = MemoryWatch(server.process)
        result["rss_mb"] = {"warm": server.process.rss_mb()}
        watch.start()
        # Every metered request is counted, so that the records can be checked against them at the end.
        counting = bench.load

        def load(case, *args, **more):
            nonlocal metered
            outcome = counting(case, *args, **more)
            metered += outcome["answered"] if case is cases["metered"] else 0
            if outcome["unanswered"]:
                result["given_up"] = result.get("given_up", 0) + outcome["unanswered"]
            return outcome

        bench.load = load
        result["saturation"] = {name: bench.load(case, server.process) for name, case in cases.items()}
        before = server.engine_ms()
        result["fixed"] = bench.rounds(both, options.rate)
        after = server.engine_ms()
        spoken = after["count"] - before["count"]
        if spoken:
            result["engine_ms"] = {part: (after[part] - before[part]) / spoken for part in ("queue", "engine", "encode")}
        if peer_rate:
            few = {name: both[name] for name in ("health", "metered")}
            result["at_peer_rate"] = bench.rounds(few, peer_rate, seconds=litellm_peer.span(peer_rate, options.seconds))
        result["under_5ms"] = {
            name: bench.highest_rate(cases[name], server.process, result["saturation"][name]["per_second"]) for name in ("health", "metered")
        }
        if options.flame:
            flame(bench, server, cases["metered"], options)
        result["soak"] = soak(bench, server, cases["metered"], options)
        bench.load = counting
        samples = watch.stop()
        watch = None
        result["rss_mb"] |= {"peak": max(samples), "end": server.process.rss_mb()}
        result["metered_answered"] = metered
        deadline = time.monotonic() + 60
        while server.recorded() < metered and time.monotonic() < deadline:
            time.sleep(1)
        result["metered_recorded"] = server.recorded()
    finally:
        if watch:
            watch.stop()
        server.process.stop()
        shutil.rmtree(folder, ignore_errors=True)


def soak(bench, server, case, options):
    """Memory after each tenth of many requests."""
    rows, answered = [], 0
    while answered < options.soak:
        # A line for each request adds up to gigabytes.
        os.truncate(server.process.log, 0)
        goal = options.soak * (len(rows) + 1) / 10
        while answered < goal:
            answered += bench.load(case, seconds=10)["answered"]
        rows.append({"requests": answered, "rss_mb": server.process.rss_mb()})
        print(f"{answered} requests: {rows[-1]['rss_mb']:.1f} MB", file=sys.stderr)
    return rows


def flame(bench, server, case, options):
    """Stacks of the server at saturation, from perf, as a picture; without perf, a line that says so."""
    data = options.work / "perf.data"
    if not shutil.which("perf"):
        print("no flame graph: perf is not installed (Debian: linux-perf)", file=sys.stderr)
        return
    # By the stack's own unwind tables: release builds keep no frame pointers.
    record = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", "199", "--call-graph", "dwarf,32768", "-p", str(server.process.pid),
         "-o", data, "--", "sleep", "8"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    bench.load(case, seconds=10, strict=False)
    record.wait()
    here = pathlib.Path(__file__).resolve().parent
    picture = options.work / "gate-flame.svg"
    with subprocess.Popen(
        ["perf", "script", "-i", data, "--no-inline", "-F", "comm,ip,sym"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as script:
        drawn = subprocess.run(
            [sys.executable, here / "flamegraph.py", "--title", "voxgate, POST /tts/tts at saturation", "-o", picture], stdin=script.stdout
        )
    data.unlink(missing_ok=True)
    if drawn.returncode == 0:
        print(f"flame graph: {picture}", file=sys.stderr)


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    for log in options.work.glob("*.log"):
        log.unlink()
    bench = Bench(options)
    result = {"options": {name: str(value) for name, value in vars(options).items()}, "cores": os.cpu_count(), "voxgate": {}}
    peer_rate = None
    if not options.no_litellm:
        try:
            result["litellm"] = litellm_peer.measure(bench, options.work)
            peer_rate = result["litellm"]["rate"]
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            result["litellm_error"] = str(error)
            print(f"LiteLLM is left out: {error}", file=sys.stderr)
    measure_voxgate(bench, options, peer_rate, result["voxgate"])
    (options.work / "result.json").write_text(json.dumps(result, indent=1))
    print(report.text(result))


if __name__ == "__main__":
    main()
