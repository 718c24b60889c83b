"""Training crops: determinism, alignment, exact truth of pasted chromosomes."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from chromseg.annotations import Sample
from chromseg.config import AugmentConfig, ModelConfig, OptimConfig, Share, TrainConfig
from chromseg.errors import DataError
from chromseg.training.datasets import TrainingSet, coarser
from chromseg.training.paste import Crop, cut_single, lay

KEYS = {"image", "chromosome", "crossing", "contact"}


def _sample(name: str = "a", kind: str = "metaphase") -> Sample:
    """A cross of two bars and a single, 96×96; bright 0.4 each, 0.6 where they cross."""
    masks = np.zeros((3, 96, 96), dtype=bool)
    masks[0, 40:50, 20:70] = masks[1, 20:70, 40:50] = masks[2, 78:88, 12:40] = True
    image = np.minimum(masks.sum(axis=0) * 0.2 + 0.2 * masks.any(axis=0), 0.6).astype(np.float32)
    return Sample.from_masks(name, "1", "train", kind, image, masks)


def _config(**augment: float) -> TrainConfig:
    return TrainConfig(model=ModelConfig("unet"), crop=64, augment=AugmentConfig(**augment))


def test_items_are_float_planes_of_the_crop_size() -> None:
    item = TrainingSet([_sample()], _config(), seed=0)[0]
    assert item.keys() == KEYS
    assert all(plane.shape == (1, 64, 64) and plane.dtype == torch.float32 for plane in item.values())
    assert set(torch.unique(torch.cat([item[key] for key in KEYS - {"image"}])).tolist()) <= {0.0, 1.0}


def test_a_finer_picture_keeps_its_pixels_and_its_maps_become_as_coarse_as_the_networks() -> None:
    config = dataclasses.replace(_config(), model=ModelConfig("unet", fine=2), crop=32)
    item = TrainingSet([_sample()], config, seed=0)[0]
    assert {key: tuple(plane.shape) for key, plane in item.items()} == {
        "image": (1, 64, 64),
        "chromosome": (1, 32, 32),
        "crossing": (1, 32, 32),
        "contact": (1, 32, 32),
    }
    dark = torch.nn.functional.avg_pool2d((item["image"] > 0.1).float(), 2)
    assert (item["chromosome"] == (dark >= 0.5)).float().mean() > 0.97


def test_coarser_planes_hold_what_covers_half_of_a_pixel() -> None:
    plane = np.array([[1, 1, 0, 0, 1], [0, 0, 0, 1, 1], [1, 1, 0, 0, 0]], dtype=bool)
    assert coarser(plane, 2).tolist() == [[True, False, True], [True, False, False]]


def test_datasets_get_their_share_of_the_crops() -> None:
    rich, poor = (dataclasses.replace(_sample(name), case_id=f"{name}/1") for name in ("rich", "poor"))
    blank = dataclasses.replace(poor, image=np.zeros_like(poor.image))
    shares = (Share("rich", 0.75), Share("poor", 0.25))
    dataset = TrainingSet([rich, blank, blank], dataclasses.replace(_config(), shares=shares), seed=0)
    seen = np.mean([bool(dataset[index]["image"].any()) for index in range(400)])
    assert 0.65 < seen < 0.8
    with pytest.raises(DataError, match="no training samples of `none`"):
        TrainingSet([rich], dataclasses.replace(_config(), shares=(Share("none", 1.0),)), seed=0)


def test_an_item_depends_on_seed_epoch_and_index_alone() -> None:
    config = _config(rotation=180, scale=0.2, intensity=1, paste=1)
    sets = [TrainingSet([_sample("a"), _sample("b", "cutout")], config, seed=3) for _ in range(2)]
    sets[1][1]  # drawing another item first changes nothing
    assert all(torch.equal(sets[0][0][key], sets[1][0][key]) for key in KEYS)
    first = sets[0][0]["image"]
    sets[0].set_epoch(1)
    assert not torch.equal(sets[0][0]["image"], first)
    assert not torch.equal(TrainingSet([_sample("a"), _sample("b", "cutout")], config, seed=4)[0]["image"], first)


def test_with_a_tone_pale_and_dark_samples_are_one() -> None:
    dark = _sample()
    pale = dataclasses.replace(dark, image=dark.image / 2)
    for tone, same in ((0.0, False), (0.4, True)):
        config = dataclasses.replace(_config(), tone=tone)
        first, second = (TrainingSet([sample], config, seed=0)[0]["image"] for sample in (dark, pale))
        assert torch.allclose(first, second, atol=0.01) == same


def test_image_and_maps_stay_aligned() -> None:
    dataset = TrainingSet([_sample()], _config(rotation=180, scale=0.2), seed=0)
    for epoch in range(12):
        dataset.set_epoch(epoch)
        item = dataset[0]
        assert ((item["image"] > 0.2) == (item["chromosome"] > 0)).float().mean() > 0.98
        assert ((item["image"] > 0.52) == (item["crossing"] > 0)).float().mean() > 0.98
        assert (item["chromosome"] >= item["crossing"]).all()


def test_an_epoch_shows_every_sample_and_may_be_longer() -> None:
    samples = [_sample(str(number)) for number in range(3)]
    assert len(TrainingSet(samples, _config(), seed=0)) == 3
    config = TrainConfig(model=ModelConfig("unet"), optim=OptimConfig(steps_per_epoch=5, batch_size=4))
    dataset = TrainingSet(samples, config, seed=0)
    assert len(dataset) == 20
    assert sorted(dataset._order(index) for index in range(6)) == [0, 0, 1, 1, 2, 2]


def test_a_cutout_keeps_its_plain_ground() -> None:
    dataset = TrainingSet([_sample(kind="cutout")], _config(intensity=1, paste=0.5), seed=0)
    for epoch in range(10):
        dataset.set_epoch(epoch)
        item = dataset[0]
        assert item["image"][item["chromosome"] == 0].abs().max() == 0


def test_pasting_makes_new_crossings() -> None:
    alone = np.zeros((1, 96, 96), dtype=bool)
    alone[0, 40:50, 20:70] = True
    samples = [Sample.from_masks("a", "1", "train", "metaphase", alone[0] * np.float32(0.5), alone)]
    for paste, some in ((0.0, False), (1.0, True)):
        dataset = TrainingSet(samples, _config(paste=paste), seed=0)
        crossings = 0.0
        for epoch in range(10):
            dataset.set_epoch(epoch)
            crossings += float(dataset[0]["crossing"].sum())
        assert (crossings > 100) == some


def test_samples_are_read_once_and_none_is_an_error() -> None:
    endless = (_sample(str(number)) for number in itertools.count())
    assert len(TrainingSet(itertools.islice(endless, 2), _config(), seed=0)) == 2
    with pytest.raises(DataError, match="no training samples"):
        TrainingSet([], _config(), seed=0)


def test_samples_without_instances_train_without_seams_and_singles() -> None:
    full = _sample()
    sample = Sample(full.name, "1", "train", "cutout", full.image, None, full.crossing, full.chromosome)
    item = TrainingSet([sample], _config(paste=1), seed=0)[0]
    assert item["contact"].sum() == 0 and item["chromosome"].sum() > 0


def test_a_single_is_cut_only_where_it_stands_free() -> None:
    sample = _sample()
    assert sample.masks is not None
    others = sample.masks[:2].any(axis=0)
    patch = cut_single(sample.image, sample.masks[2], others)
    assert patch is not None and patch.shape[0] == 2
    assert patch[1].sum() == sample.masks[2].sum()
    assert cut_single(sample.image, sample.masks[0], sample.masks[1]) is None
    assert cut_single(sample.image, np.zeros((96, 96), dtype=bool), others) is None


def test_what_is_laid_has_exact_truth() -> None:
    ground = np.zeros((64, 64), dtype=bool)
    bar = ground.copy()
    bar[28:36, 10:54] = True
    crop = Crop(bar * np.float32(0.5), bar, ground.copy(), ground.copy())
    single = np.zeros((2, 40, 16), dtype=np.float32)
    single[0, 4:36, 4:12], single[1, 4:36, 4:12] = 0.5, 1.0
    seen = {"crossing": 0, "contact": 0}
    for seed in range(20):
        laid = lay(np.random.default_rng(seed), crop, single, AugmentConfig())
        added = laid.chromosome & ~bar
        assert not (laid.crossing & ~bar).any()  # two lie only where one lay before
        assert added.sum() + laid.crossing.sum() <= 32 * 8 * 1.15  # no more than the single's own area
        assert (laid.chromosome | ~bar).all()
        seen["crossing"] += bool(laid.crossing.sum() >= 40)
        seen["contact"] += bool(laid.contact.any())
    assert seen["crossing"] >= 5 and seen["contact"] >= 3
    assert not crop.crossing.any()  # the crop itself is left as it was
