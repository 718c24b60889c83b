"""The paper's backbone on a bare GPU machine, rehearsed with a small one: packed data in, scores and weights out."""

from __future__ import annotations

import csv
import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bare import without
from tiny_detector import TINY

from benchmarks.paper_backbone import Plan, pack, paired_differences, run, unpack
from chromseg.annotations import Sample, write_samples
from chromseg.config import AugmentConfig, OptimConfig, TrainConfig
from chromseg.errors import DataError
from chromseg.metrics.catalogue import BY_EPOCH
from chromseg.models.package import load_model
from chromseg.models.ucrd_net import UCRDNet


def bars(name: str, split: str) -> Sample:
    masks = np.zeros((3, 96, 120), dtype=bool)
    masks[0, 40:50, 20:70] = masks[1, 20:70, 40:50] = masks[2, 78:88, 12:40] = True
    image = masks.sum(axis=0) * np.float32(0.4)
    return Sample.from_masks(name, f"drawn/{name}", split, "metaphase", image, masks)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    samples = [bars("a", "train"), bars("b", "val"), bars("c", "test"), bars("d", "test")]
    write_samples(tmp_path / "prepared", samples)
    assert pack(tmp_path / "prepared", tmp_path / "pack.npz") == 4
    return tmp_path / "pack.npz"


def plan(minutes: float) -> Plan:
    optim = OptimConfig(optimizer="adamw", lr=1e-3, batch_size=1, warmup_steps=2)
    base = TrainConfig(TINY, crop=64, samples=("metaphase",), augment=AugmentConfig(), optim=optim)
    other = dataclasses.replace(base, model=dataclasses.replace(TINY, region="decomposed"))
    return Plan({"baseline": base, "rd": other}, (0, 1), minutes, steps=3, images=1, keep="rd")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_what_is_packed_comes_back(packed: Path) -> None:
    (sample,) = unpack(packed, "train")
    assert (sample.name, sample.case_id, sample.split) == ("a", "drawn/a", "train")
    assert sample.masks is not None
    np.testing.assert_array_equal(sample.masks, bars("a", "train").masks)
    np.testing.assert_allclose(sample.image, bars("a", "train").image, atol=1 / 255)
    assert [each.name for each in unpack(packed, "test", 1)] == ["c"]
    with pytest.raises(DataError, match="is no pack"):
        next(unpack(packed.parent / "none.npz", "train"))


def test_a_rehearsal_leaves_scores_curves_and_weights(packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(packed, plan(minutes=60), out)
    assert [(row["variant"], row["seed"], row["steps"]) for row in rows(out / "scores.csv")] == [
        ("baseline", "0", "3"),
        ("rd", "0", "3"),
        ("baseline", "1", "3"),
        ("rd", "1", "3"),
    ]
    assert len(rows(out / "curves.csv")) == 4 * 3
    paired = rows(out / "paired.csv")
    assert [row["metric"] for row in paired] == list(BY_EPOCH)
    assert {row["seeds"] for row in paired if row["metric"] == "mask_map"} == {"2"}
    network, card = load_model(out / "weights/rd", UCRDNet)
    assert card.architecture == network.config
    assert sorted(path.name for path in out.iterdir()) == ["curves.csv", "paired.csv", "scores.csv", "weights"]


def test_what_time_does_not_allow_is_not_measured(packed: Path, tmp_path: Path) -> None:
    run(packed, plan(minutes=0), tmp_path / "out")
    assert {row["mask_map"] for row in rows(tmp_path / "out/scores.csv")} == {"not measured"}
    assert not (tmp_path / "out/weights").exists()


def test_paired_differences_by_hand() -> None:
    """Differences 0.1, 0.2 and 0.3: mean 0.2, standard error 0.1 / √3, t of two degrees of freedom 4.303."""
    scores = [
        {"variant": variant, "seed": seed, "steps": 9} | dict.fromkeys(BY_EPOCH, value)
        for variant, values in {"baseline": [0.5, 0.5, 0.5], "rd": [0.6, 0.7, 0.8]}.items()
        for seed, value in enumerate(values)
    ]
    first = paired_differences(scores, "baseline")[0]
    assert (first["variant"], first["seeds"]) == ("rd", 3)
    assert first["mean"] == pytest.approx(0.2)
    assert first["half_width"] == pytest.approx(4.303 * 0.1 / 3**0.5, rel=1e-3)
    assert paired_differences([{**row, "steps": 0} for row in scores], "baseline") == []


def test_it_runs_where_only_the_training_side_is_installed() -> None:
    absent = ["mlflow", "dvc", "great_expectations", "pandas", "matplotlib", "fastapi", "pycocotools"]
    code = without(absent) + "import benchmarks.paper_backbone"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
