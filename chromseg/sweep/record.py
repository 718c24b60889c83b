"""What DVC knows of steps, and is told of them: by its command, so that a following `dvc repro` finds all done."""

from __future__ import annotations

import json
import time
from collections.abc import Collection

from chromseg.dvc import run_dvc
from chromseg.errors import DataError
from chromseg.project import Pipeline

_BUSY = "acquire lock"  # of another DVC command, which ends soon
_PATIENCE, _PAUSE = 600.0, 2.0  # seconds


def stale(pipeline: Pipeline, steps: Collection[str]) -> set[str]:
    """Of some steps those that DVC would run: never run, or with other inputs, outputs or command than recorded.

    Raises:
        DataError: DVC fails.
    """
    targets = {_target(pipeline, step): step for step in steps}
    found = json.loads(_dvc(pipeline, "status", "--json", *targets)) if targets else {}
    return {step for target, step in targets.items() if target in found or step in found}


def record(pipeline: Pipeline, step: str) -> None:
    """Tell DVC that a step has run: `dvc.lock` gets the hashes of what it read and wrote.

    Raises:
        DataError: DVC fails, as it does where an output is missing.
    """
    _dvc(pipeline, "commit", "--force", _target(pipeline, step))


def _target(pipeline: Pipeline, step: str) -> str:
    return f"{pipeline.pipeline_file.relative_to(pipeline.top).as_posix()}:{step}"


def _dvc(pipeline: Pipeline, *arguments: str) -> str:
    last = time.monotonic() + _PATIENCE
    while True:
        try:
            return run_dvc(pipeline.top, *arguments)
        except DataError as error:
            if _BUSY not in str(error) or time.monotonic() > last:
                raise
        time.sleep(_PAUSE)
