"""A version is trained again from its lineage; here by a pipeline of a few lines in a repository of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from example_lineage import LINEAGE

from chromseg.dvc import folder_md5
from chromseg.errors import RegistryError
from chromseg.models.package import read_card, write_card
from chromseg.registry.lineage.ancestry import stages
from chromseg.registry.lineage.environment import installed, runtime
from chromseg.registry.lineage.gather import environment_hash, hardware
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.rebuild.rebuild import rebuild_version
from chromseg.registry.versions.register import register

rebuild = partial(rebuild_version, package="pipelines")
PREPARE = """
from pathlib import Path
assert Path("data/sample/image").read_text() == "pixels"
Path("prepared").mkdir()
"""
TRAIN = """
import os, shutil, sys, yaml
from pathlib import Path
assert "DVC_ROOT" not in os.environ and os.environ.get("OMP_NUM_THREADS") == "1"
target = Path("models") / f"{sys.argv[2]}-{sys.argv[4]}"
settings = yaml.safe_load(Path("params.yaml").read_text())["train"]["base"]
assert Path(settings.get("init", ".")).is_dir()
shutil.copytree(settings["gives"], target)
"""
EVALUATE = """
from pathlib import Path
report = Path("reports/default/scores/tiny-0")
report.mkdir(parents=True)
(report / "metrics.json").write_text('{"metrics": {"test/overall_acc": 0.5}}')
"""


@pytest.fixture
def repository(store: Path, tmp_path: Path, make_model: Callable[..., Path]) -> Callable[..., Path]:
    """Make a committed project whose pipeline "trains" by copying a folder; gives the model folder it would give."""

    def make(gives_seed: int = 0, init: str = "", seen: Mapping[str, str] | None = None, **changes: Any) -> Path:
        data = store / "data" / "sample"
        data.mkdir(parents=True)
        (data / "image").write_text("pixels")
        for name, code in (("__init__", ""), ("prepare", PREPARE), ("train", TRAIN), ("evaluate", EVALUATE)):
            path = store / "pipelines" / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
        settings = {"gives": str(tmp_path / "models" / f"tiny-{gives_seed}")} | ({"init": init} if init else {})
        params = {"prepare": {"datasets": ["sample"]}, "train": {"base": settings, "variants": {"tiny": {}}}}
        (store / "params.yaml").write_text(yaml.safe_dump(params))
        (store / ".gitignore").write_text("/data\n/mlruns\n/bundled\n")
        for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "all")):
            _git(store, *command)
        origin = {
            "git_commit": _git(store, "rev-parse", "HEAD"),
            "data_md5": {"sample": folder_md5(data)} | dict(seen or {}),
            "hardware": hardware(),
            "environment": environment_hash() or "no lock file",
            "installed": installed(),
            "runtime": runtime() | {"threads": "1"},
        }
        if gives_seed:
            make_model(seed=gives_seed)
        return make_model(metrics={"test/overall_acc": 0.51}, **(origin | changes))

    return make


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@lab.example")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture(autouse=True)
def within_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever calls us, a rebuild is a pipeline of its own, on as many threads as the training had."""
    monkeypatch.setenv("DVC_ROOT", "/somewhere")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")


def test_the_same_weights_come_out(repository: Callable[..., Path], store: Path) -> None:
    version, _ = register(repository(), "chromseg")
    steps: list[str] = []
    made = rebuild("chromseg/1", tell=steps.append)
    assert made.passed and made.same_weights and made.weights_sha256 == version.weights_sha256
    assert steps == ["pipelines.prepare ", "pipelines.train --variant tiny --seed 0"]
    assert "chromseg-rebuild" not in _git(store, "worktree", "list")


def test_on_another_machine_metrics_within_the_tolerance_do(repository: Callable[..., Path]) -> None:
    register(repository(gives_seed=1, hardware="a GPU"), "chromseg")
    made = rebuild("chromseg/1")
    assert made.passed and not made.same_weights and made.metrics == {"test/overall_acc": (0.51, 0.5)}
    assert not rebuild("chromseg/1", tolerance=0.001).passed


