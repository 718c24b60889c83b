"""Figures that compare: the right clusters, the right number of tiles; the eye has judged the rest."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from drawn_cells import drawn_cell
from tiny_detector import TINY, tiny

from chromseg.annotations import Sample
from chromseg.errors import ModelError
from chromseg.evaluation.figures import Shown, _clusters, _shares, compare_variants, region_figure
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.load import identity_of
from chromseg.models.package import ModelCard


def cell() -> Sample:
    picture, masks = drawn_cell()
    return Sample.from_masks("cell", "drawn/1", "test", "metaphase", (255 - picture).astype(np.float32) / 255, masks)


def detector(region: Literal["none", "decomposed", "learned"]) -> InstancePredictor:
    network = tiny(TINY, region=region).eval()
    card = ModelCard("tiny", network.config)
    return InstancePredictor(card, identity_of(card), network=network)


def test_clusters_are_ranked_by_how_far_the_variants_lie_apart() -> None:
    sample = cell()
    assert sample.masks is not None
    (case,) = _clusters(Shown(sample, {"good": sample.masks, "bad": sample.masks[1:]}))
    assert case.fits == {"good": pytest.approx(1.0), "bad": pytest.approx(0.5)} and case.apart == pytest.approx(0.5)
    assert case.window == (slice(0, 92), slice(8, 112)), "both bars of the cross with a margin"


def test_a_column_a_variant() -> None:
    sample = cell()
    two = compare_variants([Shown(sample, {"a": sample.masks, "b": sample.masks[:1]})])
    three = compare_variants([Shown(sample, {"a": sample.masks, "b": sample.masks[:1], "c": sample.masks[:0]})])
    assert three.shape[1] - two.shape[1] == 228 and two.shape[1] == 8 + 4 * 228
    assert compare_variants([]).ndim == 3, "a note alone"


@pytest.mark.parametrize("region", ["decomposed", "learned"])
def test_regions_of_chromosomes_that_cross(region: Literal["decomposed", "learned"]) -> None:
    page = region_figure(detector(region), cell(), count=2)
    assert page.shape[1] == 8 + 6 * 118, "five regions, and the whole of them"
    assert page.shape[0] == 8 + 2 * 8 + 2 * 18 + 2 * 3 * (18 + 110 + 8)


def test_a_network_without_regions_is_refused() -> None:
    with pytest.raises(ModelError, match="without region decomposition"):
        region_figure(detector("none"), cell())


def test_an_even_share_is_white() -> None:
    colours = _shares(np.array([[0.0, 0.2, 1.0]]))
    assert colours.tolist() == [[[33, 102, 172], [247, 247, 247], [178, 24, 43]]]
