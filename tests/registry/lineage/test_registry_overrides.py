"""What an experiment set otherwise than its commit is found, described, and put back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from chromseg.registry.lineage.overrides import described, overrides, put_back

COMMITTED: dict[str, Any] = yaml.safe_load("""
prepare: {datasets: [sample]}
train:
  base: &base {crop: 96, optim: {lr: 3.0e-3, epochs: 10}}
  variants:
    lam-0.5: {<<: *base, loss: null}
""")


def changed(*path: str, value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(COMMITTED))
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return found


LESS = changed("train", "base", value={"crop": 96})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (COMMITTED, []),
        (changed("train", "base", "optim", "lr", value=0.01), [[["train", "base", "optim", "lr"], 0.01]]),
        (changed("train", "variants", "lam-0.5", "loss", value=2), [[["train", "variants", "lam-0.5", "loss"], 2]]),
        (changed("train", "base", "crop", value=True), [[["train", "base", "crop"], True]]),
        (changed("train", "base", "new", value=None), [[["train", "base", "new"], None]]),
        (changed("prepare", "datasets", value=["sample", "more"]), [[["prepare", "datasets"], ["sample", "more"]]]),
        (LESS, [[["train", "base"], {"crop": 96}]]),  # a key that was taken away
        ({"prepare": {}}, [[[], {"prepare": {}}]]),
    ],
)
def test_found_and_put_back(found: dict[str, Any], expected: list[Any], tmp_path: Path) -> None:
    assert overrides(COMMITTED, found) == expected
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(COMMITTED))
    put_back(file, expected)
    assert yaml.safe_load(file.read_text()) == found


def test_one_is_not_true() -> None:
    assert overrides({"a": 1}, {"a": True}) == [[["a"], True]]


def test_told_as_the_command_takes_them() -> None:
    changes = {"params.yaml": [[["train", "base", "crop"], 48], [["evaluate", "studies"], False]]}
    assert described(changes) == ["params.yaml:train.base.crop=48", "params.yaml:evaluate.studies=false"]
    assert described({}) == []
