"""Anchors: the paper's, the defaults, and those fitted to boxes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tiny_detector import TINY

from chromseg.config import DetectorConfig
from chromseg.errors import ConfigError, DataError
from chromseg.models.ucrd_net import anchor_ious, cover_anchors, fit_anchors, with_fitted_anchors
from chromseg.models.ucrd_net.anchor_shapes import Anchors
from chromseg.models.ucrd_net.anchors import resolve_anchors


def boxes(*sides: tuple[float, float]) -> np.ndarray:
    return np.array([[3, 4, 3 + width, 4 + height] for width, height in sides], dtype=np.float32)


def test_the_papers_sizes_are_shared_out_among_the_levels() -> None:
    two = resolve_anchors(DetectorConfig("ucrd-net", levels=(2, 3), anchors="paper"))
    assert two.sizes == ((32, 64), (96, 128))
    assert len(two.ratios) == 9
    assert two.ratios[0] * two.ratios[-1] == pytest.approx(1)
    five = resolve_anchors(DetectorConfig("ucrd-net", anchors="paper"))
    assert five.sizes == ((32,), (64,), (96,), (128,), (512,))
    with pytest.raises(ConfigError, match="to share out four sizes"):
        resolve_anchors(DetectorConfig("ucrd-net", levels=(2, 3, 4), anchors="paper"))


def test_default_sizes_stay_on_their_level() -> None:
    assert resolve_anchors(DetectorConfig("ucrd-net")).sizes == ((32,), (64,), (128,), (256,), (512,))
    assert resolve_anchors(DetectorConfig("ucrd-net", levels=(2, 3))).sizes == ((32,), (64,))


def test_fitted_sizes_are_quantiles() -> None:
    """Squares of side 10, 20, …, 100: the quarter and three-quarter quantiles."""
    fitted = fit_anchors(boxes(*[(10 * k, 10 * k) for k in range(1, 11)]), (2, 3))
    assert fitted.sizes == ((32.5,), (77.5,))
    assert fitted.ratios == (1, 1, 1, 1, 1)


def test_levels_too_coarse_for_the_boxes_keep_their_default() -> None:
    """Boxes of side 40: P2 and P3 have strides of a tenth and a fifth of that, P4 of four tenths."""
    fitted = fit_anchors(boxes(*[(40, 40)] * 9), (2, 3, 4, 5, 6))
    assert fitted.sizes == ((40,), (40,), (128,), (256,), (512,))
    assert fit_anchors(boxes((8, 8)), (2, 3)).sizes == ((8,), (64,))


def test_fitted_ratios_mirror_each_other() -> None:
    shapes = boxes((10, 20), (20, 10), (10, 40), (10, 10))
    ratios = fit_anchors(shapes, (2, 3)).ratios
    assert ratios[2] == 1
    assert [a * b for a, b in zip(ratios, reversed(ratios), strict=True)] == pytest.approx([1] * 5, abs=5e-3)
    assert list(ratios) == sorted(ratios)
    turned = fit_anchors(shapes[:, [1, 0, 3, 2]], (2, 3))
    assert turned.ratios == ratios


def test_fitted_anchors_cover_boxes_better_than_the_papers() -> None:
    rng = np.random.default_rng(0)
    shapes = boxes(*rng.uniform((11, 11), (45, 60), (300, 2)).tolist())
    fitted, paper = fit_anchors(shapes, (2, 3)), Anchors(((32, 64), (96, 128)), (0.2, 0.25, 1 / 3, 0.5, 1, 2, 3, 4, 5))
    assert anchor_ious(shapes, fitted).mean() > 0.7 > anchor_ious(shapes, paper).mean()


def test_covering_anchors_leave_no_large_box_without_one() -> None:
    """Nine in ten boxes are small; quantiles forget the large ones, coverage does not."""
    rng = np.random.default_rng(0)
    small, large = rng.uniform((16, 16), (34, 40), (900, 2)), rng.uniform((60, 70), (90, 100), (100, 2))
    shapes = boxes(*np.concatenate([small, large]).tolist())
    by_quantiles, covering = (anchor_ious(shapes, fit(shapes, (2, 3))) for fit in (fit_anchors, cover_anchors))
    assert (by_quantiles[900:] >= 0.5).mean() < 0.1
    assert (covering[900:] >= 0.5).all() and (covering >= 0.7).mean() > 0.7


def test_covering_anchors_are_dealt_to_the_levels_and_mirror_each_other() -> None:
    shapes = boxes(*[(10 * k, 15 * k) for k in range(1, 11)], *[(15 * k, 10 * k) for k in range(1, 11)])
    sizes, ratios = cover_anchors(shapes, (2, 3, 6), sizes=2, ratios=3)
    assert [len(each) for each in sizes] == [2, 2, 2]
    assert sizes[2] == (512, 512) and list(sizes[0] + sizes[1]) == sorted(sizes[0] + sizes[1])
    assert len(ratios) == 3 and ratios[0] * ratios[2] == pytest.approx(1, abs=5e-3)
    with pytest.raises(DataError, match="no box"):
        cover_anchors(np.zeros((0, 4)), (2, 3))
    config = dataclasses.replace(TINY, anchors="coverage", anchor_sizes=(), anchor_ratios=())
    filled = with_fitted_anchors(config, shapes)
    assert resolve_anchors(filled) == cover_anchors(shapes, TINY.levels)


def test_best_iou_by_hand() -> None:
    anchors = Anchors(((20.0,),), (1.0, 4.0))  # 20×20 and 10 wide, 40 high
    assert anchor_ious(boxes((20, 20), (10, 40), (40, 10)), anchors).tolist() == pytest.approx([1, 1, 200 / 600])
    assert anchor_ious(np.zeros((0, 4)), anchors).shape == (0,)


def test_numbers_are_filled_in_once() -> None:
    empty = dataclasses.replace(TINY, anchor_sizes=(), anchor_ratios=())
    filled = with_fitted_anchors(empty, boxes((20, 20), (30, 30), (0, 9)))
    assert len(filled.anchor_sizes) == 2
    resolve_anchors(filled)
    assert with_fitted_anchors(filled, boxes((90, 90))) is filled
    assert with_fitted_anchors(DetectorConfig("ucrd-net"), boxes((90, 90))) == DetectorConfig("ucrd-net")
    with pytest.raises(DataError, match="no box"):
        with_fitted_anchors(empty, np.zeros((0, 4)))
