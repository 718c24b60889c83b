"""One step run as DVC would: its outputs cleared, its command in its folder, what it prints in a file."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from chromseg.sweep.plan import Step

_GRACE = 60.0  # seconds that a training has to write its checkpoint
_LOOK = 0.5  # seconds between two looks whether it has ended; Ray interrupts only between them
_LEASH = ("setpriv", "--pdeathsig", "TERM")  # ends the command with the process that started it, also if that is killed


def run_step(step: Step, log: Path, environment: Mapping[str, str]) -> str:
    """Run a step to its end.

    Args:
        step: What to run.
        log: Gets what it prints.
        environment: Variables beside those of this process.

    Returns:
        "", or in one line why it failed.
    """
    for name in step.writes:
        _clear(step.folder / name)
    log.parent.mkdir(parents=True, exist_ok=True)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with log.open("wb") as told:
        process = subprocess.Popen(
            leashed(shlex.split(step.command)),
            cwd=step.folder,
            env={**os.environ, "PATH": programs, **environment},
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
        )
        try:
            _wait(process)
        finally:
            ended(process)
    return "" if process.returncode == 0 else _reason(process.returncode, log)


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def leashed(command: Sequence[str]) -> list[str]:
    """The command so that it ends with the thread that starts it; as it is where the system has no such thing."""
    return [*(_LEASH if shutil.which(_LEASH[0]) else ()), *command]


def _wait(process: subprocess.Popen[bytes]) -> None:
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK)
            return


def ended(process: subprocess.Popen[bytes]) -> None:
    """End a command that may still be at work; it has the time to write a checkpoint."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _reason(code: int, log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    ended = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
    return f"{lines[-1] if lines and code > 0 else ended} (see {log})"
