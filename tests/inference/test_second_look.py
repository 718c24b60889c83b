"""A width that was estimated wrongly shows in what the network sees, and the picture is looked at again."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from drawn_cells import WIDTH, drawn_cascade, recalling_predictor, threshold_predictor
from torch import Tensor, nn

from chromseg.arrays import F32, Bool
from chromseg.images.scale import resize_mask
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.prepared import CloserLook, Enlarged
from chromseg.metrics import mask_ious
from chromseg.models.maps import Maps


def field(width: int) -> tuple[F32, Bool]:
    """Ten bars on a ground, absorbance float32 (H, W), and their masks bool (10, H, W)."""
    length, step = 6 * width, 8 * width
    masks = np.zeros((10, 2 * step, 5 * step), dtype=bool)
    for index, mask in enumerate(masks):
        row, col = divmod(index, 5)
        mask[row * step + width : row * step + 2 * width, col * step + width : col * step + width + length] = True
    return np.where(masks.any(axis=0), np.float32(0.5), np.float32(0.02)), masks


class SeesNoCrossing(nn.Module):
    """Chromosome is what absorbs."""

    def forward(self, x: Tensor) -> Maps:
        return Maps(40 * (x - 0.25), x - 10, None)


class SizesShown(SeesNoCrossing):
    """And remembers how wide the pictures were."""

    def __init__(self) -> None:
        super().__init__()
        self.widths: list[int] = []

    def forward(self, x: Tensor) -> Maps:
        self.widths.append(x.shape[-1])
        return super().forward(x)


@pytest.fixture
def scaled() -> MapPredictor:
    own = threshold_predictor()
    return replace(own, card=replace(own.card, preprocessing={"scaled": True}), network=SeesNoCrossing())


@pytest.mark.parametrize("width", [7, 18])
def test_a_picture_at_a_wrong_scale_is_looked_at_again(scaled: MapPredictor, width: int) -> None:
    picture, masks = field(width)
    seen = scaled.found_width(scaled.look(picture))
    assert seen == pytest.approx(width, rel=0.15)
    found = scaled.find(picture)
    assert found.closer == pytest.approx(WIDTH / seen) and found.masks.shape[2] == round(
        picture.shape[1] * found.closer
    )
    truth = np.array([resize_mask(mask, found.masks.shape[1:]) for mask in masks])
    assert (mask_ious(found.masks, truth).max(axis=0) > 0.8).all() and len(found.masks) == 10
    (remainder,) = scaled.begin([picture])
    np.testing.assert_array_equal(remainder().masks, found.masks)
    assert remainder().closer == found.closer


@pytest.mark.parametrize("width", [7, 18])
@pytest.mark.parametrize("alone", [True, False], ids=["a detector", "a cascade, by what its detector sees"])
def test_a_detector_says_at_which_scale_to_look(width: int, alone: bool) -> None:
    picture, masks = field(width)
    preprocessing = {"scaled": True}
    detector = recalling_predictor(masks)
    detector = replace(detector, card=replace(detector.card, preprocessing=preprocessing))
    cascade = drawn_cascade(masks)
    card = replace(cascade.card, preprocessing=preprocessing)
    network = SizesShown()
    both = replace(cascade, card=card, maps=replace(cascade.maps, card=card, network=network), detector=detector)
    found = (detector if alone else both).find(picture)
    assert found.closer == pytest.approx(WIDTH / width, rel=0.15) and len(found.masks) == 10
    truth = np.array([resize_mask(mask, found.masks.shape[1:]) for mask in masks])
    assert (mask_ious(found.masks, truth).max(axis=0) > 0.8).all()
    assert alone or network.widths == [found.masks.shape[2]], "the maps are asked once, at that scale"


@pytest.mark.parametrize("family", ["maps", "detector", "cascade"])
def test_a_second_look_that_is_too_large_to_be_taken_at_once_is_left(scaled: MapPredictor, family: str) -> None:
    picture, masks = field(7)
    families = {"maps": scaled, "detector": recalling_predictor(masks), "cascade": drawn_cascade(masks)}
    predictor = families[family]
    predictor = replace(predictor, card=replace(predictor.card, preprocessing={"scaled": True}))
    expected = predictor.find(picture)
    assert expected.closer > 1
    (small,) = predictor.begin([picture], picture.size * 5)
    (left,) = predictor.begin([picture], picture.size)
    assert isinstance(left, CloserLook) and not isinstance(small, CloserLook)
    (again,) = predictor.begin([left.picture], 0)
    assert not isinstance(again, CloserLook)
    for remainder in (small, pickle.loads(pickle.dumps(Enlarged(again, left.closer)))):
        found = remainder()
        np.testing.assert_array_equal(found.masks, expected.masks)
        assert (found.closer, found.scores) == (expected.closer, expected.scores)


@pytest.mark.parametrize("width", [10, 12])
def test_one_look_is_enough_near_the_right_scale(scaled: MapPredictor, width: int) -> None:
    found = scaled.find(field(width)[0])
    assert found.closer == 1.0 and found.masks.shape[1:] == field(width)[0].shape


def test_a_model_of_any_width_and_a_handful_of_chromosomes_give_no_reason_to_look_again(scaled: MapPredictor) -> None:
    picture, _ = field(7)
    assert threshold_predictor().find(picture).closer == 1.0
    few = picture[: picture.shape[0] // 2]
    assert scaled.found_width(scaled.look(few)) is None and scaled.find(few).closer == 1.0


def test_the_result_tells_the_scale_that_was_looked_at_last(scaled: MapPredictor) -> None:
    _, masks = field(14)
    grey = np.where(masks.any(axis=0), 120, 220) + np.random.default_rng(0).normal(0, 2, masks.shape[1:])
    result = scaled.predict(grey.astype(np.uint8), scale=0.5)
    assert result.scale == pytest.approx(WIDTH / 14, rel=0.15)
    found = np.array([instance.mask for instance in result.instances])
    assert (mask_ious(found, masks).max(axis=0) > 0.8).all() and len(found) == 10
