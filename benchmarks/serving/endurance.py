"""A long run with everything going wrong: broken files, an alias that moves, a worker that is killed."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from benchmarks.serving.client import CLIENTS, Client, once
from benchmarks.serving.server import server

BROKEN = (b"no image", b"\x89PNG\r\n\x1a\n" + bytes(40), b"II*\0" + bytes(60))


def endurance(model: Path, image: bytes, requests: int) -> dict[str, Any]:
    """10 % broken files, an alias that moves and is moved back, a worker that is killed; every answer is looked at."""
    with tempfile.TemporaryDirectory() as project:
        register_twice(model.resolve(), Path(project))
        arguments = ("--model", "models:/chromseg@champion", "--rate", 0, "--workers", 2, "--splicers", 1)
        with server(*arguments, cwd=Path(project)) as (url, process):
            return run_long(url, process, image, requests, Path(project))


def register_twice(model: Path, project: Path) -> None:
    """A store with the same network as versions 1 (champion) and 2."""
    (project / "pyproject.toml").touch()
    in_project(
        project,
        "import dataclasses, shutil, sys; from pathlib import Path\n"
        "from chromseg.models.package import read_card, write_card\n"
        "from chromseg.registry.versions.register import register; from chromseg.registry.promotion import promote\n"
        f"for note in ('a', 'b'):\n"
        f"    shutil.copytree({str(model)!r}, note); card = read_card(Path(note))\n"
        "    write_card(Path(note), dataclasses.replace(card, metrics={**card.metrics, 'note/' + note: 1.0}))\n"
        "    register(Path(note), 'chromseg', allow_dirty=True)\n"
        "promote('chromseg/1', force='benchmark')\n",
    )


def in_project(project: Path, code: str) -> None:
    environment = os.environ | {"CHROMSEG_ACTOR": "benchmark", "PYTHONPATH": str(Path.cwd())}
    environment.pop("MLFLOW_TRACKING_URI", None)
    subprocess.run([sys.executable, "-c", code], cwd=project, env=environment, check=True)


class Plan:
    """Hands out requests, and starts each event when its share of them is out and the event before it is over.

    Args:
        requests: To be sent at least; more are while an event goes on.
        events: What happens, evenly spread.
        on_progress: Called twenty times.
    """

    def __init__(self, requests: int, events: Sequence[Callable[[], None]], on_progress: Callable[[], None]) -> None:
        self._requests, self._waiting, self._on_progress = requests, list(events), on_progress
        self._step = requests / (len(events) + 1)
        self._started, self.sent = 0, 0
        self._event = threading.Thread()
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[int]:
        """Numbers of requests, from any thread."""
        while True:
            with self._lock:
                if self.sent % max(1, self._requests // 20) == 0:
                    self._on_progress()
                if self._waiting and self.sent >= (self._started + 1) * self._step and not self._event.is_alive():
                    self._started += 1
                    self._event = threading.Thread(target=self._waiting.pop(0))
                    self._event.start()
                if self.sent >= self._requests and not self._waiting and not self._event.is_alive():
                    return
                self.sent += 1
                number = self.sent
            yield number


def run_long(url: str, process: subprocess.Popen[str], image: bytes, requests: int, project: Path) -> dict[str, Any]:
    """Send everything: first the alias moves, then it is moved back, then a worker is killed."""
    expected = once(url, image)["annotations"]
    counts, versions, killed_at = Counter[str](), Counter[str](), [float("inf")]
    moves: dict[str, float] = {}
    memory: list[float] = []
    plan = Plan(
        requests,
        [
            lambda: move(project, url, "promote('chromseg/2', force='better')", "2", moves),
            lambda: move(project, url, "rollback('chromseg', reason='worse')", "1", moves),
            lambda: kill_one(process, killed_at),
        ],
        lambda: memory.append(resident(process)),
    )

    def ask(client_number: int) -> Counter[str]:
        rng, own = random.Random(client_number), Counter[str]()
        with closing(Client(url)) as client:
            for _ in plan:
                bad = rng.random() < 0.1
                own[judge(client, rng.choice(BROKEN) if bad else image, bad, expected, versions, killed_at)] += 1
        return own

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        for own in clients.map(ask, range(CLIENTS)):
            counts += own
    return {
        "requests": plan.sent,
        "seconds": round(time.perf_counter() - start, 1),
        "outcomes": dict(counts),
        "versions": dict(versions),
        "seconds_until_new_version_answered": moves,
        "memory_mib": [round(value) for value in memory],
        "growth_after_first_third": round(memory[-1] / memory[len(memory) // 3] - 1, 3),
    }


def judge(
    client: Client, content: bytes, bad: bool, expected: Any, versions: Counter[str], killed_at: list[float]
) -> str:
    """What became of one request."""
    try:
        status, body = client.segment(content)
    except (OSError, http.client.HTTPException):
        client.close()
        return "lost with the killed worker" if time.monotonic() - killed_at[0] < 10 else "lost"
    if bad:
        return "refused" if status == 422 else f"wrong: a broken file answered {status}"
    if status != 200:
        return f"answered {status}"
    versions[str(body["model"]["version"])] += 1
    return "right" if body["annotations"] == expected else "wrong instances"


def move(project: Path, url: str, call: str, wanted: str, moves: dict[str, float]) -> None:
    """Move the alias, and note how long it takes until the other version answers a probe."""
    in_project(project, f"from chromseg.registry.promotion import promote, rollback; {call}")
    start = time.monotonic()
    with closing(Client(url)) as probe:
        while probe.get("/readyz")["version"] != wanted and time.monotonic() - start < 60:
            time.sleep(0.02)
    moves[call.partition("(")[0]] = round(time.monotonic() - start, 2)


def kill_one(process: subprocess.Popen[str], killed_at: list[float]) -> None:
    """Kill a worker, and wait until another one is in its place."""
    victim = workers(process)[0]
    killed_at[0] = time.monotonic()
    victim.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 120
    while victim in workers(process) or len(workers(process)) < 2:
        assert time.monotonic() < deadline, "the worker was not replaced"
        time.sleep(0.1)


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The server processes below the supervisor, without multiprocessing's own helper."""
    found = []
    for one in psutil.Process(process.pid).children():
        with contextlib.suppress(psutil.Error):  # dead, and not buried yet
            if "resource_tracker" not in " ".join(one.cmdline()):
                found.append(one)
    return found


def resident(process: subprocess.Popen[str]) -> float:
    """MiB of the server and all its processes, shared memory counted once a process."""
    total = 0
    for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            total += one.memory_info().rss
    return total / 2**20
