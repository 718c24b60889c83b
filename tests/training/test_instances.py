"""Instance crops: boxes, classes and masks follow what the image shows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from chromseg.annotations import Sample
from chromseg.boxes import boxes_of
from chromseg.config import AugmentConfig, DetectorConfig, ModelConfig, OptimConfig, Share, TrainConfig
from chromseg.errors import DataError
from chromseg.models.ucrd_net import Target
from chromseg.training.datasets import TrainingSet
from chromseg.training.instances import InstanceSet, scaling

MODEL = DetectorConfig("ucrd-net")


def bars(height: int = 96, width: int = 120) -> Sample:
    """Two bars that cross and one alone, each of its own brightness, so that a pixel tells whose it is."""
    masks = np.zeros((3, height, width), dtype=bool)
    masks[0, 40:50, 20:70] = masks[1, 20:70, 40:50] = masks[2, 78:88, 12:40] = True
    image = np.maximum.reduce([mask * np.float32(light) for mask, light in zip(masks, (0.4, 0.6, 0.8), strict=True)])
    return Sample.from_masks("a", "1", "train", "metaphase", image.astype(np.float32), masks)


def boxed(height: int = 96, width: int = 120) -> Sample:
    """The same with boxes only, of classes 3, 7 and 24."""
    sample = bars(height, width)
    assert sample.masks is not None
    boxes, labels = boxes_of(sample.masks).astype(np.float32), np.array([3, 7, 24])
    return Sample.from_boxes("b", "1", "train", sample.image, boxes, labels)


def config(crop: int = 64, model: DetectorConfig = MODEL, **augment: float) -> TrainConfig:
    return TrainConfig(model, crop=crop, augment=AugmentConfig(**({"rotation": 0.0, "flip": False} | augment)))


def item(sample: Sample, own: TrainConfig, epoch: int = 0) -> tuple[np.ndarray, Target]:
    dataset = InstanceSet([sample], own, seed=0)
    dataset.set_epoch(epoch)
    made = dataset[0]
    return made["image"][0].numpy(), made["target"]


def test_a_whole_image_without_changes_is_the_sample() -> None:
    sample = bars()
    assert sample.masks is not None
    image, target = item(sample, config(crop=0))
    np.testing.assert_allclose(image, sample.image, atol=0.003)
    assert target.masks is not None and target.masks.dtype == torch.uint8
    np.testing.assert_array_equal(target.masks.numpy().astype(bool), sample.masks)
    np.testing.assert_array_equal(target.boxes.numpy(), boxes_of(sample.masks))
    assert target.labels.tolist() == [1, 1, 1] and target.boxes.dtype == torch.float32


@pytest.mark.parametrize("crop", [0, 64])
def test_masks_and_boxes_turn_with_the_image(crop: int) -> None:
    for epoch in range(12):
        image, target = item(bars(), config(crop, rotation=180, flip=True, scale=0.2), epoch)
        assert target.masks is not None
        masks = target.masks.numpy().astype(bool)
        np.testing.assert_array_equal(target.boxes.numpy(), boxes_of(masks))
        assert (masks.sum(axis=(1, 2)) >= 24).all()
        for mask in masks:
            assert 0.35 < np.median(image[mask]) < 0.85  # of one bar, not the ground
        covered = masks.any(axis=0)
        assert (image[~covered] > 0.3).mean() < 0.02 and (image[covered] > 0.15).mean() > 0.95


def test_what_the_edge_leaves_too_little_of_is_ground() -> None:
    sample = bars()
    assert sample.masks is not None
    sample.masks[2] = False
    sample.masks[2, 90:92, 100:104] = True  # 8 pixels
    _, target = item(sample, config(crop=0))
    assert len(target.boxes) == 2


def test_pasted_chromosomes_are_instances_with_exact_masks() -> None:
    before = after = 0
    for epoch in range(8):
        plain, target = item(bars(), config(96, paste=0.0), epoch)
        pasted, added = item(bars(), config(96, paste=1.0), epoch)
        assert target.masks is not None and added.masks is not None
        before, after = before + len(target.boxes), after + len(added.boxes)
        new = added.masks[len(target.masks) :].numpy().astype(bool)
        np.testing.assert_array_equal(added.masks[: len(target.masks)], target.masks)
        changed = np.abs(pasted - plain) > 0.1
        assert (changed & ~new.any(axis=0)).mean() < 0.01  # but for the halo around it
    assert after > before


def test_an_item_depends_on_seed_epoch_and_index_alone() -> None:
    own = dataclasses.replace(config(rotation=180, paste=1.0, intensity=1.0), optim=OptimConfig(steps_per_epoch=3))
    sets = [InstanceSet([bars(), boxed()], own, seed=3) for _ in range(2)]
    sets[1][4]
    assert len(sets[0]) == 3 * 8
    for index in (0, 1):
        first, second = sets[0][index], sets[1][index]
        assert torch.equal(first["image"], second["image"])
        assert torch.equal(first["target"].boxes, second["target"].boxes)


def test_boxes_alone_turn_by_right_angles_and_stay_exact() -> None:
    for epoch in range(12):
        image, target = item(boxed(96, 96), config(0, rotation=180, flip=True), epoch)
        assert target.masks is None
        for box in target.boxes.numpy().round().astype(int):
            x0, y0, x1, y1 = box
            light = image[y0:y1, x0:x1]
            rows, cols = np.flatnonzero(light.max(axis=1) > 0.3), np.flatnonzero(light.max(axis=0) > 0.3)
            assert (rows[0], rows[-1], cols[0], cols[-1]) == (0, y1 - y0 - 1, 0, x1 - x0 - 1)


def test_a_whole_image_that_is_not_square_is_never_laid_on_its_side() -> None:
    sizes = {item(boxed(), config(0, rotation=180, flip=True), epoch)[0].shape for epoch in range(6)}
    assert sizes == {(96, 120)}


def test_one_class_is_any_chromosome_and_several_are_those_of_the_boxes() -> None:
    assert item(boxed(), config(0))[1].labels.tolist() == [1, 1, 1]
    assert item(boxed(), config(0, dataclasses.replace(MODEL, classes=24)))[1].labels.tolist() == [3, 7, 24]


def test_classes_that_the_detector_or_the_data_lacks_are_refused() -> None:
    with pytest.raises(DataError, match=r"b with a chromosome of class 24; expected classes 1 to 23.*model\.classes"):
        InstanceSet([boxed()], config(0, dataclasses.replace(MODEL, classes=23)), seed=0)
    with pytest.raises(DataError, match=r"a with masks of unknown classes; expected.*model\.classes"):
        InstanceSet([bars()], config(0, dataclasses.replace(MODEL, classes=2)), seed=0)


def test_an_image_without_chromosomes_gives_an_empty_target() -> None:
    nothing = Sample.from_masks(
        "n", "1", "train", "metaphase", np.zeros((80, 80), np.float32), np.zeros((0, 80, 80), dtype=bool)
    )
    _, target = item(nothing, config(64, paste=1.0))
    assert target.boxes.shape == (0, 4) and target.masks is not None and target.masks.shape == (0, 64, 64)
    boxes = Sample.from_boxes("n", "1", "train", nothing.image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    assert item(boxes, config(64))[1].boxes.shape == (0, 4)


def test_datasets_get_their_share_of_the_crops_and_lend_each_other_no_chromosomes() -> None:
    light, dark = (dataclasses.replace(bars(), case_id=f"{name}/1") for name in ("light", "dark"))
    light = dataclasses.replace(light, image=light.image / 4)
    blank = Sample.from_masks("c", "blank/1", "train", "metaphase", dark.image * 0, np.zeros((0, 96, 120), dtype=bool))
    shares = (Share("light", 0.75), Share("blank", 0.25))
    own = dataclasses.replace(config(paste=1.0), shares=shares)
    items = [InstanceSet([light, dark, blank, blank], own, seed=0)[index] for index in range(200)]
    assert max(float(made["image"].max()) for made in items) < 0.5, "nothing of the dark ones, not even pasted"
    seen = np.mean([bool(made["image"].any()) for made in items])
    assert 0.65 < seen < 0.85
    with pytest.raises(DataError, match="no training samples of `none`"):
        InstanceSet([light], dataclasses.replace(own, shares=(Share("none", 1.0),)), seed=0)


def test_with_a_tone_pale_and_dark_samples_are_one() -> None:
    pale = dataclasses.replace(bars(), image=bars().image / 2)
    for tone, same in ((0.0, False), (0.4, True)):
        toned = dataclasses.replace(config(), tone=tone)
        assert np.allclose(item(bars(), toned)[0], item(pale, toned)[0], atol=0.01) == same


def test_boxes_are_told_as_the_network_sees_them() -> None:
    model = dataclasses.replace(MODEL, min_size=192)
    np.testing.assert_allclose(
        InstanceSet([bars()], config(0, model), seed=0).boxes(model)[0], np.array([20, 40, 70, 50]) * 2.0
    )
    assert scaling((96, 120), model) == 2.0
    assert scaling((96, 120), dataclasses.replace(MODEL, zoom=1.5)) == 1.5
    assert scaling((96, 120), dataclasses.replace(model, max_size=180)) == 1.5


def test_samples_of_the_wrong_kind_are_refused() -> None:
    sample = bars()
    maps = dataclasses.replace(sample, masks=None)
    with pytest.raises(DataError, match="with maps only"):
        InstanceSet([maps], config(), seed=0)
    with pytest.raises(DataError, match="no training samples"):
        InstanceSet([], config(), seed=0)
    with pytest.raises(DataError, match="with boxes only"):
        TrainingSet([boxed()], TrainConfig(ModelConfig("unet")), seed=0)
