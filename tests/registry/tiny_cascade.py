"""A cascade of two tiny networks that nobody trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from example_lineage import LINEAGE

from chromseg.config import DetectorConfig
from chromseg.models import build_model
from chromseg.models.cascade import CascadeRule
from chromseg.models.package import ModelCard, save_model
from chromseg.registry.cascade import build_cascade, pinned
from chromseg.registry.lineage import Lineage
from chromseg.registry.resolve import Resolved

TINY = DetectorConfig(
    "ucrd-net",
    backbone="efficientnet-lite0",
    deepest=3,
    levels=(2, 3),
    fpn_width=8,
    head_width=8,
    mask_width=8,
    mask_convolutions=1,
    rpn_proposals=(20, 10),
    uncertainty=True,
    box_head="double",
)


def make_detector(folder: Path) -> Path:
    torch.manual_seed(0)
    lineage = LINEAGE | {"run_id": "run-of-detector", "experiment": "ucrd-net", "data_md5": {"cells": "ab.dir"}}
    card = ModelCard("compact", TINY, lineage=lineage, preprocessing={"instances": {"score": 0.4}})
    save_model(folder, build_model(TINY), card)
    return folder


def build(folder: Path, maps: Resolved, detector: Resolved, **rule: float) -> ModelCard:
    origin = LINEAGE | {"experiment": "cascade", "variant": "cascade", "run_id": "run-of-cascade"}
    lineage = dataclasses.replace(Lineage.from_dict(origin), parents=pinned(maps, detector))
    return build_cascade(folder, maps, detector, CascadeRule(**rule), lineage)
