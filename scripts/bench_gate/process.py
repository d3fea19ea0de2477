"""Child processes: started, watched through /proc, ended. What a server costs is read here."""

import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
START_PATIENCE_S = 120
STOP_PATIENCE_S = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url, headers=None):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        urllib.request.Request(url, headers=headers or {}), timeout=30
    ) as answer:
        return answer.read().decode()


class Process:
    """A server and all its children."""

    def __init__(self, command, log, env=None, cwd=None):
        self.log = pathlib.Path(log)
        with self.log.open("ab") as out:
            # A session of its own, so that workers end with it.
            self.child = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd, start_new_session=True
            )
        self.pid = self.child.pid

    def wait_for(self, url):
        deadline = time.monotonic() + START_PATIENCE_S
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            try:
                get(url)
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{url} did not answer; the end of {self.log}:\n{self.log.read_text(errors='replace')[-2000:]}")

    def family(self):
        """The process and its descendants, by id."""
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = stat(int(entry))
                if fields:
                    parents[int(entry)] = int(fields[1])
        family = [self.pid]
        for pid in family:
            family.extend(child for child, parent in parents.items() if parent == pid)
        return family

    def cpu(self):
        """Seconds of processor time so far, user and system, all threads and living children."""
        return sum(int(fields[11]) + int(fields[12]) for fields in map(stat, self.family()) if fields) / TICKS

    def rss_mb(self):
        """Resident memory now, in MB of 10^6 bytes; shared pages count in each process."""
        return sum(int(fields[21]) for fields in map(stat, self.family()) if fields) * PAGE / 1e6

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self.child.wait()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def stat(pid):
    """/proc/PID/stat from the third field on (state), or None; the second, the name, may hold blanks."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


class MemoryWatch(threading.Thread):
    """Notes the resident memory of a process once a second, until stopped."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process = process
        self.done = threading.Event()
        self.samples = []

    def run(self):
        while not self.done.wait(1.0):
            self.samples.append(self.process.rss_mb())

    def stop(self):
        self.done.set()
        self.join()
        return self.samples
