import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from chromseg.annotations import decode_rle, encode_rle, rasterize
from chromseg.errors import DataError, MaskError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of coco_mask.decode

SQUARE = [10.0, 10.0, 20.0, 10.0, 20.0, 20.0, 10.0, 20.0]


def test_a_square_covers_the_pixels_that_coco_gives_it():
    mask = rasterize([SQUARE], 32, 32)
    expected = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([SQUARE], 32, 32))).astype(bool)
    np.testing.assert_array_equal(mask, expected)
    assert mask.dtype == bool and mask[10:20, 10:20].all() and not mask[:9].any()


def test_rows_are_y_and_columns_are_x():
    mask = rasterize([[2, 20, 12, 20, 12, 24, 2, 24]], 32, 40)
    assert mask.shape == (32, 40) and mask[21, 5] and not mask[5, 21]


def test_several_polygons_are_one_instance():
    other = [number + 15 for number in SQUARE]
    both = rasterize([SQUARE, other], 48, 48)
    np.testing.assert_array_equal(both, rasterize([SQUARE], 48, 48) | rasterize([other], 48, 48))


def test_an_empty_segmentation_is_an_empty_mask():
    assert not rasterize([], 5, 7).any() and rasterize([], 5, 7).shape == (5, 7)


@pytest.mark.parametrize("polygon", [[1.0, 1.0, 5.0, 5.0], [1.0, 1.0, 5.0, 5.0, 2.0], []])
def test_a_polygon_with_too_few_numbers_is_refused(polygon):
    with pytest.raises(DataError, match="at least 3 points"):
        rasterize([polygon], 16, 16)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e300])
def test_a_coordinate_that_is_not_finite_is_refused(bad):
    with pytest.raises(DataError, match="finite pixel coordinates"):
        rasterize([[1.0, 1.0, 5.0, bad, 3.0, 3.0]], 16, 16)


@pytest.mark.parametrize("polygon", ["abcdef", [[1, 2], [3, 4], [5, 6]], None, ["a"] * 6])
def test_what_is_no_list_of_numbers_is_refused(polygon):
    with pytest.raises(DataError):
        rasterize([polygon], 16, 16)


@given(hnp.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
@settings(max_examples=60, deadline=None)
def test_run_lengths_survive_the_round_trip_and_agree_with_coco(mask):
    rle = encode_rle(mask)
    assert isinstance(rle["counts"], str)
    np.testing.assert_array_equal(decode_rle(rle, *mask.shape), mask)
    np.testing.assert_array_equal(coco_mask.decode(rle).astype(bool), mask)


def test_uncompressed_run_lengths_count_down_the_columns():
    mask = rasterize({"size": [3, 2], "counts": [1, 2, 3]}, 3, 2)
    np.testing.assert_array_equal(mask, [[False, False], [True, False], [True, False]])


def test_run_lengths_of_another_size_are_refused():
    with pytest.raises(MaskError, match=r"\[64, 32\]"):
        rasterize(encode_rle(np.ones((32, 64), dtype=bool)), 64, 32)


@pytest.mark.parametrize(
    "counts",
    ["", "garbage!!", "P" * 50, "0", b"\xff\xfe", [50, 20], [500, 20], [-5, 105], [50, "a"], [50.5, 49.5], 5, None],
)
def test_run_lengths_that_do_not_fill_the_image_are_refused(counts):
    """The COCO API returns memory that nobody has written for such masks."""
    with pytest.raises(MaskError, match="do not fill"):
        rasterize({"size": [10, 10], "counts": counts}, 10, 10)
