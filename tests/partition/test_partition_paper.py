"""The published algorithm on drawn clusters: right where the paper says so, wrong where its discussion says so."""

from __future__ import annotations

import numpy as np

from chromseg.partition import partition_crossings
from chromseg.partition.paper import build_entry, classify, disk_area


def maps(masks):
    return masks.any(axis=0), masks.sum(axis=0) >= 2


def as_set(masks):
    return {mask.tobytes() for mask in masks}


def test_four_arms_drawn_by_hand_pair_up_across_the_centre():
    free = np.zeros((9, 9), dtype=np.int32)
    free[0:3, 4], free[4, 0:3], free[4, 6:9], free[6:9, 4] = 1, 2, 3, 4
    crossing = np.zeros((9, 9), dtype=bool)
    crossing[3:6, 3:6] = True

    disk = disk_area(crossing, radius=2)
    adjacent = build_entry(free, disk)

    assert adjacent == [1, 2, 3, 4]
    assert classify(free, crossing, disk, adjacent) == [(1, 4), (2, 3), (3, 2), (4, 1)]


def test_disk_area_reaches_just_as_far_as_the_radius():
    crossing = np.zeros((1, 9), dtype=bool)
    crossing[0, 4] = True

    np.testing.assert_array_equal(np.flatnonzero(disk_area(crossing, radius=2)), [2, 3, 4, 5, 6])


def test_an_x_is_solved(draw):
    masks = draw(((8, 8), (56, 56)), ((56, 8), (8, 56)))

    found = partition_crossings(*maps(masks), algorithm="paper")

    assert as_set(found.masks) == as_set(masks)


def test_two_ends_that_meet_at_a_wide_angle_are_joined_by_the_paper_only(draw):
    masks = draw(((14, 6), (34, 34)), ((34, 29), (34, 60)))

    as_published = partition_crossings(*maps(masks), algorithm="paper")
    ours = partition_crossings(*maps(masks))

    assert len(as_published.masks) == 1
    assert len(ours.masks) == 2
    assert (ours.masks.any(axis=0) == masks.any(axis=0)).all()
