"""A process that dies while it registers leaves nothing that resolves, or all of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from chromseg.registry.backend import MlflowClient
from chromseg.registry.resolve import resolve
from chromseg.registry.versions import list_versions, register

# what MLflow is asked for while a version is made, in order
STEPS = [
    "create_run",
    "create_logged_model",
    "log_model_artifacts",
    "finalize_logged_model",
    "create_registered_model",
    "create_model_version",
]


def _register_and_die(project: Path, folder: Path, step: str) -> None:
    os.chdir(project)
    os.environ["CHROMSEG_ACTOR"] = "Ada Tester"
    real = getattr(MlflowClient, step)

    def last_breath(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(MlflowClient, step, last_breath)
    register(folder, "chromseg")


@pytest.mark.parametrize("step", STEPS)
def test_sigkill_after_any_step_of_register(
    store: Path, make_model: Callable[..., Path], clean_process: ForkServerContext, step: str
) -> None:
    folder = make_model()
    process = clean_process.Process(target=_register_and_die, args=(store, folder, step))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL
    whole = step == "create_model_version"
    assert len(list_versions("chromseg") if whole else list_versions()) == int(whole)
    version, new = register(folder, "chromseg")
    assert (version.number, new) == (1, not whole)
    assert resolve("models:/chromseg/1").is_dir()
    assert list_versions() == [version]
