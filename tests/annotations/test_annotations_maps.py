import numpy as np

from chromseg.annotations import chromosome_map, crossing_map, label_regions
from chromseg.annotations.maps import largest_region


def test_maps_of_two_crossing_bars(crossing_bars):
    chromosome, crossing = chromosome_map(crossing_bars), crossing_map(crossing_bars)
    assert chromosome.sum() == 2 * 8 * 56 - 64
    assert crossing.sum() == 64 and crossing[28:36, 28:36].all()
    assert chromosome.dtype == crossing.dtype == bool


def test_no_instance_gives_empty_maps():
    none = np.zeros((0, 5, 6), dtype=bool)
    assert chromosome_map(none).shape == crossing_map(none).shape == (5, 6)
    assert not chromosome_map(none).any() and not crossing_map(none).any()


def test_many_instances_on_one_pixel_do_not_overflow():
    assert crossing_map(np.ones((300, 2, 2), dtype=bool)).all()


def test_regions_join_over_corners():
    corner = np.eye(3, dtype=bool)
    labels, count = label_regions(corner)
    assert count == 1 and labels.dtype == np.int32
    assert label_regions(np.zeros((3, 3), dtype=bool))[1] == 0


def test_the_largest_region_is_kept() -> None:
    mask = np.zeros((9, 12), bool)
    mask[1:3, 1:3] = mask[4:8, 6:11] = True
    assert largest_region(mask).sum() == 20
    assert not largest_region(np.zeros((4, 4), bool)).any()
