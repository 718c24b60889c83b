"""A cascade of two tiny networks that nobody trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from example_lineage import LINEAGE
from tiny_detector import save_tiny

from chromseg.models.cascade import CascadeRule
from chromseg.models.package import ModelCard
from chromseg.registry.cascade import build_cascade, pinned, seen_by_parents
from chromseg.registry.lineage import Lineage
from chromseg.registry.resolve import Resolved


def make_detector(folder: Path) -> Path:
    lineage = LINEAGE | {"run_id": "run-of-detector", "experiment": "ucrd-net", "data_md5": {"cells": "ab.dir"}}
    return save_tiny(folder, name="compact", lineage=lineage, preprocessing={"instances": {"score": 0.4}})


def build(folder: Path, maps: Resolved, detector: Resolved, **rule: float) -> ModelCard:
    origin = LINEAGE | {"experiment": "cascade", "variant": "cascade", "run_id": "run-of-cascade"}
    lineage = dataclasses.replace(Lineage.from_dict(origin), parents=pinned(maps, detector))
    return build_cascade(
        folder, maps, detector, CascadeRule(**rule), lineage, seen_by_parents(maps, detector, ["test"])
    )
