import json

import numpy as np
import pytest
from PIL import Image

from chromseg.annotations import Dataset, ImageRecord, InstanceRecord, write_dataset
from chromseg.annotations.overlaps import OverlapRow, count_overlaps
from chromseg.annotations.summary import SplitCounts, draw_area_histogram, summarize


def test_counts_sizes_splits_and_areas(cells):
    summary = summarize(cells)
    assert (summary.images, summary.cases, summary.chromosomes, summary.unparted) == (2, 2, 4, 0)
    assert summary.splits == {"train": SplitCounts(1, 1, 3), "val": SplitCounts(0, 0, 0), "test": SplitCounts(1, 1, 1)}
    assert summary.width.least == summary.height.greatest == 64
    assert summary.per_image.median == 2
    assert (summary.area.least, summary.area.greatest) == (100, 448)  # bars of 10×10, 8×22 and twice 8×56
    assert summary.area.median == (448 + 176) / 2
    assert summary.categories == {"chromosome": 4} and summary.shared_cases == ()
    json.dumps(summary.to_json(), allow_nan=False)


def test_table_one_on_clusters_of_every_size(tmp_path, make_dataset, bar):
    """A long bar that 1, 2, 3, 4 and 5 short ones cross, a bar alone, and two that only touch."""
    long = bar(28, 36, 0, 64)
    shorts = [bar(20, 44, 12 * index, 12 * index + 6) for index in range(5)]
    images = [[long, *shorts[: count + 1]] for count in range(5)]
    images.append([bar(0, 8, 0, 30), bar(8, 16, 0, 30), bar(40, 50, 0, 10)])
    overlaps = count_overlaps(make_dataset(tmp_path / "set", images))
    total = 2 + 3 + 4 + 5 + 6 + 3
    assert overlaps.rows == (
        OverlapRow("2", 1, 2 / total),
        OverlapRow("3", 1, 3 / total),
        OverlapRow("4", 1, 4 / total),
        OverlapRow("5 or more", 2, 11 / total),
    )
    assert overlaps.share == pytest.approx(20 / total)
    assert (overlaps.crossing_clusters, overlaps.fitting, overlaps.touching) == (5, 5, 0)


def test_touching_arms_are_counted(tmp_path, make_dataset, crossing_bars, bar):
    beside = bar(36, 44, 28, 60) | bar(28, 44, 52, 60)
    overlaps = count_overlaps(make_dataset(tmp_path / "set", [[crossing_bars[0], beside], list(crossing_bars)]))
    assert (overlaps.crossing_clusters, overlaps.touching) == (2, 1)


def test_no_crossing_at_all(tmp_path, make_dataset, bar):
    overlaps = count_overlaps(make_dataset(tmp_path / "set", [[bar(0, 9, 0, 9)]]))
    assert overlaps.share == 0 and overlaps.crossing_clusters == 0


def test_boxes_alone_have_no_overlap_statistics(tmp_path, cells):
    boxes = tuple(InstanceRecord(n, 1, 1, [], (0.0, 0.0, 10.0, 5.0), 50.0) for n in (1, 2))
    dataset = Dataset(tmp_path / "boxes", cells.card, cells.images[:1], boxes, {1: "A1"})
    write_dataset(dataset, {1: np.zeros((64, 64), np.uint8)})
    summary = summarize(dataset)
    assert summary.overlaps is None and summary.area.median == 50


def test_maps_alone_count_crossings(tmp_path, cells, bar):
    records = (ImageRecord(1, "a.png", 64, 64, "a", "train"),)
    dataset = Dataset(tmp_path / "maps", cells.card, records, (), {1: "chromosome"})
    crossing = bar(0, 8, 0, 8) | bar(20, 28, 0, 8) | bar(40, 43, 0, 3)  # the last has only 9 pixels
    write_dataset(dataset, {1: np.zeros((64, 64), np.uint8)}, {1: (crossing, bar(0, 50, 0, 20))})
    summary = summarize(dataset)
    assert summary.overlaps.crossing_clusters == 2 and summary.overlaps.share is None
    assert summary.area is None and summary.chromosomes == 0


def test_crowds_are_counted_apart(tmp_path, make_dataset, bar):
    dataset = make_dataset(tmp_path / "set", [[bar(0, 9, 0, 9)], [bar(0, 20, 0, 20)]], crowds={1})
    summary = summarize(dataset)
    assert (summary.chromosomes, summary.unparted) == (1, 1)
    assert summary.area.greatest == 81


def test_a_case_in_two_splits_is_named(tmp_path, make_dataset, bar):
    bars = [[bar(0, 9, 0, 9)]] * 3
    dataset = make_dataset(tmp_path / "set", bars, splits=["train", "test", "val"], cases=["a", "a", "b"])
    assert summarize(dataset).shared_cases == ("a",)


def test_the_histogram_is_a_png_with_bars(tmp_path, cells):
    path = tmp_path / "out" / "areas.png"
    draw_area_histogram(cells, path)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert ((np.abs(colours.astype(int) - (0x48, 0x78, 0xA8))).max(axis=1) < 10).mean() > 0.005
