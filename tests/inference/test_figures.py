"""Figures that compare: the right clusters, the right number of tiles; the eye has judged the rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_cells import drawn_cell

from chromseg.annotations import Sample
from chromseg.config import DetectorConfig
from chromseg.errors import ModelError
from chromseg.inference.figures import Shown, _clusters, _shares, compare_variants, region_figure
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.load import identity_of
from chromseg.models import build_model
from chromseg.models.package import ModelCard


def cell() -> Sample:
    picture, masks = drawn_cell()
    return Sample.from_masks("cell", "drawn/1", "test", "metaphase", (255 - picture).astype(np.float32) / 255, masks)


def detector(region: str) -> InstancePredictor:
    torch.manual_seed(0)
    config = DetectorConfig(
        "ucrd-net", backbone="efficientnet-lite0", deepest=3, levels=(2, 3), fpn_width=8, head_width=8, region=region
    )
    card = ModelCard("tiny", config)
    return InstancePredictor(card, identity_of(card), network=build_model(config).eval())


def test_clusters_are_ranked_by_how_far_the_variants_lie_apart() -> None:
    sample = cell()
    assert sample.masks is not None
    ((apart, _, window, fits),) = _clusters(Shown(sample, {"good": sample.masks, "bad": sample.masks[1:]}))
    assert fits == {"good": pytest.approx(1.0), "bad": pytest.approx(0.5)} and apart == pytest.approx(0.5)
    assert window == (slice(0, 92), slice(8, 112)), "both bars of the cross with a margin"


def test_a_column_a_variant() -> None:
    sample = cell()
    two = compare_variants([Shown(sample, {"a": sample.masks, "b": sample.masks[:1]})])
    three = compare_variants([Shown(sample, {"a": sample.masks, "b": sample.masks[:1], "c": sample.masks[:0]})])
    assert three.shape[1] - two.shape[1] == 228 and two.shape[1] == 8 + 4 * 228
    assert compare_variants([]).ndim == 3, "a note alone"


@pytest.mark.parametrize("region", ["decomposed", "learned"])
def test_regions_of_chromosomes_that_cross(region: str) -> None:
    page = region_figure(detector(region), cell(), count=2)
    assert page.shape[1] == 8 + 7 * 118, "box, five regions, fused"


def test_a_network_without_regions_is_refused() -> None:
    with pytest.raises(ModelError, match="without region decomposition"):
        region_figure(detector("none"), cell())


def test_an_even_share_is_white() -> None:
    colours = _shares(np.array([[0.0, 0.2, 1.0]]))
    assert colours.tolist() == [[[33, 102, 172], [247, 247, 247], [178, 24, 43]]]
