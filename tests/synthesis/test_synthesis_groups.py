"""Groups: crossings that count as such, touching that does not, and the union of patches."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from chromseg.annotations import crossing_clusters, crossing_map, find_clusters
from chromseg.errors import DataError
from chromseg.synthesis.chromosome import Drawing, draw_chromosome, draw_preparation
from chromseg.synthesis.groups import cross, crossing_group, intersection, touching_group, union
from chromseg.synthesis.karyotype import draw_karyotype


def draws(seed: int, count: int):
    rng = np.random.default_rng(seed)
    preparation = draw_preparation(rng, "dark-on-light")
    return rng, [partial(draw_chromosome, rng, kind, preparation) for kind in draw_karyotype(rng, count)]


def masks_of(group) -> np.ndarray:
    whole = union(group, margin=1)
    masks = np.zeros((len(group), *whole.mask.shape), dtype=bool)
    for mask, d in zip(masks, group, strict=True):
        mask[d.row - whole.row : d.bottom - whole.row, d.col - whole.col : d.right - whole.col] = d.mask
    return masks


def block(row: int, col: int, height: int, width: int) -> Drawing:
    mask = np.ones((height, width), dtype=bool)
    axis = np.stack([np.linspace(row, row + height - 1, 20), np.full(20, col + width / 2)], axis=1)
    return Drawing(row, col, mask, mask.astype(float), axis)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_crossing_group_is_one_crossing_cluster_of_all(seed, count):
    masks = masks_of(crossing_group(*draws(seed, count)))
    clusters = find_clusters(masks)
    assert len(clusters) == 1
    assert clusters[0].has_crossing
    assert clusters[0].indices == tuple(range(count))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_touching_group_is_one_cluster_without_a_crossing(seed, count):
    masks = masks_of(touching_group(*draws(seed, count)))
    assert len(find_clusters(masks)) == 1
    assert not crossing_clusters(masks)
    assert crossing_map(masks).sum() < 6 * (count - 1)


def test_intersection_is_of_the_common_window():
    shared = intersection(block(0, 0, 10, 4), block(6, 2, 8, 8))
    assert shared.shape == (4, 2)
    assert shared.all()
    assert not intersection(block(0, 0, 3, 3), block(3, 3, 3, 3)).any()


def test_union_adds_absorbance_and_keeps_the_place():
    whole = union([block(2, 3, 4, 2), block(4, 3, 4, 2)], margin=1)
    assert (whole.row, whole.col, whole.mask.shape) == (1, 2, (8, 4))
    assert whole.mask.sum() == 6 * 2
    assert whole.absorbance[3:5, 1:3].tolist() == [[2, 2], [2, 2]]  # rows 4 and 5, where both lie
    assert whole.absorbance.sum() == 16


def test_chromosomes_too_small_to_cross_are_refused():
    tiny = block(0, 0, 6, 6)
    with pytest.raises(DataError, match="no crossing of 40 px"):
        cross(np.random.default_rng(0), [tiny], lambda heading: tiny)