def test_on_the_same_machine_other_weights_are_a_failure(repository: Callable[..., Path], store: Path) -> None:
    register(repository(gives_seed=1), "chromseg")
    made = rebuild("chromseg/1")
    assert made.exact and made.differs == () and not made.passed


def test_what_differs_is_told_in_words_and_asks_for_no_equal_weights(repository: Callable[..., Path]) -> None:
    then = installed() | {"torch": "2.0.0", "gone": "1.0"}
    del then["numpy"]
    register(repository(gives_seed=1, installed=then, runtime=runtime() | {"python": "3.9.1"}), "chromseg")
    steps: list[str] = []
    made = rebuild("chromseg/1", tell=steps.append)
    assert made.differs == (
        f"python 3.9.1 then, {runtime()['python']} now",
        "gone 1.0 then, not there now",
        f"numpy not there then, {installed()['numpy']} now",
        f"torch 2.0.0 then, {installed()['torch']} now",
    )
    assert steps[:4] == [f"differs: {difference}" for difference in made.differs]
    assert not made.exact and made.passed and made.metrics


def test_an_older_card_is_compared_by_its_lock_file(repository: Callable[..., Path], store: Path) -> None:
    (store / "requirements.lock").write_text("numpy\n")
    register(repository(installed={}, runtime={"threads": "1"}), "chromseg")
    assert rebuild("chromseg/1").exact
    (store / "requirements.lock").write_text("numpy==2\n")
    [difference] = rebuild("chromseg/1").differs
    assert difference.startswith("requirements.lock ") and difference.endswith(f"{environment_hash()} now")


def test_the_params_of_an_experiment_are_put_back(repository: Callable[..., Path], tmp_path: Path) -> None:
    trained = [["train", "base", "gives"], str(tmp_path / "models" / "tiny-0")]
    register(repository(gives_seed=1, overrides={"params.yaml": [trained]}), "chromseg")
    assert rebuild("chromseg/1").same_weights, "the commit itself would give other weights"


def test_a_model_in_the_box_that_it_starts_from_comes_along(repository: Callable[..., Path], store: Path) -> None:
    box = store / "bundled" / "chromseg"
    box.mkdir(parents=True)
    (box / "model.json").write_text("{}")
    outs = [{"md5": folder_md5(store / "bundled"), "path": "bundled"}]
    (store / "bundled.dvc").write_text(yaml.safe_dump({"outs": outs}))
    seen = {"bioimlab": "0123456789abcdef.dir"}
    folder = repository(init="bundled/chromseg", seen=seen)
    register(folder, "chromseg")
    assert rebuild("chromseg/1").same_weights
    (box / "model.json").write_text("another model")
    with pytest.raises(RegistryError, match="not at hand: bundled/chromseg, which the training starts from"):
        rebuild("chromseg/1")


def test_data_that_changed_are_named_with_their_md5(repository: Callable[..., Path], store: Path) -> None:
    folder = repository()
    register(folder, "chromseg")
    before = folder_md5(store / "data" / "sample")
    (store / "data" / "sample" / "image").write_text("other pixels")
    with pytest.raises(RegistryError, match=f"not at hand: dataset sample .md5 {before}; data/sample has "):
        rebuild("chromseg/1")
    shutil.rmtree(store / "data")
    with pytest.raises(RegistryError, match="there is no data/sample"):
        rebuild("chromseg/1")


