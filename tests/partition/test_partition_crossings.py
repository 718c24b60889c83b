"""Whole clusters: drawn chromosomes in, the same chromosomes out."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.errors import MaskError
from chromseg.partition import partition_crossings

X = (((8, 8), (56, 56)), ((56, 8), (8, 56)))
T = (((32, 6), (32, 58)), ((30, 32), (58, 32)))
L = (((12, 14), (12, 50)), ((11, 50), (50, 48)))
TWO_CROSSINGS = (((32, 4), (32, 60)), ((8, 20), (56, 20)), ((8, 38), (56, 42)))


def maps(masks):
    return masks.any(axis=0), masks.sum(axis=0) >= 2


def partition(masks, **options):
    return partition_crossings(*maps(masks), **options)


def as_set(masks):
    return {mask.tobytes() for mask in masks}


def worst_iou(found, true):
    assert len(found) == len(true)
    ious = (found[:, None] & true).sum(axis=(2, 3)) / (found[:, None] | true).sum(axis=(2, 3))
    return ious.max(axis=0).min()


@pytest.mark.parametrize("arms", [X, T, L, TWO_CROSSINGS], ids=["X", "T", "L", "two close crossings"])
def test_drawn_chromosomes_come_back_pixel_by_pixel(draw, arms):
    masks = draw(*arms)

    found = partition(masks)

    assert worst_iou(found.masks, masks) > (0.97 if arms == L else 0.999)  # the corner of an L is anyone's
    assert found.flags == ((),) * len(masks)
    assert all(0.5 < confidence <= 1 for confidence in found.confidence)


@pytest.mark.parametrize(
    "turn", [lambda a: a[..., ::-1, :], lambda a: a[..., ::-1], lambda a: np.rot90(a, axes=(1, 2))]
)
@pytest.mark.parametrize("arms", [X, T, L, TWO_CROSSINGS])
def test_turned_and_flipped_maps_give_turned_and_flipped_masks(draw, arms, turn):
    masks = draw(*arms)

    assert as_set(partition(np.ascontiguousarray(turn(masks))).masks) == as_set(
        np.ascontiguousarray(turn(partition(masks).masks))
    )


def test_masks_are_ordered_by_first_pixel_across_clusters(draw):
    stem, bar, single = ((8, 20), (48, 20)), ((48, 8), (48, 34)), ((20, 50), (40, 50))
    masks = draw(stem, single, bar)

    np.testing.assert_array_equal(partition(masks).masks, masks)


def test_without_a_crossing_every_component_is_one_chromosome(draw):
    masks = draw(((10, 10), (10, 50)), ((40, 20), (55, 40)))

    found = partition(masks)

    assert as_set(found.masks) == as_set(masks)
    assert found.confidence == (1.0, 1.0)


@pytest.mark.parametrize("shape", [(20, 30), (1, 1), (0, 0), (0, 7)])
def test_empty_maps_give_no_masks(shape):
    empty = np.zeros(shape, dtype=bool)

    for algorithm in ("chromseg-ops", "paper"):
        found = partition_crossings(empty, empty, np.zeros(shape, np.float32), algorithm=algorithm)
        assert found.masks.shape == (0, *shape)
        assert found.flags == found.confidence == ()


def test_a_chromosome_that_fills_the_image_is_one(draw):
    full = np.ones((12, 30), dtype=bool)

    assert partition_crossings(full, full).masks.sum() == full.size
    assert len(partition_crossings(full, np.zeros_like(full)).masks) == 1


def test_a_wide_image_and_a_metaphase_of_clusters(draw):
    shape = (70, 260)
    masks = draw(
        *(((r0, c0 + shift), (r1, c1 + shift)) for shift in (0, 70, 140) for (r0, c0), (r1, c1) in X),
        ((10, 220), (60, 240)),
        shape=shape,
    )

    assert as_set(partition(masks).masks) == as_set(masks)


THREE = (((32, 4), (32, 60)), ((6, 20), (58, 44)), ((58, 20), (6, 44)))


def test_three_at_one_crossing_are_solved_and_flagged(draw):
    masks = draw(*THREE)

    found = partition(masks)

    assert worst_iou(found.masks, masks) > 0.8
    assert all("three-at-crossing" in flags for flags in found.flags)


def test_two_crossings_grown_into_one_are_shared_out(draw):
    masks = draw(((32, 4), (32, 60)), ((8, 24), (56, 24)), ((8, 37), (56, 41)))
    chromosome, crossing = maps(masks)
    crossing[29:36, 24:40] = True

    found = partition_crossings(chromosome, crossing)

    assert worst_iou(found.masks, masks) > 0.85


def test_masks_cover_the_map_and_overlap_only_on_crossings(draw):
    masks = draw(*TWO_CROSSINGS)
    chromosome, crossing = maps(masks)

    found = partition(masks).masks

    np.testing.assert_array_equal(found.any(axis=0), chromosome)
    assert not (found.sum(axis=0)[~crossing] > 1).any()


def test_specks_are_no_chromosomes(draw):
    masks = draw(*X)
    chromosome, crossing = maps(masks)
    chromosome[2:5, 30:33] = True

    assert len(partition_crossings(chromosome, crossing).masks) == 2


@pytest.mark.parametrize("steps", [-2, -1, 1, 2])
def test_a_crossing_drawn_too_small_or_too_large_still_parts_the_arms(draw, steps):
    from scipy import ndimage

    masks = draw(*X)
    chromosome, crossing = maps(masks)
    change = ndimage.binary_dilation if steps > 0 else ndimage.binary_erosion
    ragged = change(crossing, iterations=abs(steps)) & chromosome

    assert worst_iou(partition_crossings(chromosome, ragged).masks, masks) > 0.85


def _bad_inputs():
    good = np.ones((8, 9), dtype=bool)
    image = np.zeros((8, 9), dtype=np.float32)
    return {
        "other shape": ((good, good[:, 1:]), {}),
        "integers": ((good.astype(np.uint8), good), {}),
        "three axes": ((good[None], good[None]), {}),
        "not an array": (([[True]], good), {}),
        "crossing outside": ((~good, good), {}),
        "image of another shape": ((good, good, image[1:]), {}),
        "image of another kind": ((good, good, image.astype(np.float64)), {}),
        "contact of another kind": ((good, good), {"contact": image.astype(np.float64)}),
        "unknown algorithm": ((good, good), {"algorithm": "best"}),
        "no radius": ((good, good), {"radius": 0}),
    }


@pytest.mark.parametrize("case", _bad_inputs())
def test_wrong_input_is_refused_with_what_was_got_and_expected(case):
    arrays, options = _bad_inputs()[case]

    with pytest.raises(MaskError, match="expected"):
        partition_crossings(*arrays, **options)
