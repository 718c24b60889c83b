"""Chromosomes that touch without crossing are cut; single ones of any shape are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from chromseg.partition import partition_crossings
from chromseg.partition.seams import Ground, find_seams, likelihood, meeting_pixels, moments, sorted_seams

SHAPE = (80, 80)
TIP_ON_FLANK = (((20, 8), (20, 70)), ((29, 40), (66, 44)))
TIP_ON_TIP = (((12, 14), (40, 36)), ((49, 38), (52, 74)))


def absorbance(masks):
    """Each chromosome dark inside and pale at its rim, as a lens leaves it."""
    return np.max([ndimage.gaussian_filter(mask.astype(np.float32), 1.5) for mask in masks], axis=0)


def partition(masks, **options):
    crossing = masks.sum(axis=0) >= 2
    return partition_crossings(masks.any(axis=0), crossing, absorbance(masks), **options)


def ious(found, true):
    both = (found[:, None] & true).sum(axis=(2, 3))
    return both / (found[:, None] | true).sum(axis=(2, 3))


def parted(draw, arms):
    masks = draw(*arms, shape=SHAPE)
    masks[1] &= ~masks[0]
    return masks


@pytest.mark.parametrize("arms", [TIP_ON_FLANK, TIP_ON_TIP], ids=["tip on flank", "tip on tip"])
def test_two_that_touch_are_cut_where_they_touch(draw, arms):
    masks = parted(draw, arms)

    found = partition(masks)

    assert ndimage.label(masks.any(axis=0))[1] == 1  # they do touch
    assert len(found.masks) == 2
    assert ious(found.masks, masks).max(axis=0).min() > 0.9
    np.testing.assert_array_equal(found.masks.any(axis=0), masks.any(axis=0))
    assert not (found.masks.sum(axis=0) > 1).any()
    assert all(0.5 <= confidence < 1 for confidence in found.confidence)


def test_a_touching_arm_is_cut_beside_a_crossing(draw):
    masks = draw(((40, 6), (40, 70)), ((12, 30), (70, 30)), ((49, 62), (74, 50)), shape=SHAPE)
    masks[2] &= ~masks[0]

    found = partition(masks)

    assert len(found.masks) == 3
    assert ious(found.masks, masks).max(axis=0).min() > 0.9


def bent():
    rows, cols = np.mgrid[:80, :80]
    distance = np.hypot(rows - 60, cols - 40)
    return ((np.abs(distance - 32) <= 4.5) & (rows < 62))[None]


def constricted(draw):
    mask = draw(((40, 8), (40, 72)), shape=SHAPE)
    mask[:, :38, 39:42] = mask[:, 43:, 39:42] = False  # a centromere half as wide as the arms
    return mask


def with_chromatids(draw):
    mask = draw(((40, 12), (40, 68)), shape=SHAPE, width=13)
    mask[:, 39:42, 50:] = False  # sister chromatids apart at one end
    return mask


@pytest.mark.parametrize("shape", ["bent", "constricted", "chromatids"])
def test_a_single_chromosome_is_left_whole(draw, shape):
    single = {"bent": bent, "constricted": lambda: constricted(draw), "chromatids": lambda: with_chromatids(draw)}
    masks = single[shape]()

    found = partition(masks)

    np.testing.assert_array_equal(found.masks, masks)


def test_a_learned_seam_is_cut_along_even_where_it_has_gaps_and_its_pixels_are_given_back(draw):
    whole = draw(((40, 8), (40, 72)), shape=SHAPE)
    seam = np.zeros(SHAPE, dtype=bool)
    seam[34:46:3, 30] = True

    found = partition(whole, contact=seam)

    assert len(found.masks) == 2
    np.testing.assert_array_equal(found.masks.any(axis=0), whole[0])
    first_cols = np.flatnonzero(found.masks[0].any(axis=0))
    second_cols = np.flatnonzero(found.masks[1].any(axis=0))
    left, right = sorted((first_cols, second_cols), key=lambda cols: cols[0])
    assert abs(left[-1] - 30) <= 1
    assert right[0] == left[-1] + 1


def test_where_a_learned_map_shows_no_seam_nothing_is_cut(draw):
    masks = parted(draw, TIP_ON_FLANK)

    found = partition(masks, contact=np.zeros(SHAPE, dtype=bool))

    assert len(found.masks) == 1


def test_shape_alone_parts_a_tip_from_a_flank(draw):
    masks = parted(draw, TIP_ON_FLANK)

    assert len(partition_crossings(masks.any(axis=0), np.zeros(SHAPE, dtype=bool)).masks) == 2


def test_a_seam_that_closes_on_itself_is_measured_at_one_of_its_points():
    rows, cols = np.indices((80, 80))
    away = np.hypot(rows - 40, cols - 40)
    labels = np.where(away < 20, 2, np.where(away < 30, 1, 0)).astype(np.int32)
    depth = np.asarray(ndimage.distance_transform_edt(labels > 0), dtype=np.float32)
    ground = Ground(depth, np.ones_like(depth), None, width=8.0)

    found = likelihood(labels, (1, 2), find_seams(labels)[1, 2], ground, moments(labels, 2)[1:])

    assert 0 <= found <= 1


def test_what_a_network_sees_of_a_seam_is_weighed_with_the_shape(draw):
    masks = parted(draw, TIP_ON_FLANK)
    near = ndimage.binary_dilation(masks[0]) & ndimage.binary_dilation(masks[1])
    unseen = np.full(SHAPE, 0.02, dtype=np.float32)
    seen = np.where(near, np.float32(0.98), unseen)

    sure, doubtful = (partition(masks, contact=contact).confidence for contact in (seen, unseen))

    assert min(sure) > 0.95 > 0.75 > min(doubtful)


@pytest.mark.parametrize(("seen", "count"), [(0.98, 2), (0.02, 1)])
def test_a_seam_that_a_network_sees_across_a_bar_cuts_it(draw, seen, count):
    whole = draw(((40, 8), (40, 72)), shape=SHAPE)
    contact = np.full(SHAPE, 0.02, dtype=np.float32)
    contact[30:50, 29:32] = seen

    assert len(partition(whole, contact=contact).masks) == count


def test_seams_of_merged_fragments_are_those_found_anew() -> None:
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 9, (12, 12)), np.ones((5, 5), dtype=np.int32)).astype(np.int32)
    meeting = meeting_pixels(labels)
    for gone, kept in ((8, 2), (2, 5), (7, 1), (1, 3)):
        labels[labels == gone] = kept
        anew, kept_up = find_seams(labels), sorted_seams(labels, meeting)
        assert list(anew) == list(kept_up) and gone not in {side for pair in anew for side in pair}
        for pair, seam in anew.items():
            np.testing.assert_array_equal(seam, kept_up[pair])
            assert (labels[seam[..., 0], seam[..., 1]] == pair).all()
