"""Training beside pixels that are to be ignored: no crop learns from them, and where there are none nothing changes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tiny_detector import TINY

from chromseg.annotations import Sample
from chromseg.config import AugmentConfig, DetectorConfig, LossConfig, ModelConfig, TrainConfig
from chromseg.models import Maps, build_model
from chromseg.models.ucrd_net import Detections
from chromseg.training.datasets import TrainingSet, free_singles
from chromseg.training.instance_task import InstanceTask
from chromseg.training.instances import InstanceSet
from chromseg.training.map_task import MapTask
from chromseg.training.places import places_of
from chromseg.training.survey import Survey

MAPS = ("chromosome", "crossing", "contact")


def sample(ignored: np.ndarray | None = None) -> Sample:
    """A cross of two bars and a single, 96×96, and right of it a bar of which nothing is known."""
    masks = np.zeros((3, 96, 96), dtype=bool)
    masks[0, 40:50, 20:60] = masks[1, 20:70, 40:50] = masks[2, 78:88, 12:40] = True
    image = np.minimum(masks.sum(axis=0) * 0.2 + 0.2 * masks.any(axis=0), 0.6).astype(np.float32)
    image[UNKNOWN] = 0.5
    return dataclasses.replace(Sample.from_masks("a", "1", "train", "metaphase", image, masks), ignored=ignored)


UNKNOWN = np.zeros((96, 96), dtype=bool)
UNKNOWN[70:94, 75:85] = True
GROUND = np.zeros((96, 96), dtype=bool)
GROUND[2:8, 2:90] = True


def config(**changes: object) -> TrainConfig:
    plain = TrainConfig(model=ModelConfig("unet"), crop=64, augment=AugmentConfig(paste=1.0, rotation=180))
    return dataclasses.replace(plain, **changes)


@pytest.mark.parametrize("fine", [1, 2])
def test_crops_carry_what_is_ignored_along_and_are_otherwise_the_same(fine: int) -> None:
    used = config(model=ModelConfig("unet", fine=fine), crop=64 // fine)
    plain, ignoring = TrainingSet([sample()], used, seed=1), TrainingSet([sample(GROUND)], used, seed=1)
    seen = 0
    for index in range(10):
        item, other = plain[index], ignoring[index]
        assert "ignored" not in item
        assert all(torch.equal(item[name], other[name]) for name in ("image", *MAPS))
        assert other["ignored"].shape == other["chromosome"].shape
        seen += bool(other["ignored"].any())
    assert seen


@pytest.mark.parametrize("family", ["maps", "detector"])
def test_where_nothing_is_ignored_training_gives_the_same_weights_to_the_bit(family: str) -> None:
    task = MapTask() if family == "maps" else InstanceTask()
    model = ModelConfig("unet", contact=True) if family == "maps" else TINY
    used = config(model=model, loss=LossConfig(overlap=0.5, contact=2.0, contact_overlap=0.25, gap=4.0))
    results = []
    for each in (sample(), sample(np.zeros_like(UNKNOWN)), sample(UNKNOWN)):
        torch.manual_seed(0)
        network = build_model(model)
        objective, items = task.objective(network, used), task.dataset([each], used, 0)
        steps = torch.optim.Adam(network.parameters(), 1e-3)
        for start in (0, 2):
            steps.zero_grad()
            objective(task.collate([items[start], items[start + 1]]))["loss"].backward()
            steps.step()
        results.append(torch.cat([weight.detach().flatten() for weight in network.parameters()]))
    plain, nothing, something = results
    assert torch.equal(plain, nothing) and not torch.equal(plain, something)


def test_with_a_sample_of_which_all_is_known_batches_stay_of_one_form() -> None:
    mixed = TrainingSet([sample(), sample(UNKNOWN)], config(), seed=0)
    batch = MapTask().collate([mixed[index] for index in range(8)])
    assert batch["ignored"].shape == (8, 1, 64, 64) and 0 < batch["ignored"].mean() < 0.2


def test_no_crop_is_centred_on_what_is_ignored_as_if_it_were_debris() -> None:
    blank = np.zeros((96, 96), dtype=bool)
    assert len(places_of(sample(), blank).decoys)
    assert not len(places_of(sample(UNKNOWN), blank).decoys)


def test_a_single_beside_what_is_ignored_is_not_pasted() -> None:
    own = sample()
    assert own.masks is not None
    assert len(free_singles(own.image, own.masks)) == 1
    beside = np.zeros((96, 96), dtype=bool)
    beside[78:88, 42:50] = True
    assert not free_singles(own.image, own.masks, ignored=beside)


def test_validation_leaves_ignored_pixels_out() -> None:
    """A network that sees every dark pixel rightly is right, and one that errs there alone is too."""

    class Dark(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> Maps:
            return Maps(20 * (image - 0.1), 20 * (image - 0.55), None)

    task, used = MapTask(), config()
    loss, crossing, chromosome = task.judge(Dark(), sample(), used, torch.device("cpu"))
    assert crossing == 1 and chromosome is not None and chromosome < 0.9
    better, crossing, chromosome = task.judge(Dark(), sample(UNKNOWN), used, torch.device("cpu"))
    assert (crossing, chromosome) == (1, 1) and better < loss


def test_the_fingerprint_of_samples_moves_with_what_is_ignored_and_only_with_that() -> None:
    def fingerprint(*samples: Sample) -> str:
        survey = Survey()
        list(survey.watch(samples))
        return survey.fingerprint

    assert fingerprint(sample()) == fingerprint(sample()) != fingerprint(sample(UNKNOWN))


def test_a_network_of_maps_learns_nothing_from_ignored_pixels() -> None:
    """Whatever is taken for the truth there, loss and gradients are the same."""
    torch.manual_seed(0)
    network = build_model(ModelConfig("unet", contact=True))
    objective = MapTask().objective(network, config())
    item = TrainingSet([sample(UNKNOWN)], config(crop=128, augment=AugmentConfig()), seed=2)
    batch = MapTask().collate([item[index] for index in range(4)])
    assert batch["ignored"].any()

    def learned(batch: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        network.zero_grad()
        objective(batch)["loss"].backward()
        return [weight.grad.clone() for weight in network.parameters() if weight.grad is not None]

    other = batch | {name: torch.where(batch["ignored"] > 0, 1 - batch[name], batch[name]) for name in MAPS}
    assert all(torch.equal(one, two) for one, two in zip(learned(batch), learned(other), strict=True))
    moved = batch | {"chromosome": torch.where(batch["ignored"] > 0, batch["chromosome"], 1 - batch["chromosome"])}
    assert any(not torch.equal(one, two) for one, two in zip(learned(batch), learned(moved), strict=True))


def test_a_detector_gets_what_is_ignored_in_the_pixels_of_its_crop() -> None:
    used = config(model=DetectorConfig("ucrd-net"), crop=0, augment=AugmentConfig(rotation=0, scale=0, flip=True))
    (plain, ignoring) = (InstanceSet([each], used, seed=3) for each in (sample(), sample(UNKNOWN)))
    for index in range(4):
        item, other = plain[index], ignoring[index]
        assert item["target"].ignored is None and torch.equal(item["image"], other["image"])
        dark = other["image"][0] > 0.25
        on = other["target"].ignored.bool()
        known = other["target"].masks.bool().any(dim=0)
        assert on.any() and not (dark & ~known & ~on).any(), "all that is dark is known or ignored"


def test_a_detector_is_not_judged_by_what_it_finds_where_nothing_is_known() -> None:
    class Finds(torch.nn.Module):
        def detect(self, images: list[torch.Tensor]) -> list[Detections]:
            boxes = torch.tensor([[12.0, 78, 40, 88], [75.0, 70, 85, 94]])
            sure = torch.tensor([0.6, 0.9])
            return [Detections(boxes, torch.ones(2, dtype=torch.int64), sure, sure, None, torch.ones(2, 28, 28))]

    task, used = InstanceTask(), config(model=DetectorConfig("ucrd-net"))
    single = dataclasses.replace(sample(UNKNOWN), masks=sample(UNKNOWN).masks[2:])
    boxes, labels = np.array([[12, 78, 40, 88]], dtype=np.float32), np.array([1])
    boxed = Sample.from_boxes("b", "1", "val", single.image, boxes, labels)
    for known, count in ((single, 1), (dataclasses.replace(boxed, ignored=UNKNOWN), 1), (boxed, 2)):
        score = task.judge(Finds(), task.kept(known), used, torch.device("cpu"))
        assert (score.count, score.edits) == (count, count - 1)
