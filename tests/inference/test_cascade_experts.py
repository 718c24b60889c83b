"""Who draws the maps: a picture that looks like a stain with an expert is that expert's, every other the cascade's."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from drawn_cells import ThresholdNetwork, drawn_cascade
from torch import Tensor, nn

from chromseg.annotations import Sample
from chromseg.evaluation.judging import judge_metaphase
from chromseg.inference.cascade import CascadePredictor
from chromseg.inference.familiarity import MEASURES, StainLook, look_of
from chromseg.models.maps import Maps


class WideNetwork(nn.Module):
    """Chromosome is a pixel farther than it is."""

    def forward(self, x: Tensor) -> Maps:
        chromosome, crossing, _ = ThresholdNetwork()(x)
        return Maps(torch.nn.functional.max_pool2d(chromosome, 3, stride=1, padding=1), crossing, None)


@pytest.fixture(scope="module")
def bars() -> tuple[np.ndarray, np.ndarray]:
    """A grey picture uint8 (150, 200) of eight bars, and their masks bool (8, 150, 200)."""
    masks = np.zeros((8, 150, 200), dtype=bool)
    for index, mask in enumerate(masks):
        row, col = 20 + 60 * (index // 4), 20 + 45 * (index % 4)
        mask[row : row + 40 - index, col : col + 11] = True
    noise = np.random.default_rng(0).normal(0, 2, masks.shape[1:])
    return np.clip(np.where(masks.any(axis=0), 120, 220) + noise, 0, 255).astype(np.uint8), masks


def with_expert(bars: tuple[np.ndarray, np.ndarray], *, far: float) -> CascadePredictor:
    """A cascade with an expert for the stain that the bars look like, in units of the stain's reach `far` from it."""
    grey, masks = bars
    cascade = drawn_cascade(masks)
    page = cascade.look_at(_page(cascade, grey)).absorbance
    look = look_of(page, cascade.maps.find(page).masks, cascade.maps.find(page).scores)
    assert look is not None
    away = look.copy()
    away[0] += far
    known = StainLook(tuple(away), tuple(map(tuple, np.eye(len(MEASURES)))), 1.0)
    card = replace(cascade.card, looks={"q-band": asdict(known)})
    return replace(cascade, card=card, experts={"q-band": replace(cascade.maps, network=WideNetwork())})


def _page(cascade: CascadePredictor, grey: np.ndarray) -> np.ndarray:
    from chromseg.inference.asked import Asked

    return Asked("auto", "auto", 0, False, None).decode(grey).page(0)


def areas(cascade: CascadePredictor, grey: np.ndarray) -> np.ndarray:
    return np.array([instance.mask.sum() for instance in cascade.predict(grey).instances])


def test_a_picture_of_its_stain_is_the_experts(bars: tuple[np.ndarray, np.ndarray]) -> None:
    plain, expert = areas(drawn_cascade(bars[1]), bars[0]), areas(with_expert(bars, far=0.0), bars[0])
    assert len(plain) == len(expert) == 8 and (expert > 1.15 * plain).all(), "a pixel farther on every side"


def test_a_picture_that_looks_like_no_known_stain_is_the_cascades(bars: tuple[np.ndarray, np.ndarray]) -> None:
    assert (areas(with_expert(bars, far=1.5), bars[0]) == areas(drawn_cascade(bars[1]), bars[0])).all()


def test_the_expert_is_judged_where_it_answers(bars: tuple[np.ndarray, np.ndarray]) -> None:
    grey, masks = bars
    cascade = with_expert(bars, far=0.0)
    sample = Sample.from_masks(
        "bars", "drawn/1", "test", "metaphase", cascade.look_at(_page(cascade, grey)).absorbance, masks
    )
    judged = [judge_metaphase(who, sample).masks for who in (cascade, drawn_cascade(masks))]
    best = [scores.ious.max(axis=0) for scores in judged if scores is not None]
    assert best[0].max() < best[1].min(), "its outlines are a pixel too wide, which the score sees"


def test_its_outlines_are_those_that_sureness_is_fitted_by(bars: tuple[np.ndarray, np.ndarray]) -> None:
    cascade = with_expert(bars, far=0.0)
    absorbance = cascade.look_at(_page(cascade, bars[0])).absorbance
    found, seen, measures = cascade.measured(absorbance)
    assert seen.shape == absorbance.shape and len(measures) == len(found.masks) == 8
    assert (found.masks == cascade.find(absorbance).masks).all()


class Counted(nn.Module):
    """Another network that counts how often it is asked."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.asked = network, 0

    def forward(self, x: Tensor) -> Maps:
        self.asked += 1
        return self.network(x)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("far", "own", "experts"), [(0.0, 0, 2), (1.5, 2, 0)], ids=["its stain", "another"])
def test_what_the_detector_sees_decides_who_draws(
    bars: tuple[np.ndarray, np.ndarray], far: float, own: int, experts: int
) -> None:
    cascade = with_expert(bars, far=far)
    card = replace(cascade.maps.card, preprocessing={**cascade.maps.card.preprocessing, "half_turn": True})
    first, expert = Counted(ThresholdNetwork()), Counted(WideNetwork())
    maps = replace(cascade.maps, card=card, network=first)
    counted = replace(cascade, maps=maps, experts={"q-band": replace(maps, network=expert)})
    assert len(counted.predict(bars[0]).instances) == 8
    assert (first.asked, expert.asked) == (own, experts), "the picture and the picture turned, by who answers"
