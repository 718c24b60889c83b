"""Training crops from samples: drawn around chromosomes, warped, laid over one another, changed in look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chromseg.annotations.contact import contact_map
from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, U8, Bool
from chromseg.config import ModelConfig, TrainConfig
from chromseg.errors import DataError
from chromseg.images.tone import toned
from chromseg.training.augmentation import change_intensity, random_warp, warp
from chromseg.training.epochs import EpochSet
from chromseg.training.paste import Crop, cut_single, lay
from chromseg.training.places import Places, places_of

_PLANES = 4  # of a scene of which all is known


@dataclass(frozen=True)
class _MapScene:
    """What is kept of a sample.

    Attributes:
        dataset: It is of.
        planes: uint8 (4, H, W), absorbance × 255 and the three maps × 255; a fifth, × 255, is what is to be ignored.
        places: Where crops are centred.
    """

    dataset: str
    planes: U8
    places: Places


class TrainingSet(EpochSet):
    """Random crops of samples; what item `i` of an epoch is depends on seed, epoch and `i` alone.

    Chromosomes are pasted on pictures of their own dataset. A picture that is finer than the network's maps is cropped
    as it is, and the maps of the crop are then made as coarse as the network's.

    Masks of a whole metaphase are large, so they are reduced to maps and free-standing singles as samples arrive:
    pass a generator (`read_samples`) to keep memory low.

    Args:
        samples: Training samples of any kinds; at least one.
        config: The variant's configuration; uses crop (in pixels of the maps), tone, shares, augment, model.fine,
            optim.steps_per_epoch and optim.batch_size.
        seed: Of all random choices.

    Raises:
        DataError: No samples, or none of a dataset that has a share.
    """

    def __init__(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> None:
        super().__init__(config, seed)
        assert isinstance(config.model, ModelConfig)
        self._fine = config.model.fine
        self._scenes: list[_MapScene] = []
        self._singles: dict[str, list[npt.NDArray[np.float16]]] = {}
        for sample in samples:
            sample = replace(sample, image=toned(sample.image, config.tone))
            self._scenes.append(_scene(sample, self._fine))
            if config.augment.paste and sample.masks is not None:
                own = self._singles.setdefault(sample.dataset, [])
                own.extend(free_singles(sample.image, sample.masks, self._fine, sample.ignored))
        if not self._scenes:
            raise DataError("no training samples", expected="at least one", remedy="check the split and kinds")
        self._ignores = any(len(scene.planes) > _PLANES for scene in self._scenes)
        self._share_out([scene.dataset for scene in self._scenes])

    @property
    def sources(self) -> int:
        """Number of samples."""
        return len(self._scenes)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Item `index`: "image" float32 (1, fine · crop, fine · crop), its three maps (1, crop, crop).

        Where any sample has pixels to be ignored, every item has them as "ignored" (1, crop, crop).
        """
        rng = self._rng(index)
        scene = self._scenes[self._source(rng, index)]
        crop = self._paste(rng, self._cut(rng, scene), scene.dataset)
        image = change_intensity(rng, crop.image, self.config.augment.intensity)
        if scene.places.alone:
            image = np.where(crop.chromosome, image, np.float32(0))
        maps = {
            "chromosome": coarser(crop.chromosome, self._fine),
            "crossing": coarser(crop.crossing, self._fine),
            "contact": coarser(crop.contact, self._fine),
        }
        if self._ignores:
            ignored = np.zeros_like(crop.chromosome) if crop.ignored is None else crop.ignored
            maps["ignored"] = coarser(ignored, self._fine)
        return {
            name: torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float32)).unsqueeze(0)
            for name, plane in ({"image": image} | maps).items()
        }

    def _cut(self, rng: np.random.Generator, scene: _MapScene) -> Crop:
        size = self.config.crop * self._fine
        matrix = random_warp(rng, self.config.augment)
        image, *maps = warp(scene.planes, matrix, scene.places.centre(rng, size), size)
        chromosome, crossing, contact, *ignored = (plane >= 127.5 for plane in maps)
        return Crop(image / np.float32(255), chromosome, crossing & chromosome, contact, *ignored)

    def _paste(self, rng: np.random.Generator, crop: Crop, dataset: str) -> Crop:
        singles = self._singles.get(dataset)
        if not singles or rng.random() >= self.config.augment.paste:
            return crop
        for _ in range(rng.integers(1, 3)):
            single = singles[rng.integers(len(singles))].astype(np.float32)
            crop = lay(rng, crop, single, self.config.augment, self._fine)
        return crop


def coarser(plane: Bool, fine: int) -> Bool:
    """Bool (H · fine, W · fine) → (H, W): what covers at least half of a pixel; sides are filled up with False."""
    if fine == 1:
        return plane
    height, width = (-(-side // fine) for side in plane.shape)
    filled = np.zeros((height * fine, width * fine), dtype=bool)
    filled[: plane.shape[0], : plane.shape[1]] = plane
    return np.asarray(filled.reshape(height, fine, width, fine).sum(axis=(1, 3)) * 2 >= fine**2)


def _scene(sample: Sample, fine: int) -> _MapScene:
    if sample.boxes is not None:
        raise DataError(
            f"sample {sample.name} with boxes only",
            expected="instance masks or the two maps, to train a network of maps",
            remedy="name another dataset in `train.base.dataset`, or train a detector",
        )
    contact = contact_map(sample.masks, fine) if sample.masks is not None else np.zeros_like(sample.crossing)
    ignored = [sample.ignored] if sample.ignored is not None and sample.ignored.any() else []
    planes = np.stack([sample.image, sample.chromosome, sample.crossing, contact, *ignored])
    return _MapScene(sample.dataset, np.round(np.clip(planes, 0, 1) * 255).astype(np.uint8), places_of(sample, contact))


def free_singles(image: F32, masks: Bool, unit: int = 1, ignored: Bool | None = None) -> list[npt.NDArray[np.float16]]:
    """Patches float16 of all free-standing chromosomes, as of `cut_single`; what is ignored counts as another one."""
    count = masks.sum(axis=0, dtype=np.int16)
    if ignored is not None:
        count += ignored & (count == 0)
    patches = (cut_single(image, mask, count - mask > 0, unit) for mask in masks)
    return [patch.astype(np.float16) for patch in patches if patch is not None]
