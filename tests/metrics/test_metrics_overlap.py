import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from chromseg.boxes import boxes_of
from chromseg.metrics import box_ious, mask_ious
from chromseg.metrics.overlap import region_overlaps

stacks = hnp.arrays(bool, st.tuples(st.integers(0, 4), st.just(5), st.just(7)))


@settings(deadline=None, max_examples=50)
@given(pred=stacks, target=stacks)
def test_mask_ious_are_those_of_counted_pixels(pred, target):
    ious = mask_ious(pred, target)
    assert ious.shape == (len(pred), len(target))
    for p, row in zip(pred, ious, strict=True):
        for t, value in zip(target, row, strict=True):
            assert value == pytest.approx((p & t).sum() / max((p | t).sum(), 1))


@settings(deadline=None, max_examples=50)
@given(masks=stacks)
def test_mask_ious_are_symmetric_and_one_with_oneself(masks):
    ious = mask_ious(masks, masks)
    assert np.array_equal(ious, ious.T)
    assert np.array_equal(np.diag(ious), masks.any(axis=(1, 2)).astype(float))


def test_a_crowd_is_judged_by_the_prediction_alone():
    masks = np.zeros((2, 8, 8), dtype=bool)
    masks[0, :2, :2], masks[1, :4, :8] = True, True
    assert mask_ious(masks[:1], masks[1:]) == 4 / 32
    assert mask_ious(masks[:1], masks[1:], np.array([True])) == 1


def test_boxes_end_behind_the_last_pixel():
    masks = np.zeros((2, 8, 9), dtype=bool)
    masks[0, 2:5, 3], masks[0, 4, 8] = True, True
    assert boxes_of(masks).tolist() == [[3, 2, 9, 5], [0, 0, 0, 0]]
    assert boxes_of(masks[:0]).shape == (0, 4)


def test_box_ious_agree_with_pycocotools():
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 30, (2, 6, 2)), rng.uniform(1, 20, (2, 6, 2))
    crowd = np.arange(6) % 2 == 0
    ours = box_ious(*(np.concatenate([corner, corner + size], axis=2)), crowd)
    reference = coco_mask.iou(*np.concatenate([corner, size], axis=2), crowd)
    assert ours.max() > 0.3
    np.testing.assert_allclose(ours, reference)


def test_region_overlaps_count_pixels_with_row_and_column_0_for_the_ground():
    first, second = np.zeros((2, 6, 6), dtype=bool)
    first[0, 0:3], first[4, 0:4] = True, True
    second[0, 2:6] = True
    assert region_overlaps(first, second).tolist() == [[36 - 3 - 4 - 3, 3], [2, 1], [4, 0]]
