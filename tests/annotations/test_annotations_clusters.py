import numpy as np
import pytest

from chromseg.annotations import crossing_clusters, cut_out, find_clusters, is_touching


def test_two_crossing_bars_and_a_bar_alone(crossing_bars, bar):
    masks = np.stack([bar(50, 60, 50, 62), *crossing_bars])
    crossing, alone = find_clusters(masks)
    assert crossing.indices == (1, 2) and crossing.has_crossing and crossing.bbox == (4, 4, 60, 60)
    assert alone.indices == (0,) and not alone.has_crossing and alone.bbox == (50, 50, 60, 62)
    assert alone.size == 12
    np.testing.assert_array_equal(crossing.region, crossing_bars.any(axis=0))


def test_bars_that_touch_at_a_corner_are_one_cluster(bar):
    (cluster,) = find_clusters(np.stack([bar(0, 10, 0, 10), bar(10, 20, 10, 20)]))
    assert cluster.indices == (0, 1) and not cluster.has_crossing


@pytest.mark.parametrize(("width", "crosses"), [(3, False), (4, True)])
def test_a_crossing_counts_from_40_pixels_on(bar, width, crosses):
    masks = np.stack([bar(0, 10, 0, 30), bar(0, 40, 20, 20 + width)])
    assert (masks.all(axis=0)).sum() == 10 * width
    (cluster,) = find_clusters(masks)
    assert cluster.has_crossing is crosses


def test_crossing_clusters_must_fit_the_square(crossing_bars):
    assert len(crossing_clusters(crossing_bars, size=56)) == 1
    assert crossing_clusters(crossing_bars, size=55) == []


def test_an_image_without_instances_has_no_cluster():
    assert find_clusters(np.zeros((0, 9, 9), dtype=bool)) == []


def test_arms_that_a_crossing_separates_do_not_touch(crossing_bars):
    assert not is_touching(crossing_bars)


def test_arms_that_run_side_by_side_touch(crossing_bars, bar):
    beside = bar(36, 44, 28, 60) | bar(28, 44, 52, 60)  # lies against both bars
    assert is_touching(np.stack([crossing_bars[0], beside]))


def test_a_narrow_strip_is_no_touching(bar):
    """Along one side of the crossing, fewer than 10 pixels of the second bar share a part with the first."""
    cross = np.stack([bar(28, 36, 4, 60), bar(24, 36, 28, 36)])
    assert not is_touching(cross)


def test_cut_out_centres_the_cluster_and_blanks_the_rest(crossing_bars, bar):
    masks = np.stack([*crossing_bars, bar(50, 60, 50, 62)])
    image = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    (cluster,) = crossing_clusters(masks)
    cut, own = cut_out(image, masks, cluster, size=100)
    assert cut.shape == (100, 100) and own.shape == (2, 100, 100) and cut.dtype == np.float32
    rows, cols = np.nonzero(own.any(axis=0))
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (22, 77, 22, 77)
    region = own.any(axis=0)
    assert not cut[~region].any()
    np.testing.assert_array_equal(cut[region], image[cluster.region])
    np.testing.assert_array_equal(own[:, 18:82, 18:82], masks[:2])


def test_cut_out_at_the_border_of_an_image_that_is_smaller_than_the_square(bar):
    masks = np.stack([bar(0, 20, 0, 8), bar(6, 14, 0, 30)])
    (cluster,) = crossing_clusters(masks)
    _, own = cut_out(np.ones((64, 64), dtype=np.float32), masks, cluster, size=256)
    assert own.sum() == masks.sum()
