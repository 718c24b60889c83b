"""The picture's edges decide how far chromosomes reach."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from chromseg.inference.edges import edge_threshold
from chromseg.inference.postprocess import PostprocessSettings, binarize


def drawn(darkness: float = 0.8, ground: float = 0.0, bars: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Bars of 11×60 px, far from each other, and their picture with soft edges."""
    truth = np.zeros((40 * bars, 100), bool)
    for bar in range(bars):
        truth[40 * bar + 14 : 40 * bar + 25, 20:80] = True
    picture = ground + (darkness - ground) * ndimage.gaussian_filter(truth.astype(float), 1.5)
    return truth, picture.astype(np.float32)


def unsure(truth: np.ndarray, pixels: float) -> np.ndarray:
    """Probabilities of a network that draws its outline at 0.6 so many pixels outside the true one."""
    distance = ndimage.distance_transform_edt(~truth) - ndimage.distance_transform_edt(truth)
    distance -= 0.5 * np.sign(distance)
    return (1 / (1 + np.exp(distance - pixels - np.log(1.5)))).astype(np.float32)


def area_ratio(pixels: float, level: float = 0.5, **drawing: float) -> float:
    truth, picture = drawn(**drawing)
    probability = unsure(truth, pixels)
    return float((probability >= edge_threshold(probability, picture, 0.6, level)).sum() / truth.sum())


@pytest.mark.parametrize("pixels", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("darkness", [0.2, 0.9])
@pytest.mark.parametrize("ground", [0.0, 0.1])
def test_a_network_too_bold_or_too_shy_is_put_right(pixels: float, darkness: float, ground: float) -> None:
    truth, _ = drawn()
    assert abs((unsure(truth, pixels) >= 0.6).sum() / truth.sum() - 1) == pytest.approx(abs(pixels) * 0.2, abs=0.06)
    assert area_ratio(pixels, darkness=darkness, ground=ground) == pytest.approx(1, abs=0.04)


def test_a_lower_level_reaches_farther() -> None:
    ratios = [area_ratio(0.0, level) for level in (0.2, 0.5, 0.8)]
    assert ratios[0] > ratios[1] + 0.1 > ratios[2] + 0.2


def test_an_edge_corrects_but_does_not_overrule() -> None:
    truth, picture = drawn()
    probability = np.where(truth, np.float32(0.7), np.float32(0.1))  # no threshold between gives anything else
    assert edge_threshold(probability, picture, 0.6, 0.01) == pytest.approx(0.3)
    assert edge_threshold(unsure(truth, 1.5), picture, 0.6, 0.99) == pytest.approx(0.9)


@pytest.mark.parametrize("drawing", [{"bars": 4}, {"darkness": 0.05}])
def test_without_edges_enough_the_network_is_believed(drawing: dict[str, float]) -> None:
    truth, picture = drawn(**drawing)
    assert edge_threshold(unsure(truth, 1.0), picture, 0.6, 0.4) == 0.6


def test_nothing_found_is_no_error() -> None:
    empty = np.zeros((50, 60), np.float32)
    assert edge_threshold(empty, empty, 0.6, 0.4) == 0.6


def test_the_map_is_drawn_at_that_threshold_if_it_is_asked_for() -> None:
    truth, picture = drawn()
    both = np.stack([unsure(truth, 1.0), np.zeros_like(picture)])
    areas = [binarize(both, PostprocessSettings(edge=edge), picture).chromosome.sum() for edge in (0.0, 0.5)]
    assert areas[0] == (both[0] >= 0.6).sum()
    assert areas[1] == pytest.approx(truth.sum(), rel=0.04)
    assert binarize(both, PostprocessSettings(edge=0.5)).chromosome.sum() == areas[0]  # no picture, no edges
