"""From pixels to instances and back, with a network that is a threshold, so that every answer is known."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_cells import ThresholdNetwork, drawn_cell, threshold_predictor
from PIL import Image
from torch import Tensor, nn

from chromseg.config import ModelConfig
from chromseg.errors import InputRefusedError
from chromseg.images.pictures import read_picture
from chromseg.inference.batch import Job
from chromseg.inference.files import FolderWorker, PictureWorker
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.inference.predictor import Predictor
from chromseg.models.maps import Maps
from chromseg.models.package import read_card, write_card
from chromseg.validation import ImageLimits


@pytest.fixture
def predictor() -> Predictor:
    return threshold_predictor()


def iou_of_best(masks: list[np.ndarray], target: np.ndarray) -> float:
    return max((mask & target).sum() / (mask | target).sum() for mask in masks)


def test_cross_and_singles_come_out_whole(predictor: Predictor) -> None:
    picture, masks = drawn_cell()
    result = predictor.predict(picture)
    found = [instance.mask for instance in result.instances]
    assert len(found) == 4 and result.polarity == "dark-on-light" and result.scale == 1.0
    for target in masks:
        assert iou_of_best(found, target) > 0.9
    assert (found[0] & found[1]).sum() >= 80, "the crossing belongs to both"


def test_instance_fields_agree_with_the_mask(predictor: Predictor) -> None:
    instance = predictor.predict(drawn_cell()[0]).instances[-1]
    x0, y0, x1, y1 = instance.bbox
    assert instance.mask[y0:y1, x0:x1].sum() == instance.mask.sum()
    assert instance.crop.shape == (y1 - y0 + 10, x1 - x0 + 10) and instance.crop.dtype == np.uint8
    assert (instance.crop[:5] == 255).all() and instance.crop[8, 8] < 200
    assert 0 < instance.score <= 1 and instance.uncertainty is None


def test_inverted_picture_gives_the_same_masks(predictor: Predictor) -> None:
    picture, _ = drawn_cell()
    dark, light = predictor.predict(picture), predictor.predict(255 - picture)
    assert light.polarity == "light-on-dark"
    for one, other in zip(dark.instances, light.instances, strict=True):
        assert (one.mask == other.mask).mean() > 0.999


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_other_scales_are_found_and_mapped_back(predictor: Predictor, factor: float) -> None:
    picture, masks = drawn_cell()
    size = int(picture.shape[0] * factor)
    other = np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC))
    result = predictor.predict(other)
    assert result.scale == pytest.approx(1 / factor, rel=0.25)
    found = [instance.mask for instance in result.instances]
    assert len(found) == 4 and found[0].shape == (size, size)
    for target in masks:
        scaled = np.asarray(Image.fromarray(target).resize((size, size), Image.Resampling.NEAREST))
        assert iou_of_best(found, scaled) > 0.75


def test_given_polarity_and_scale_are_used(predictor: Predictor) -> None:
    result = predictor.predict(drawn_cell()[0], polarity="dark-on-light", scale=1.25)
    assert result.scale == 1.25 and len(result.instances) == 4


def test_sixteen_bits_give_the_same(predictor: Predictor) -> None:
    picture, _ = drawn_cell()
    deep = predictor.predict(picture.astype(np.uint16) * 16)
    for one, other in zip(predictor.predict(picture).instances, deep.instances, strict=True):
        np.testing.assert_array_equal(one.mask, other.mask)


def test_bytes_path_and_array_agree(predictor: Predictor, tmp_path: Path) -> None:
    picture, _ = drawn_cell()
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    (tmp_path / "cell.png").write_bytes(stream.getvalue())
    results = [predictor.predict(source) for source in (picture, stream.getvalue(), str(tmp_path / "cell.png"))]
    assert results[1].image_sha256 == results[2].image_sha256
    assert {len(result.instances) for result in results} == {4}


def test_what_is_no_picture_in_python_is_named(predictor: Predictor) -> None:
    with pytest.raises(InputRefusedError, match="is a Python int; expected a path"):
        predictor.predict(5)  # type: ignore[arg-type]


def test_the_limits_in_the_card_judge_the_picture(make_model: Callable[..., Path]) -> None:
    folder = make_model("strict")
    assert predictor_from_folder(folder).limits == ImageLimits(), "a card that names none"
    write_card(folder, dataclasses.replace(read_card(folder), input={"min_side": 300}))
    strict = predictor_from_folder(folder)
    assert strict.limits == dataclasses.replace(ImageLimits(), min_side=300)
    with pytest.raises(InputRefusedError, match="rule not-too-small"):
        strict.predict(drawn_cell()[0])
    jobs = [Job(folder / name, folder / "out") for name in ("a.png", "b.png")]
    for job in jobs:
        Image.fromarray(drawn_cell()[0]).save(job.source)
    with pytest.raises(InputRefusedError, match="rule not-too-small"):
        FolderWorker(PictureWorker(strict), jobs)(jobs[0])


def test_page_out_of_range_is_refused(predictor: Predictor) -> None:
    with pytest.raises(InputRefusedError, match="page 3 of a file of 1"):
        predictor.predict(drawn_cell()[0], page=3)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.zeros((200, 200), np.uint8), "blank"),
        (np.full((200, 200), 255, np.uint8), "blank"),
        (np.full((1, 1), 9, np.uint8), "too small"),
        (np.where(np.arange(40000).reshape(200, 200) % 7, 0.5, np.nan).astype(np.float32), "not numbers"),
        (np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8), "colour"),
    ],
    ids=["black", "white", "1×1", "NaN", "colour noise"],
)
def test_what_is_no_micrograph_is_refused_with_the_reason(
    predictor: Predictor, picture: np.ndarray, reason: str
) -> None:
    with pytest.raises(InputRefusedError, match=reason):
        predictor.predict(picture)


def test_prediction_is_deterministic(predictor: Predictor) -> None:
    first, second = (predictor.predict(drawn_cell()[0]) for _ in range(2))
    for one, other in zip(first.instances, second.instances, strict=True):
        assert one.score == other.score
        np.testing.assert_array_equal(one.mask, other.mask)


def test_probabilities_are_sigmoids_in_order(predictor: Predictor) -> None:
    probabilities = predictor.infer(np.full((8, 8), 0.25, np.float32))
    assert probabilities.shape == (2, 8, 8)
    assert probabilities[0, 0, 0] == pytest.approx(0.5)
    assert probabilities[1, 0, 0] == pytest.approx(torch.sigmoid(torch.tensor(-22.0)).item())


class SlantedNetwork(nn.Module):
    """Its answer grows from left to right, whatever it is shown: it can tell a picture from the same turned."""

    def forward(self, x: Tensor) -> Maps:
        slant = torch.linspace(-2, 2, x.shape[-1]).expand(x.shape)
        return Maps(slant + x, slant, None)


def test_a_large_picture_is_seen_upright_alone() -> None:
    predictor = threshold_predictor()
    card = dataclasses.replace(predictor.card, preprocessing={"half_turn": True})
    predictor = dataclasses.replace(predictor, card=card, network=SlantedNetwork())
    for rows, turned in ((1870, True), (1880, False)):
        drawn = predictor.infer(np.zeros((rows, 2000), np.float32))[0, 0]
        assert (drawn[0] == drawn[-1]) == turned


@pytest.mark.parametrize(("fine", "most"), [(1, 2.0), (2, 4.5)])
def test_a_network_may_see_so_many_pixels_however_finer_than_its_maps_they_are(fine: int, most: float) -> None:
    predictor = threshold_predictor()
    card = dataclasses.replace(predictor.card, architecture=ModelConfig("unet", fine=fine))
    predictor = dataclasses.replace(predictor, card=card)
    side = math.sqrt(most * 1e6)
    small, large = (read_picture(drawn_cell(round(each * side))[0]).page(0) for each in (0.99, 1.01))
    assert predictor.look_at(small, scale=1.0).factor == 1.0
    with pytest.raises(InputRefusedError, match=f"expected at most {most:g} megapixels"):
        predictor.look_at(large, scale=1.0)


@pytest.mark.parametrize("half_turn", [True, False])
def test_half_turn_makes_the_answer_the_same_from_either_side(predictor: Predictor, half_turn: bool) -> None:
    card = dataclasses.replace(predictor.card, preprocessing={"half_turn": half_turn})
    own = dataclasses.replace(predictor, card=card, network=SlantedNetwork())  # type: ignore[call-arg]
    picture = np.random.default_rng(0).random((12, 10), dtype=np.float32)
    turned = own.infer(np.ascontiguousarray(picture[::-1, ::-1]))[:, ::-1, ::-1]
    assert np.allclose(own.infer(picture), turned, atol=1e-6) == half_turn


@pytest.mark.parametrize(("tone", "same"), [(0.0, False), (0.4, True)])
def test_with_a_tone_pale_and_dark_pictures_are_one_to_the_network(
    predictor: Predictor, tone: float, same: bool
) -> None:
    card = dataclasses.replace(predictor.card, preprocessing={"tone": tone})
    own = dataclasses.replace(predictor, card=card)
    dark = np.zeros((40, 60), np.float32)
    dark[10:18, 5:50] = 0.6
    pale = dark / 2
    assert np.allclose(own.infer(dark), own.infer(pale), atol=1e-6) == same


def test_empty_ground_around_the_chromosomes_is_not_shown_to_the_network(predictor: Predictor) -> None:
    shown: list[torch.Size] = []

    class Shown(ThresholdNetwork):
        def forward(self, x: Tensor) -> Maps:
            shown.append(x.shape)
            return super().forward(x)

    toned, plain = (
        dataclasses.replace(
            predictor,
            card=dataclasses.replace(predictor.card, preprocessing={"tone": tone, "half_turn": True}),
            network=Shown(),  # type: ignore[call-arg]
        )
        for tone in (0.4, 0.0)
    )
    picture = np.zeros((400, 600), np.float32)
    picture[150:158, 205:250] = 0.4
    np.testing.assert_array_equal(toned.infer(picture)[:, 120:190, 175:280], plain.infer(picture)[:, 120:190, 175:280])
    assert toned.infer(picture).shape == (2, 400, 600)
    whole = torch.Size([1, 1, 400, 600])
    assert shown.count(whole) == 2 and max(shape.numel() for shape in shown if shape != whole) < 0.1 * whole.numel()


def test_what_an_older_card_does_not_know_is_off(predictor: Predictor) -> None:
    assert isinstance(predictor, MapPredictor)
    old = dataclasses.asdict(PostprocessSettings(mean=0.5))
    del old["smooth_chromosome"], old["max_apart"]
    card = dataclasses.replace(predictor.card, preprocessing={"postprocess": old})
    settings = dataclasses.replace(predictor, card=card).postprocess
    assert (settings.mean, settings.smooth_chromosome, settings.max_apart) == (0.5, 0.0, 0.0)
    plain = dataclasses.replace(predictor.card, preprocessing={})
    assert dataclasses.replace(predictor, card=plain).postprocess == PostprocessSettings()
