"""Under which name a model is bundled, and what its card says it started from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chromseg.config import DetectorConfig, ModelConfig
from chromseg.models.cascade import CascadeConfig
from chromseg.models.package import ModelCard
from pipelines.bundle import bundled_name, initial_weights
from pipelines.profile import Profile

MAPS, DETECTOR = ModelConfig("unet"), DetectorConfig("ucrd-net")


@pytest.mark.parametrize(
    ("architecture", "variant", "name"),
    [
        (MAPS, "plain", "chromseg"),
        (MAPS, "q-band", "chromseg-q-band"),
        (DETECTOR, "plain", "ucrd-net"),
        (CascadeConfig("cascade", MAPS, DETECTOR), "cascade", "cascade"),
    ],
)
def test_the_family_and_of_an_expert_what_it_is_expert_in(
    project: Path, architecture: ModelConfig | DetectorConfig | CascadeConfig, variant: str, name: str
) -> None:
    variants = {"plain": {}, "q-band": {"judged_on": ["q"]}}
    base = {"model": {"architecture": "unet"}}
    (project / "params.yaml").write_text(yaml.safe_dump({"train": {"base": base, "variants": variants}}))
    card = ModelCard("any", architecture, lineage={"variant": variant})
    assert bundled_name(Profile(), card) == name


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ({}, "backbone: imagenet; else random"),
        ({"init": "profiles/a/models/longer-0"}, "those of variant longer-0, trained by the same profile"),
        (
            {"init": "bundled/ucrd-net", "init_parts": ["backbone", "fpn"]},
            "backbone and fpn: those of ucrd-net; else random",
        ),
    ],
)
def test_what_training_started_from_is_said(project: Path, start: dict[str, Any], said: str) -> None:
    base = {"model": {"architecture": "ucrd-net"}}
    (project / "params.yaml").write_text(yaml.safe_dump({"train": {"base": base, "variants": {"any": start}}}))
    card = ModelCard("any", DetectorConfig("ucrd-net", weights="imagenet"), lineage={"variant": "any"})
    assert initial_weights(Profile(), card) == said
