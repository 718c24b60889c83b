"""Mask heads on one trunk: all learn from the same boxes and are judged on the same chromosomes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tiny_detector import CONDITIONAL, MASKS, TINY

from benchmarks.mask_heads import Heads, judge, train
from chromseg.annotations import Sample
from chromseg.config import OptimConfig, TrainConfig
from chromseg.training.instances import InstanceSet

CONFIGS = {"plain": TINY, "bilayer": MASKS, "conditional": CONDITIONAL}


def bars() -> Sample:
    masks = np.zeros((3, 96, 120), dtype=bool)
    masks[0, 40:50, 20:70] = masks[1, 20:70, 40:50] = masks[2, 78:88, 12:40] = True
    return Sample.from_masks("a", "drawn/1", "val", "metaphase", masks.any(axis=0) * np.float32(0.5), masks)


def test_each_head_learns_and_tells_of_each_chromosome() -> None:
    config = TrainConfig(
        TINY, crop=96, optim=OptimConfig(optimizer="adamw", batch_size=2, steps_per_epoch=2, clip_norm=5.0, ema=0.5)
    )
    heads = Heads(CONFIGS)
    before = {name: value.clone() for name, value in heads.state_dict().items()}
    trained = train(heads, InstanceSet([bars()], config, 0), config, steps=2)
    parts = ("trunk.fpn", "trunk.backbone", "trunk.detail", *(f"heads.{name}" for name in CONFIGS))
    moved = [name for name, value in trained.state_dict().items() if not torch.equal(value, before[name])]
    assert [part for part in parts if not any(name.startswith(part) for name in moved)] == []
    shares = judge(trained, [bars()], tone=0.0)
    assert shares.keys() == {
        f"drawn, {kind}, {box}" for kind in ("crossing", "others") for box in ("true box", "shaken box")
    }
    assert shares["drawn, crossing, true box"]["n"] == 2 and shares["drawn, others, true box"]["n"] == 1
    assert all(0 <= row[name] <= 1 for row in shares.values() for name in CONFIGS if row["n"])


def test_one_trunk_has_finer_features_of_one_width() -> None:
    with pytest.raises(SystemExit, match="one width"):
        Heads({"fine": MASKS, "finer": dataclasses.replace(MASKS, mask_detail=8)})
