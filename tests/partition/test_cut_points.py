import numpy as np
import pytest

from chromseg.errors import MaskError
from chromseg.metrics import iou, well_detected
from chromseg.partition.cut_points import crossings_by_cut_points

SIZE = 96


def bar(row, col, angle, *, length=64, width=12):
    """A straight chromosome with round ends, its middle at (row, col), at an angle in degrees."""
    rows, cols = np.mgrid[:SIZE, :SIZE]
    along_row, along_col = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    along = (rows - row) * along_row + (cols - col) * along_col
    across = (rows - row) * along_col - (cols - col) * along_row
    beyond = np.maximum(np.abs(along) - (length - width) / 2, 0)
    return np.hypot(beyond, across) <= width / 2


def waisted(*columns):
    """A lying chromosome, narrow at some columns as at a centromere."""
    whole, core = bar(48, 48, 0, length=90), bar(48, 48, 0, length=90, width=6)
    return whole & ~np.any([bar(48, col, 90, length=30, width=5) for col in columns], axis=0) | core


def cluster_and_truth(*bars):
    count = np.sum(bars, axis=0)
    return count >= 1, count >= 2


@pytest.mark.parametrize("angle", [45, 60, 75, 90])
@pytest.mark.parametrize("turn", [0, 17, 45])
@pytest.mark.parametrize("width", [9, 12, 15])
def test_a_drawn_x_is_found(angle, turn, width):
    cluster, truth = cluster_and_truth(bar(48, 48, turn, width=width), bar(46, 49, turn + angle, width=width))
    found = crossings_by_cut_points(cluster)
    assert well_detected(found, truth)
    assert iou(found, truth) > 0.65
    assert not (found & ~cluster).any()


def test_two_crossings_of_one_cluster_are_found():
    cluster, truth = cluster_and_truth(bar(48, 48, 0, length=90), bar(48, 24, 90), bar(48, 70, 80))
    assert well_detected(crossings_by_cut_points(cluster), truth)


@pytest.mark.parametrize("gap", [20, 26, 36])
def test_four_bars_laid_like_a_hash_cross_four_times(gap):
    near, far = 48 - gap // 2, 48 + gap // 2
    cluster, truth = cluster_and_truth(
        *(bar(row, 48, 0, length=84) for row in (near, far)), *(bar(48, col, 90, length=84) for col in (near, far))
    )
    found = crossings_by_cut_points(cluster)
    assert well_detected(found, truth)
    assert iou(found, truth) > 0.65


def test_two_clusters_beside_one_another():
    parts = [
        bar(24, 24, 0, length=40),
        bar(24, 24, 90, length=40),
        bar(72, 68, 0, length=40),
        bar(72, 68, 90, length=40),
    ]
    cluster, truth = cluster_and_truth(*parts)
    assert well_detected(crossings_by_cut_points(cluster), truth)


def test_a_cluster_at_the_rim_of_the_image():
    cluster, truth = cluster_and_truth(bar(48, 48, 0), bar(48, 48, 90))
    rows, cols = np.nonzero(cluster)
    window = np.s_[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    assert well_detected(crossings_by_cut_points(cluster[window]), truth[window])


def test_the_answer_turns_with_the_image():
    cluster, _ = cluster_and_truth(bar(46, 50, 10), bar(48, 48, 80))
    found = crossings_by_cut_points(cluster)
    assert found.any()
    assert iou(crossings_by_cut_points(np.rot90(cluster)), np.rot90(found)) > 0.9
    assert iou(crossings_by_cut_points(cluster[:, ::-1]), found[:, ::-1]) > 0.9


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param(np.zeros((40, 50), dtype=bool), id="empty"),
        pytest.param(np.ones((40, 50), dtype=bool), id="full"),
        pytest.param(np.eye(40, dtype=bool), id="a line of single pixels"),
        pytest.param(bar(48, 48, 30), id="a single chromosome"),
        pytest.param(bar(30, 20, 0, length=60) & ~bar(30, 60, 0), id="a stump"),
        pytest.param(
            bar(30, 48, 0, length=60)
            | bar(66, 48, 0, length=60)
            | bar(48, 24, 90, length=48)
            | bar(48, 72, 90, length=48),
            id="a ring",
        ),
        pytest.param(bar(48, 30, 90) | bar(48, 66, 90) | bar(48, 48, 0, length=30), id="an H"),
        pytest.param(waisted(25, 71), id="two waists far apart"),
        pytest.param(bar(48, 48, 0) | bar(42, 30, 70, length=26) | bar(54, 66, 70, length=26), id="stumps far apart"),
        pytest.param(bar(48, 48, 0) | bar(60, 60, 0, length=30), id="two side by side"),
    ],
)
def test_no_crossing(cluster):
    found = crossings_by_cut_points(cluster)
    assert found.shape == cluster.shape and found.dtype == bool
    assert not found.any()


def test_ends_that_cross_hide_their_cut_points():
    cluster, truth = cluster_and_truth(bar(30, 50, 0), bar(54, 24, 90))  # an L
    assert truth.any()
    assert not crossings_by_cut_points(cluster).any()


def test_grey_images_are_refused():
    with pytest.raises(MaskError, match="threshold"):
        crossings_by_cut_points(np.zeros((8, 8), dtype=np.float32))
