import math

import numpy as np
import pytest

from chromseg.errors import MaskError
from chromseg.metrics import iou, mean_iou, well_detected


def drawn(*rectangles, size=64):
    """A map with each (row0, col0, row1, col1) filled."""
    region_map = np.zeros((size, size), dtype=bool)
    for row0, col0, row1, col1 in rectangles:
        region_map[row0:row1, col0:col1] = True
    return region_map


EMPTY = drawn()
SQUARE = (10, 10, 20, 20)  # 100 px
SMALL = (40, 40, 46, 46)  # 36 px, below the 40 that count


def test_iou_of_half_shifted_squares_is_a_third():
    assert iou(drawn(SQUARE), drawn((10, 15, 20, 25))) == pytest.approx(50 / 150)


def test_iou_with_nothing_to_find():
    assert iou(drawn(SQUARE), EMPTY) == 0
    assert iou(EMPTY, drawn(SQUARE)) == 0
    assert math.isnan(iou(EMPTY, EMPTY))


def test_mean_iou_leaves_out_and_counts_what_cannot_be_measured():
    assert mean_iou([0.5, float("nan"), 1.0]) == (0.75, 1)
    assert mean_iou([float("nan")]) == (None, 1)
    assert mean_iou([]) == (None, 0)


@pytest.mark.parametrize(
    ("pred", "true", "expected"),
    [
        pytest.param([SQUARE], [SQUARE], True, id="same"),
        pytest.param([(10, 10, 20, 15)], [SQUARE], True, id="IoU exactly one half"),
        pytest.param([(10, 10, 20, 14)], [SQUARE], False, id="IoU 0.4"),
        pytest.param([], [SQUARE], False, id="missed"),
        pytest.param([(10, 10, 16, 16)], [(10, 10, 18, 18)], True, id="match smaller than 40 px, IoU 36/64"),
        pytest.param([SQUARE, (30, 30, 37, 37)], [SQUARE], False, id="49 px invented"),
        pytest.param([SQUARE, SMALL], [SQUARE], True, id="36 px invented is excused"),
        pytest.param([SQUARE], [SQUARE, SMALL], True, id="36 px need not be found"),
        pytest.param([SQUARE, (40, 40, 50, 50)], [SQUARE, SMALL], True, id="large, on a smaller true region"),
        pytest.param([SQUARE, (50, 50, 60, 60)], [SQUARE, SMALL], False, id="large, beside a smaller true region"),
        pytest.param([(10, 10, 20, 32)], [SQUARE, (10, 22, 20, 32)], False, id="two crossings run together"),
        pytest.param([(10, 10, 14, 20), (16, 10, 20, 20)], [SQUARE], False, id="one crossing in halves"),
        pytest.param([], [], True, id="nothing there, nothing found"),
        pytest.param([SQUARE], [], False, id="nothing there, one invented"),
        pytest.param([SMALL], [], True, id="nothing there, a speck found"),
        pytest.param([], [SMALL], True, id="only a speck there"),
    ],
)
def test_well_detected(pred, true, expected):
    assert well_detected(drawn(*pred), drawn(*true)) is expected


def test_regions_that_meet_at_a_corner_are_one():
    corners = drawn((10, 10, 20, 20), (20, 20, 30, 30))
    assert not well_detected(drawn((10, 10, 20, 20)) | drawn((21, 21, 30, 30)), corners)


def test_maps_that_cannot_be_compared_are_refused():
    with pytest.raises(MaskError, match="same height and width"):
        iou(drawn(SQUARE), drawn(SQUARE, size=32))
    with pytest.raises(MaskError, match="bool"):
        well_detected(drawn(SQUARE).astype(np.uint8), drawn(SQUARE))
