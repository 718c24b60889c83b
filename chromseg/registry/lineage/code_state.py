"""Which code runs: the commit, and whether anything that decides the result differs from it.

A pipeline's stages are processes of their own, and a matrix of trainings takes hours. So the tree as a whole is judged
once, when the first of them starts: a note edited meanwhile makes nothing dirty. Code, and the files of the pipeline,
are looked at by each training anew, because it runs what is there then.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import yaml

from chromseg.config import read_params
from chromseg.files import write_json
from chromseg.project import CODE, DEFAULT, Pipeline, project_root
from chromseg.registry.lineage.overrides import Override, overrides

_WRITTEN = ("**/dvc.lock", "reports/**", "mlruns/**")  # by pipelines, in the tree
_PRODUCTS = (*_WRITTEN, "**/.gitignore", "profiles/*/prepared/**", "profiles/*/models/**")  # and beside their files
_PARAMS = ("params.yaml", "profiles/*/params.yaml")
_SWEEP = "CHROMSEG_SWEEP"  # names the sweep that runs this stage, maybe on another machine
_FEW = 4000  # characters of overrides: more than anybody sets by hand, and less than a tag of MLflow holds


@dataclass(frozen=True)
class CodeState:
    """What a training runs.

    Attributes:
        commit: 40 hex digits; "" outside a repository.
        dirty: Files differ from it, or code or files of the pipeline are not in it.
        overrides: Params file → what an experiment set otherwise than the commit.
    """

    commit: str
    dirty: bool
    overrides: dict[str, list[Override]] = field(default_factory=dict)


@cache
def code_state(*profiles: str) -> CodeState:
    """The state of the code, judged once a process.

    Args:
        profiles: Pipelines whose files decide.
    """
    root = project_root()
    commit, changed = _at_start(root)
    if not commit:
        return CodeState("", False)
    pipelines = profiles or (DEFAULT,)
    own = [path for name in pipelines for path in (_steps(name) if name == DEFAULT else [_folder(name)])]
    dirty = changed or _differs(root, commit, [*CODE, *own], _PRODUCTS) or _unknown(root, own, pipelines)
    found = dict(_overrides(root, commit)) if _experiment() else {}
    few = len(json.dumps(found)) <= _FEW
    return CodeState(commit, dirty or not few, found if few else {})


def note_start() -> None:
    """Judge the tree, if this is the first stage of a pipeline that DVC runs."""
    _at_start(project_root())


def begin_sweep() -> dict[str, str]:
    """Judge the tree for all stages that this process will have run; gives the variables that tell them so."""
    pipeline = _identity(psutil.Process())
    _noted(project_root(), pipeline)
    return {_SWEEP: pipeline}


def _at_start(root: Path) -> tuple[str, bool]:
    """Commit, and whether the tree differed from it, when the pipeline started."""
    pipeline = _pipeline()
    return _judge(root) if pipeline is None else _noted(root, pipeline)


def _noted(root: Path, pipeline: str) -> tuple[str, bool]:
    """The same of a pipeline, which the first of its stages judges for all."""
    notes = root / ".dvc" / "tmp" / "chromseg-pipelines"
    note = notes / f"{pipeline}.json"
    if not note.is_file():
        _forget_ended(notes)
        notes.mkdir(parents=True, exist_ok=True)
        write_json(note, _judge(root))
    commit, changed = json.loads(note.read_text(encoding="utf-8"))
    return commit, changed


def _judge(root: Path) -> tuple[str, bool]:
    commit = _git(root, "rev-parse", "HEAD") or ""
    return commit, bool(commit) and _differs(root, commit, ["."], _WRITTEN)


def _pipeline() -> str | None:
    """The sweep or DVC process that runs this stage, as `pid-start`; None if nobody but a person does."""
    if _SWEEP in os.environ:
        return os.environ[_SWEEP]
    if "DVC_STAGE" not in os.environ:
        return None
    for process in psutil.Process().parents():
        with suppress(psutil.Error):
            if any(Path(word).name == "dvc" for word in process.cmdline()[:3]):
                return _identity(process)
    return None


def _identity(process: psutil.Process) -> str:
    return f"{process.pid}-{process.create_time():.2f}"


def _forget_ended(notes: Path) -> None:
    for note in notes.glob("*.json"):
        with suppress(psutil.Error):
            if _identity(psutil.Process(int(note.name.partition("-")[0]))) == note.stem:
                continue
        note.unlink(missing_ok=True)


def _experiment() -> bool:
    """DVC runs this as an experiment, whose params may differ from those of its commit."""
    return "DVC_EXP_NAME" in os.environ


def _folder(profile: str) -> str:
    return Pipeline(profile).root.as_posix()


def _steps(profile: str) -> list[str]:
    own = Pipeline(profile)
    return [own.params_file.as_posix(), own.pipeline_file.as_posix()]


def _differs(root: Path, commit: str, paths: Sequence[str], aside: Sequence[str]) -> bool:
    """Whether tracked files are other than in the commit; if git cannot tell, they are."""
    left_out = _without(*aside, *(_PARAMS if _experiment() else ()))
    return _git(root, "diff", "--name-only", "--relative", commit, "--", *paths, *left_out) != ""


def _without(*patterns: str) -> list[str]:
    return [f":(exclude,glob){pattern}" for pattern in patterns]


def _unknown(root: Path, own: Sequence[str], pipelines: Sequence[str]) -> bool:
    """Whether code or files of the pipeline are not in git; what git ignores counts if it decides all the same."""
    others = ("ls-files", "--others", "--exclude-standard")
    new = _git(root, *others, "--", *CODE, *own, *_without(*_PRODUCTS))
    decide = [*(f":(glob){folder}/**/*.py" for folder in CODE), *(step for name in pipelines for step in _steps(name))]
    return new != "" or _git(root, *others, "--ignored", "--", *decide) != ""


def _overrides(root: Path, commit: str) -> Iterator[tuple[str, list[Override]]]:
    params = [f":(glob){pattern}" for pattern in _PARAMS]
    for name in (_git(root, "diff", "--name-only", "--relative", commit, "--", *params) or "").splitlines():
        committed: dict[str, Any] = yaml.safe_load(_git(root, "show", f"{commit}:./{name}") or "") or {}
        if found := overrides(committed, read_params(root / name)):
            yield name, found


def _git(root: Path, *arguments: str) -> str | None:
    """What git answers; None if it is not here or refuses."""
    try:
        answer = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
