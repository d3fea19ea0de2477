#!/usr/bin/env python3
"""Measures pip's piper-tts and kokoro-onnx with our texts, voices and models, to set beside `voxgate bench tts`.

The first run makes a virtual environment in --venv and installs the pinned peers into it; later runs reuse it and
need no network. Each engine runs in a process of its own, on one thread, with the model files of --models-dir.
Each peer speaks once to warm up, as `voxgate bench tts` does, then --runs times; medians are printed, one JSON object
a line:
{"engine", "version", "length", "audio_s", "wall_s", "cpu_s", "cpu_per_audio_s", "load_s", "load_cpu_s",
 "peak_rss_mb", "first_audio_s"}
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ["piper-tts==1.8.0", "kokoro-onnx==0.5.0"]
PIPER_VOICE = "en_US-joe-medium"
KOKORO_VOICE = "af_heart"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=pathlib.Path, required=True, help="folder of the virtual environment")
    parser.add_argument("--models-dir", type=pathlib.Path, required=True, help="the folder `voxgate models pull` fills")
    parser.add_argument("--texts", type=pathlib.Path, default=HERE / "bench_texts.json", help="JSON list of {length, text}")
    parser.add_argument("--engine", choices=["piper", "kokoro"], help="only this peer")
    parser.add_argument("--threads", type=int, default=1, help="threads of the peer's runtime (default 1)")
    parser.add_argument("--runs", type=int, default=3, help="measured runs of each text (default 3)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def interpreter(folder):
    """The environment's Python; makes the environment when it is not there or not complete."""
    python = folder / "bin" / "python"
    stamp = folder / "peers.txt"
    wanted = "\n".join(PEERS)
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        print(f"installing {' and '.join(PEERS)} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
        stamp.write_text(wanted)
    return python


def session(path, threads):
    """An ONNX Runtime session on `threads` threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])


def load_piper(models, threads):
    """A function that yields the peer's audio pieces for a text, and their sample rate."""
    from piper import PiperVoice
    from piper.config import PiperConfig

    path = models / f"piper-{PIPER_VOICE}" / f"{PIPER_VOICE}.onnx"
    config = PiperConfig.from_dict(json.loads(path.with_suffix(".onnx.json").read_text()))
    voice = PiperVoice(session=session(path, threads), config=config)
    return lambda text: (piece.audio_float_array for piece in voice.synthesize(text)), config.sample_rate


def load_kokoro(models, threads):
    """A function that yields the peer's audio for a text, and its sample rate."""
    import tempfile

    import numpy
    from kokoro_onnx import Kokoro

    style = numpy.fromfile(models / "kokoro-voices" / f"{KOKORO_VOICE}.bin", dtype="<f4").reshape(-1, 1, 256)
    with tempfile.NamedTemporaryFile(suffix=".npz") as voices:
        numpy.savez(voices, **{KOKORO_VOICE: style})
        voices.flush()
        runtime = session(models / "kokoro-v1.0-int8" / "model.onnx", threads)
        engine = Kokoro.from_session(runtime, voices.name)
        # The archive is read lazily: take the table while the file is there.
        engine.voices = {KOKORO_VOICE: style}

    def speak(text):
        yield engine.create(text, voice=KOKORO_VOICE, speed=1.0, lang="en-us")[0]

    return speak, 24_000


def peak_rss_mb():
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def reset_peak_rss():
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def measure(engine, args):
    from importlib.metadata import version

    wall, cpu = time.perf_counter(), time.process_time()
    speak, rate = {"piper": load_piper, "kokoro": load_kokoro}[engine](args.models_dir, args.threads)
    load_s, load_cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    package = {"piper": "piper-tts", "kokoro": "kokoro-onnx"}[engine]
    entries = json.loads(args.texts.read_text())
    for _ in speak(entries[0]["text"]):
        pass
    for entry in entries:
        runs = [run(speak, rate, entry["text"]) for _ in range(args.runs)]
        line = {"engine": package, "version": version(package), "length": entry["length"]}
        line |= {key: round(statistics.median(one[key] for one in runs), 4) for key in runs[0]}
        line |= {"load_s": round(load_s, 3), "load_cpu_s": round(load_cpu_s, 3)}
        print(json.dumps(line), flush=True)


def run(speak, rate, text):
    """One measured synthesis."""
    reset_peak_rss()
    wall, cpu, first, samples = time.perf_counter(), time.process_time(), None, 0
    for piece in speak(text):
        first = first or time.perf_counter() - wall
        samples += len(piece)
    wall_s, cpu_s, audio_s = time.perf_counter() - wall, time.process_time() - cpu, samples / rate
    return {
        "audio_s": audio_s,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "cpu_per_audio_s": cpu_s / audio_s,
        "first_audio_s": first,
        "peak_rss_mb": peak_rss_mb(),
    }


def main():
    args = arguments()
    if args.inside:
        measure(args.engine, args)
        return
    python = interpreter(args.venv)
    for engine in [args.engine] if args.engine else ["piper", "kokoro"]:
        command = [python, __file__, "--inside", "--engine", engine, "--threads", str(args.threads)]
        command += ["--runs", str(args.runs)]
        command += ["--venv", args.venv, "--models-dir", args.models_dir, "--texts", args.texts]
        subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    main()
