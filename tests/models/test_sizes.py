"""Equal parameter counts, as the paper compares its networks."""

from __future__ import annotations

import pytest

from chromseg.config import ModelConfig
from chromseg.models import build_model
from chromseg.models.sizes import count_parameters, match_parameters


def test_count_is_that_of_the_real_network() -> None:
    config = ModelConfig("region-guided-unetpp", depth=2, width=4, contact=True)
    assert count_parameters(config) == sum(parameter.numel() for parameter in build_model(config).parameters())


@pytest.mark.parametrize("architecture", ["unet", "unetpp"])
@pytest.mark.parametrize(("depth", "width"), [(2, 8), (3, 6)])
def test_baselines_get_within_five_percent(architecture: str, depth: int, width: int) -> None:
    target = count_parameters(ModelConfig("region-guided-unetpp", depth=depth, width=width))
    matched = match_parameters(ModelConfig(architecture, depth=depth), target)
    assert matched.architecture == architecture
    assert matched.depth == depth
    assert count_parameters(matched) == pytest.approx(target, rel=0.05)
