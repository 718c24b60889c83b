"""Probabilities to maps: thresholds, specks, holes, blobs, strays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from chromseg.arrays import Bool
from chromseg.errors import MaskError
from chromseg.images.blobs import without_blobs
from chromseg.inference.postprocess import (
    PostprocessSettings,
    binarize,
    fill_small_holes,
    has_plain_ground,
    smoothed,
    without_strays,
)

PLAIN = PostprocessSettings(
    chromosome=0.5,
    crossing=0.5,
    contact=True,
    mean=0.0,
    crossing_peak=0.0,
    smooth=0.0,
    smooth_chromosome=0.0,
    min_crossing=0,
    min_chromosome=0,
    max_half_width=0.0,
    max_apart=0.0,
    max_hole=0,
)
SEAMS = PostprocessSettings(contact=True)


def _probabilities() -> np.ndarray:
    """float32 (3, 64, 64): a bar, a crossing on it, a seam across it."""
    maps = np.full((3, 64, 64), 0.1, dtype=np.float32)
    maps[0, 20:34, 5:60] = 0.9
    maps[1, 20:34, 20:34] = 0.8
    maps[2, 18:36, 50:52] = 0.7
    return maps


def test_thresholds_decide_each_map() -> None:
    maps = binarize(_probabilities(), PLAIN)
    assert maps.contact is not None
    assert [int(plane.sum()) for plane in (maps.chromosome, maps.crossing)] == [14 * 55, 14 * 14]
    assert maps.contact.dtype == np.float32
    assert int((maps.contact == np.float32(0.7)).sum()) == 14 * 2
    higher = binarize(_probabilities(), replace(PLAIN, chromosome=0.95, crossing=0.85))
    assert higher.contact is not None
    assert not (higher.chromosome.any() or higher.crossing.any() or higher.contact.any())


def test_crossings_and_seams_lie_on_chromosomes() -> None:
    probabilities = _probabilities()
    probabilities[1, 0:10, 0:10] = 1.0
    maps = binarize(probabilities, SEAMS)
    assert maps.contact is not None
    assert not (maps.crossing & ~maps.chromosome).any()
    assert not maps.contact[~maps.chromosome | maps.crossing].any()


def test_seams_may_be_ignored_or_absent_and_other_numbers_of_maps_are_refused() -> None:
    assert binarize(_probabilities()).contact is None
    assert binarize(_probabilities()[:2], SEAMS).contact is None
    with pytest.raises(MaskError, match="probabilities of shape"):
        binarize(_probabilities()[:1])


def test_specks_holes_and_faint_regions_of_the_crossing_map_go() -> None:
    probabilities = _probabilities()
    probabilities[1, 25:28, 25:28] = 0.1  # a hole
    probabilities[1, 22:25, 40:43] = 0.9  # a speck
    maps = binarize(probabilities, replace(PLAIN, min_crossing=20))
    assert maps.crossing.sum() == 14 * 14
    assert not binarize(probabilities, replace(PLAIN, crossing_peak=0.95)).crossing.any()


@pytest.mark.parametrize(
    ("name", "setting", "cols"), [("crossing", "smooth", 34), ("chromosome", "smooth_chromosome", 60)]
)
def test_smoothing_rounds_ragged_borders(name: str, setting: str, cols: int) -> None:
    rng = np.random.default_rng(0)
    probabilities = np.clip(_probabilities() + rng.normal(0, 0.25, (3, 64, 64)).astype(np.float32), 0, 1)
    truth = np.zeros((64, 64), dtype=bool)
    truth[20:34, 20 if name == "crossing" else 5 : cols] = True
    wrong = [
        np.count_nonzero(getattr(binarize(smoothed(probabilities, each), each), name) & _near(truth) ^ truth)
        for each in (replace(PLAIN, **{setting: sigma}) for sigma in (0.0, 1.0))
    ]
    assert wrong[1] < wrong[0]


def test_only_small_holes_are_filled() -> None:
    region = np.ones((20, 20), dtype=bool)
    region[5:7, 5:7] = region[10:14, 10:14] = False
    region[0, 0] = False  # a bay of the border is no hole
    filled = fill_small_holes(region, 6)
    assert filled[5:7, 5:7].all() and not filled[10:14, 10:14].any() and not filled[0, 0]


def test_blobs_go_and_chromosomes_stay() -> None:
    rows, cols = np.mgrid[:120, :160]
    blob = (rows - 60) ** 2 + (cols - 50) ** 2 <= 40**2
    chromosome = (abs(rows - 60) <= 6) & (cols >= 85) & (cols <= 150)
    left = without_blobs(blob | chromosome, 20.0)
    assert np.count_nonzero(left & blob & ~chromosome) < 0.05 * blob.sum()
    assert left[60, 100:150].all()
    assert without_blobs(blob, 0.0).sum() == blob.sum()
    assert without_blobs(chromosome, 20.0).sum() == chromosome.sum()


def _spread(strays: Sequence[tuple[int, int, int]], rows: int = 3) -> tuple[Bool, Bool]:
    """`rows` times 5 squares of 12×12, 30 apart, alone, and with strays (row, col, side)."""
    region = np.zeros((200, 600), dtype=bool)
    for row in range(rows):
        for col in range(5):
            region[20 + 30 * row :, 20 + 30 * col :][:12, :12] = True
    whole = region.copy()
    for row, col, side in strays:
        whole[row : row + side, col : col + side] = True
    return region, whole


def test_regions_apart_from_the_spread_are_strays() -> None:
    spread, whole = _spread([(20, 400, 12), (190, 580, 9)])
    assert (without_strays(whole, 10.0) == spread).all()
    assert (without_strays(whole, 0.0) == whole).all()


def test_two_strays_side_by_side_are_strays_still() -> None:
    spread, whole = _spread([(20, 400, 12), (20, 420, 12), (20, 440, 12)])
    assert (without_strays(whole, 10.0) == spread).all()


def test_of_two_regions_equally_far_the_small_one_is_a_stray() -> None:
    (_, small), (_, large) = _spread([(55, 240, 6)]), _spread([(55, 240, 12)])
    assert (without_strays(small, 10.0) == _spread([])[0]).all()
    assert (without_strays(large, 10.0) == large).all()


def test_a_few_regions_are_no_spread() -> None:
    _, few = _spread([(20, 400, 12)], rows=2)
    assert (without_strays(few, 10.0) == few).all()


def test_uncertain_and_tiny_regions_are_no_chromosomes() -> None:
    probabilities = _probabilities()
    probabilities[0, 45:60, 5:30] = 0.65  # the scraps of a nucleus
    probabilities[0, 45:50, 40:45] = 0.95  # a speck
    assert binarize(probabilities, PostprocessSettings()).chromosome.sum() == 14 * 55
    assert binarize(probabilities, PLAIN).chromosome.sum() == 14 * 55 + 15 * 25 + 25


def test_the_rim_of_a_nucleus_goes_with_it_and_a_ring_of_chromosomes_stays() -> None:
    rows, cols = np.mgrid[:120, :120]
    radius = np.hypot(rows - 60, cols - 60)
    ring = (radius < 45) & (radius > 35)
    nucleus, loop = (radius < 45).astype(np.float32), ring.astype(np.float32)
    assert without_blobs(ring, 20.0, nucleus).sum() == 0
    assert without_blobs(ring, 20.0, loop).sum() == ring.sum()


def test_nothing_found_gives_empty_maps() -> None:
    maps = binarize(np.zeros((3, 8, 9), dtype=np.float32), SEAMS)
    assert maps.contact is not None
    assert maps.chromosome.shape == (8, 9)
    assert not (maps.chromosome.any() or maps.crossing.any() or maps.contact.any())


def test_on_a_plain_ground_what_is_left_is_chromosome() -> None:
    rows, cols = np.mgrid[:64, :64]
    soft = np.exp(-(((rows - 27) / 9) ** 2 + ((cols - 32) / 20) ** 2)).astype(np.float32)
    image = np.where(soft > 0.4, soft, np.float32(0))
    assert has_plain_ground(image) and not has_plain_ground(np.where(soft > 0.01, soft, np.float32(0)))
    assert not has_plain_ground(np.zeros((8, 8), dtype=np.float32))
    maps = binarize(_probabilities(), image=image)
    assert (maps.chromosome == (image > 0)).all()
    assert not (maps.crossing & ~maps.chromosome).any()


def _near(truth: np.ndarray) -> np.ndarray:
    near = np.zeros_like(truth)
    near[16:38, 16:38] = True
    return near
