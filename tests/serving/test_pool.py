"""Processes for stage 2: a killed one costs nothing, and none outlives its server."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import psutil
import pytest

from chromseg.serving.pool import SplicePool


def die_once(mark: Path) -> str:
    """Kill the process that does this, but only the first."""
    if mark.exists():
        return "done"
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def ignores(number: int) -> bool:
    return signal.getsignal(number) == signal.SIG_IGN


def test_killed_work_is_done_again(tmp_path: Path) -> None:
    lost: list[int] = []

    async def scenario() -> None:
        pool = SplicePool(1, on_loss=lambda: lost.append(1))
        answers = await asyncio.gather(pool.run(partial(die_once, tmp_path / "mark")), pool.run(os.getpid))
        assert answers[0] == "done"
        assert await pool.run(partial(ignores, signal.SIGTERM)) and await pool.run(partial(ignores, signal.SIGINT))
        with pytest.raises(BrokenProcessPool):
            await pool.run(partial(os.abort))
        assert await pool.run(os.getpid) != os.getpid()
        pool.close()

    asyncio.run(scenario())
    assert len(lost) >= 2


def sleep_long(mark: Path) -> None:
    mark.write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(600)


def test_work_that_nobody_waits_for_any_more_is_ended(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    lost: list[int] = []

    async def scenario() -> None:
        pool = SplicePool(1, on_loss=lambda: lost.append(1))
        await pool.warm()
        endless = asyncio.create_task(pool.run(partial(sleep_long, mark)))
        while not mark.exists() or not mark.read_text(encoding="utf-8"):
            await asyncio.sleep(0.01)
        waiting = asyncio.create_task(pool.run(os.getpid))
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await endless
        assert await waiting != int(mark.read_text(encoding="utf-8"))
        pool.close()

    asyncio.run(scenario())
    deadline = time.monotonic() + 20
    while psutil.pid_exists(int(mark.read_text(encoding="utf-8"))):
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.02)
    assert not lost


def test_a_thread_is_waited_for_because_nothing_can_end_it() -> None:
    done: list[float] = []

    async def scenario() -> None:
        pool = SplicePool(0)
        started = threading.Event()

        def slow() -> None:
            started.set()
            time.sleep(0.3)
            done.append(time.monotonic())

        task = asyncio.create_task(pool.run(slow))
        await asyncio.to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done
        pool.close()

    asyncio.run(scenario())


def test_threads_do_where_there_are_no_processes() -> None:
    async def scenario() -> int:
        pool = SplicePool(0)
        await pool.warm()
        found = await pool.run(os.getpid)
        pool.close()
        return found

    assert asyncio.run(scenario()) == os.getpid()


def test_processes_end_with_a_killed_server() -> None:
    code = (
        "import asyncio, os, time\n"
        "from chromseg.serving.pool import SplicePool\n"
        "if __name__ == '__main__':\n"
        "    pool = SplicePool(1)\n"
        "    print(asyncio.run(pool.run(os.getpid)), flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        child = int(server.stdout.readline())
        server.kill()
        deadline = time.monotonic() + 20
        while psutil.pid_exists(child) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert not psutil.pid_exists(child)


def test_the_pool_needs_no_torch() -> None:
    code = "import sys, chromseg.serving.work; print({'torch', 'mlflow', 'fastapi', 'pandas'} & sys.modules.keys())"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"
