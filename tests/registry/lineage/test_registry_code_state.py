"""Which changes make a training's code dirty, and when they are looked at."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from chromseg.registry.lineage import code_state as module
from chromseg.registry.lineage.code_state import CodeState, code_state, note_start

COMMITTED = {
    "README.md": "as committed",
    "chromseg/loop.py": "as committed",
    "pipelines/train.py": "as committed",
    "dvc.yaml": "stages: {}",
    "dvc.lock": "as committed",
    "reports/default/metrics.json": "as committed",
    "params.yaml": "train: {lr: 0.1}",
    "profiles/paper/params.yaml": "train: {lr: 0.1, crop: 32}",
    "profiles/paper/dvc.yaml": "stages: {}",
    "profiles/paper/dvc.lock": "as committed",
    ".gitignore": "ignored*\n__pycache__/\n/profiles/*/prepared/\n",
}


@pytest.fixture
def repository(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("DVC_STAGE", "DVC_EXP_NAME"):
        monkeypatch.delenv(variable, raising=False)
    code_state.cache_clear()
    for name, content in COMMITTED.items():
        write(project / name, content)
    (project / ".dvc").mkdir()
    _git(project, "init", "-q")
    _git(project, "add", ".")
    _git(project, "-c", "user.name=Ada", "-c", "user.email=ada@lab.example", "commit", "-qm", "all")
    return project


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def dirty(*profiles: str) -> bool:
    code_state.cache_clear()
    return code_state(*profiles).dirty


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("README.md", True),
        ("chromseg/loop.py", True),
        ("params.yaml", True),
        ("profiles/paper/params.yaml", True),
        ("scratch.py", False),  # untracked, and no part of what runs
        ("notes/chromseg/loop.py", False),
        ("profiles/scratch/params.yaml", False),  # of another pipeline
        ("chromseg/new.py", True),
        ("chromseg/gates/table.json", True),
        ("chromseg/ignored.py", True),  # git ignores it, Python does not
        ("chromseg/__pycache__/loop.pyc", False),
        ("pipelines/new.py", True),
        ("profiles/paper/new.md", True),
        ("profiles/paper/prepared/1.npz", False),
        ("profiles/paper/models/a-0/model.json", False),
        ("profiles/paper/.gitignore", False),  # DVC writes it
        ("dvc.lock", False),
        ("profiles/paper/dvc.lock", False),
        ("reports/default/metrics.json", False),
        ("reports/paper/new.json", False),
    ],
)
def test_only_what_pipelines_do_not_write_counts_as_dirty(repository: Path, changed: str, expected: bool) -> None:
    assert code_state("paper") == CodeState(_git(repository, "rev-parse", "HEAD"), False)
    write(repository / changed, "changed: 1")
    assert dirty("paper") is expected


@pytest.mark.parametrize("ignored", [False, True])
def test_a_pipeline_that_is_not_in_git_is_dirty(repository: Path, ignored: bool) -> None:
    write(repository / "profiles/mylab/params.yaml", "train: {}")
    if ignored:
        write(repository / ".git/info/exclude", "/profiles/mylab/\n")
    assert dirty("mylab") and dirty("paper", "mylab")
    assert not dirty("paper")
    _git(repository, "rm", "-q", "--cached", "params.yaml")
    assert dirty()


def test_outside_a_repository_nothing_is_known(project: Path) -> None:
    code_state.cache_clear()
    assert code_state() == CodeState("", False)


def test_where_git_cannot_tell_the_code_is_dirty(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = module._git
    monkeypatch.setattr(module, "_git", lambda root, *words: None if words[0] == "diff" else answers(root, *words))
    assert dirty()


def test_params_of_an_experiment_are_kept_instead(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repository / "profiles/paper/params.yaml", "train: {lr: 0.2, crop: 32}")
    assert dirty("paper")
    monkeypatch.setenv("DVC_EXP_NAME", "wiggy-pale")
    assert not dirty("paper")
    assert code_state("paper").overrides == {"profiles/paper/params.yaml": [[["train", "lr"], 0.2]]}
    write(repository / "chromseg/loop.py", "changed")
    assert dirty("paper"), "code is no parameter"


def test_params_rewritten_as_a_whole_are_no_overrides(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "wiggy-pale")
    write(repository / "params.yaml", yaml.safe_dump({f"block-{number}": "x" * 10 for number in range(200)}))
    assert dirty() and code_state().overrides == {}


@pytest.fixture
def pipeline(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the stages that follow those of a certain run of DVC."""
    monkeypatch.setenv("DVC_STAGE", "train")

    def run_by(identity: str) -> None:
        code_state.cache_clear()
        monkeypatch.setattr(module, "_pipeline", lambda: identity)

    return run_by


def test_the_tree_is_judged_when_the_pipeline_starts(repository: Path, pipeline: Callable[[str], None]) -> None:
    pipeline("1-1.00")
    note_start()
    write(repository / "README.md", "a note written while it runs")
    assert not code_state().dirty
    pipeline("1-2.00")
    note_start()
    assert code_state().dirty, "another pipeline starts with that note in the tree"
    assert [note.stem for note in (repository / ".dvc/tmp/chromseg-pipelines").iterdir()] == ["1-2.00"]


@pytest.mark.parametrize("commit", [False, True])
def test_code_that_changes_while_the_pipeline_runs_counts(
    repository: Path, pipeline: Callable[[str], None], commit: bool
) -> None:
    pipeline("1-1.00")
    note_start()
    started = _git(repository, "rev-parse", "HEAD")
    write(repository / "chromseg/loop.py", "edited")
    if commit:
        _git(repository, "-c", "user.name=Ada", "-c", "user.email=ada@lab.example", "commit", "-qam", "later")
    assert code_state() == CodeState(started, True)


def test_the_pipeline_is_the_process_of_dvc(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = "from chromseg.registry.lineage.code_state import _pipeline; print(_pipeline())"
    write(
        tmp_path / "dvc",
        f"import subprocess, sys, os\nprint(os.getpid())\nsubprocess.run([sys.executable, '-c', {ask!r}])",
    )
    run = [sys.executable, "-u", str(tmp_path / "dvc"), "repro"]

    def told() -> list[str]:
        return subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()

    assert told()[1] == "None", "a person runs it"
    monkeypatch.setenv("DVC_STAGE", "train")
    pid, identity = told()
    assert identity.startswith(f"{pid}-")


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
