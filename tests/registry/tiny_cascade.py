"""A cascade of two tiny networks that nobody trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from dvc_record import record_run
from example_lineage import LINEAGE
from tiny_detector import save_tiny

from chromseg.models.cascade import CascadeRule
from chromseg.models.package import ModelCard
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.versions.cascade import Parents, build_cascade, seen_by_parents
from chromseg.registry.versions.resolve import Resolved


def make_detector(folder: Path) -> Path:
    lineage = LINEAGE | {"run_id": "run-of-detector", "experiment": "ucrd-net", "data_md5": {"cells": "ab.dir"}}
    save_tiny(folder, name="compact", lineage=lineage, preprocessing={"instances": {"score": 0.4}})
    record_run(folder)
    return folder


def build(folder: Path, maps: Resolved, detector: Resolved, /, **rule: float) -> ModelCard:
    return build_of(Parents(maps, detector), folder, **rule)


def build_of(parents: Parents, folder: Path, **rule: float) -> ModelCard:
    origin = LINEAGE | {"experiment": "cascade", "variant": "cascade", "run_id": "run-of-cascade"}
    lineage = dataclasses.replace(Lineage.from_dict(origin), parents=parents.pins)
    seen = seen_by_parents(parents, ["test"])
    card = build_cascade(folder, parents, CascadeRule(**rule), lineage, seen)
    record_run(folder)
    return card
