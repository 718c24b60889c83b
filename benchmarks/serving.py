"""What serving costs and stands: overhead, throughput, latency under load, and a long run with everything going wrong.

    python -m benchmarks.serving [--model bundled/chromseg] [--image CELL.png] [--requests 10000] [--seconds 60]
                                 [--only overhead throughput latency endurance] [--out reports/serving.json]

Server and clients share the same cores, and the clients' work counts against the server. Cut-outs of 256×256 unless
`--image` names another picture; without `data/sample` they are drawn. Full length: under 30 minutes on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from chromseg.files import write_json
from chromseg.registry.lineage.gather import git_state, hardware

CLIENTS = 16
BROKEN = (b"no image", b"\x89PNG\r\n\x1a\n" + bytes(40), b"II*\0" + bytes(60))


def main() -> None:
    arguments = parse_arguments()
    image = arguments.image.read_bytes() if arguments.image else cut_out()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "overhead": overhead,
        "throughput": lambda: throughput(arguments.model, image, arguments.seconds),
        "latency": lambda: latency(arguments.model, image, arguments.seconds),
        "endurance": lambda: endurance(arguments.model, image, arguments.requests),
    }
    figures: dict[str, Any] = {"git_commit": git_state()[0], "hardware": hardware()}
    figures |= {"clients": CLIENTS, "load_before": os.getloadavg()[0]}
    for name in arguments.only or parts:
        figures[name] = parts[name]()
        print(name, json.dumps(figures[name]), flush=True)
    if arguments.out:
        write_json(arguments.out, figures)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("bundled/chromseg"), help="model folder")
    parser.add_argument("--image", type=Path, help="picture to send")
    parser.add_argument("--requests", type=int, default=10_000, help="of the long run")
    parser.add_argument("--seconds", type=float, default=60, help="of each throughput and latency measurement")
    parser.add_argument("--only", nargs="+", choices=("overhead", "throughput", "latency", "endurance"))
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    return parser.parse_args()


def cut_out(side: int = 256) -> bytes:
    """A piece of the built-in sample, as PNG."""
    file = next(iter(sorted(Path("data/sample/images").rglob("*.png"))))
    stream = io.BytesIO()
    with Image.open(file) as picture:
        picture.crop((0, 0, side, side)).save(stream, "PNG")
    return stream.getvalue()


# --- overhead ---------------------------------------------------------------------------------------------------------


def overhead(runs: int = 30) -> dict[str, Any]:
    """A 1600×1200 PNG in and JSON out, through a real server whose model looks at nothing and finds nothing."""
    noise = np.random.default_rng(0).normal(200, 8, (1200, 1600)).clip(0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    with idle_server() as url:
        times = [timed(url, stream.getvalue()) for _ in range(runs + 3)][3:]
    return {"median_s": round(statistics.median(times), 4), "best_s": round(min(times), 4), "bytes": stream.tell()}


def timed(url: str, content: bytes) -> float:
    start = time.perf_counter()
    once(url, content)
    return time.perf_counter() - start


def once(url: str, content: bytes) -> Any:
    """The answer to one picture, over a connection of its own."""
    with closing(Client(url)) as client:
        status, body = client.segment(content)
    assert status == 200, status
    return body


@contextmanager
def idle_server() -> Iterator[str]:
    """The whole server with a predictor that does nothing: what is left is transport, protocol and decoding."""
    code = "from benchmarks.serving import serve_idle; serve_idle()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def serve_idle() -> None:
    import uvicorn

    from chromseg.serving.app import create_app
    from chromseg.serving.listening import address_of, bind
    from chromseg.serving.patient import PatientServer
    from chromseg.serving.settings import ServeSettings

    settings = ServeSettings(port=0, rate=0, poll=0, splicers=0)
    app = create_app(settings, IdleSource())
    with bind(settings) as listening:
        print(address_of(listening), flush=True)
        PatientServer(uvicorn.Config(app, lifespan="on", log_config=None, access_log=False), 0).run([listening])


class IdleSource:
    """Where the model that does nothing comes from."""

    def current(self) -> None:
        """Always the same."""

    def load(self, version: int | None) -> Any:
        """It."""
        from chromseg.serving.models import Loaded

        return Loaded(idle_predictor())


def idle_predictor() -> Any:
    from chromseg.config import ModelConfig
    from chromseg.images.pictures import Picture
    from chromseg.inference.found import Clock, Found
    from chromseg.inference.predictor import Predictor
    from chromseg.inference.prepared import Prepared
    from chromseg.inference.result import ModelIdentity
    from chromseg.inference.view import View
    from chromseg.models.package import ModelCard
    from chromseg.validation import Report

    class Idle(Predictor):
        def infer(self, absorbance: Any) -> None:
            return None

        def find(self, absorbance: Any, clock: Clock | None = None, most: int | None = None) -> Found:
            return Found(np.zeros((0, *absorbance.shape), dtype=bool), (), (), ())

        def conclude(self, absorbance: Any, answer: Any) -> tuple[Found, Found]:
            return self.find(absorbance), self.find(absorbance)

        def prepare(self, picture: Picture, page: int = 0, **options: Any) -> Prepared:
            grey = picture.page(page).grey
            view, verdict = View("dark-on-light", grey, 1.0), Report("", 0, (), ()).to_json()
            return Prepared(view, grey, verdict, picture.sha256, page, "", self.identity)

    card = ModelCard("idle", ModelConfig("unet"))
    return Idle(card, ModelIdentity("idle", None, None, {}, None, {}, ""))


# --- throughput and latency -------------------------------------------------------------------------------------------


def throughput(model: Path, image: bytes, seconds: float) -> dict[str, Any]:
    """Answers a second under 16 clients, over those of a loop in one process; measured in turns, twice."""
    pairs = []
    for _ in range(2):
        alone = loop_rate(model, image, seconds / 2)
        with server("--model", model, "--rate", 0) as (url, _):
            pairs.append((alone, closed_loop(url, image, seconds / 2)))
    loop, served = (statistics.mean(rates) for rates in zip(*pairs, strict=True))
    return {"loop_per_s": round(loop, 2), "served_per_s": round(served, 2), "ratio": round(served / loop, 3)}


def loop_rate(model: Path, image: bytes, seconds: float) -> float:
    """Decode, validate, predict, JSON, in a process of its own."""
    code = f"from benchmarks.serving import loop; loop({str(model)!r}, {seconds})"
    answer = subprocess.run([sys.executable, "-c", code], input=image, capture_output=True, check=True)
    return float(answer.stdout)


def loop(model: str, seconds: float) -> None:
    from chromseg.inference.exports import to_coco
    from chromseg.inference.load import predictor_from_folder

    predictor, image = predictor_from_folder(Path(model)), sys.stdin.buffer.read()
    json.dumps(to_coco(predictor.predict(image)))
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        json.dumps(to_coco(predictor.predict(image)))
        count += 1
    print(count / (time.perf_counter() - start))


def closed_loop(url: str, image: bytes, seconds: float) -> float:
    """Answers a second to clients that each send again as soon as they are answered."""
    once(url, image)
    counts, start = Counter[int](), time.perf_counter()

    def ask(number: int) -> None:
        with closing(Client(url)) as client:
            while time.perf_counter() - start < seconds:
                counts[client.segment(image)[0]] += 1

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(ask, range(CLIENTS)))
    assert set(counts) == {200}, counts
    return counts[200] / (time.perf_counter() - start)


def latency(model: Path, image: bytes, seconds: float, load: float = 0.8) -> dict[str, Any]:
    """Times at 80 % of the highest throughput: clients that send at even intervals, and at random (Poisson) ones."""
    with server("--model", model, "--rate", 0) as (url, _):
        rate = load * closed_loop(url, image, seconds / 3)
        even = open_loop(url, image, seconds, lambda: 1 / rate)
        poisson = open_loop(url, image, seconds, lambda: random.expovariate(rate))
    return {"rate_per_s": round(rate, 2), "even": percentiles(even), "poisson": percentiles(poisson)}


def open_loop(url: str, image: bytes, seconds: float, pause: Callable[[], float]) -> list[float]:
    """Seconds from when each request was due until it was answered; late clients do not make the server look good."""
    times: list[float] = []

    def ask(due: float) -> None:
        once(url, image)
        times.append(time.perf_counter() - due)

    with ThreadPoolExecutor(4 * CLIENTS) as clients:
        due = start = time.perf_counter()
        while due - start < seconds:
            time.sleep(max(0.0, due - time.perf_counter()))
            clients.submit(ask, due)
            due += pause()
    return times


def percentiles(times: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_s": round(p50, 4), "p99_s": round(p99, 4), "p99_over_p50": round(p99 / p50, 2), "n": len(times)}


# --- endurance --------------------------------------------------------------------------------------------------------


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


# --- a server, and a client that costs little -------------------------------------------------------------------------


@contextmanager
def server(*arguments: object, cwd: Path | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A `chromseg-ops serve` that is ready."""
    code = "from chromseg.cli.app import main; main()"
    words = [sys.executable, "-c", code, "serve", "--port", "0", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    if cwd is not None:
        environment.pop("MLFLOW_TRACKING_URI", None)
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment) as process:
        assert process.stderr is not None
        drain = threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True)
        try:
            line = process.stderr.readline()
            while " on http://" not in line:
                assert line, "the server did not start"
                line = process.stderr.readline()
            url = line.split()[2]
            drain.start()
            wait_ready(url)
            yield url, process
        finally:
            process.terminate()
            process.wait(120)
            if drain.is_alive():
                drain.join(60)  # `Popen` closes the pipe next, under its reader's hands


def wait_ready(url: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with closing(Client(url)) as probe:
                if probe.get("/readyz")["ready"]:
                    return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


class Client:
    """One connection that is kept open."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=300)

    def segment(self, content: bytes) -> tuple[int, Any]:
        """Status and body."""
        self._connection.request("POST", "/v1/segment", content)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def get(self, path: str) -> Any:
        """The body, whatever the status."""
        self._connection.request("GET", path)
        return json.loads(self._connection.getresponse().read())

    def close(self) -> None:
        """End the connection; the next request opens another one."""
        self._connection.close()


if __name__ == "__main__":
    main()