@pytest.mark.parametrize("place", [".dvc/cache", "dvcstore", "../shared cache"])
def test_data_out_of_the_cache_of_dvc(repository: Callable[..., Path], store: Path, place: str) -> None:
    register(repository(), "chromseg")
    md5 = folder_md5(store / "data" / "sample")
    content = hashlib.md5(b"pixels", usedforsecurity=False).hexdigest()
    cache = store / place / "files" / "md5"
    for digest, text in ((content, "pixels"), (md5, json.dumps([{"md5": content, "relpath": "image"}]))):
        (cache / digest[:2]).mkdir(parents=True, exist_ok=True)
        (cache / digest[:2] / digest[2:]).write_text(text)
    if place.startswith(".."):
        (store / ".dvc").mkdir()
        (store / ".dvc" / "config").write_text(f"[cache]\n    dir = ../{place}\n")
    shutil.rmtree(store / "data")
    assert rebuild("chromseg/1").same_weights


def test_a_commit_that_is_not_there_and_a_version_of_parents(repository: Callable[..., Path]) -> None:
    register(repository(git_commit="0" * 40), "chromseg")
    with pytest.raises(RegistryError, match=r"commit 0000.* is not in the repository"):
        rebuild("chromseg/1")


def test_a_cascade_points_to_its_parents(store: Path, make_model: Callable[..., Path]) -> None:
    parent, folder = make_model("parent"), make_model("both", seed=1, parents=["models:/chromseg/1"])
    register(parent, "chromseg")
    pin = {"name": "chromseg", "version": "1", "weights_sha256": read_card(parent).weights_sha256}
    write_card(folder, replace(read_card(folder), parents={"maps": pin}))
    register(folder, "cascade")
    with pytest.raises(RegistryError, match="is built of models:/chromseg/1"):
        rebuild("cascade/1")


PARAMS: dict[str, dict[str, Any]] = {
    "classes": {
        "prepare": {"datasets": ["cil24"]},
        "pretrain": {"variants": {"lite0": {}}},
        "train": {"variants": {}},
    },
    "cells": {
        "prepare": {"datasets": ["bioimlab", "drawn"]},
        "train": {
            "base": {"model": {"weights": "profiles/classes/models/lite0-3/backbone.safetensors"}},
            "variants": {
                "final": {},
                "tuned": {"init": "profiles/cells/models/final-0"},
                "twice": {"init": "models/own-net-1", "model": {"weights": "imagenet"}},
            },
        },
    },
    "default": {"prepare": {"datasets": ["sample"]}, "train": {"variants": {"own-net": {}}}},
}


def steps_of(tree: Path, *data: str, **trained: Any) -> list[str]:
    for profile, params in PARAMS.items():
        root = tree if profile == "default" else tree / "profiles" / profile
        root.mkdir(parents=True, exist_ok=True)
        (root / "params.yaml").write_text(yaml.safe_dump(params))
    lineage = LINEAGE | {"run_id": "", "profile": "cells", "data_md5": dict.fromkeys(data, "aa.dir")} | trained
    return [f"pipelines.{stage} {' '.join(arguments)}" for stage, arguments in stages(tree, Lineage.from_dict(lineage))]


def test_what_a_variant_starts_from_is_trained_first_in_its_own_profile(tmp_path: Path) -> None:
    assert steps_of(tmp_path, "bioimlab", "drawn", "cil24", variant="tuned") == [
        "pipelines.prepare --profile classes",
        "pipelines.pretrain --profile classes --variant lite0 --seed 3",
        "pipelines.prepare --profile cells",
        "pipelines.train --profile cells --variant final --seed 0",
        "pipelines.train --profile cells --variant tuned --seed 0",
    ]
    assert steps_of(tmp_path, "bioimlab", "drawn", "sample", variant="twice") == [
        "pipelines.prepare ",
        "pipelines.train --variant own-net --seed 1",
        "pipelines.prepare --profile cells",
        "pipelines.train --profile cells --variant twice --seed 0",
    ]


def test_only_data_that_the_model_has_seen_is_prepared(tmp_path: Path) -> None:
    [first, *_] = steps_of(tmp_path, "sample", profile="default", variant="own-net")
    assert first == "pipelines.prepare "
    assert "pipelines.prepare --profile cells --datasets bioimlab" in steps_of(tmp_path, "bioimlab", variant="final")
