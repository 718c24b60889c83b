"""What a training ran with is read from what is installed, not from a lock file."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from chromseg.registry.lineage import environment
from chromseg.registry.lineage.environment import differences, installed, runtime


def test_every_distribution_is_listed_once_by_its_index_name() -> None:
    found = installed()
    assert found["torch"] == version("torch") and found["scikit-image"] == version("scikit-image")
    assert list(found) == sorted(found) and all(name == name.lower() for name in found)
    assert found["chromseg-ops"]


def test_of_two_of_one_name_the_first_on_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, number in (("first", "2.0"), ("second", "1.0")):
        info = tmp_path / folder / f"Some_Package-{number}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: Some_Package\nVersion: {number}\n")
        monkeypatch.syspath_prepend(str(tmp_path / "second"))
    monkeypatch.syspath_prepend(str(tmp_path / "first"))
    assert installed()["some-package"] == "2.0"


def test_runtime_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = runtime()
    assert found["python"] == platform.python_version() and found["threads"] == str(torch.get_num_threads())
    assert set(found) == {"python", "system", "threads"}


def test_runtime_with_a_gpu_names_cuda_and_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    answer = subprocess.CompletedProcess([], 0, stdout="570.86.15\n570.86.15\n")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    monkeypatch.setattr(environment.subprocess, "run", lambda *_, **__: answer)
    found = runtime()
    assert (found["cuda"], found["cudnn"], found["driver"]) == ("12.8", "91002", "570.86.15")


def test_differences_are_told_in_words() -> None:
    then, now = {"numpy": "1", "torch": "2", "gone": "3"}, {"numpy": "1", "torch": "2.1", "new": "4"}
    assert list(differences(then, now)) == [
        "gone 3 then, not there now",
        "new not there then, 4 now",
        "torch 2 then, 2.1 now",
    ]
    assert list(differences(then, then)) == []
