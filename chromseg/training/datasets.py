"""Training crops from samples: drawn around chromosomes, warped, laid over one another, changed in look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chromseg.annotations.absorbance import FloatArray
from chromseg.annotations.contact import contact_map
from chromseg.annotations.rasterize import BoolArray
from chromseg.annotations.samples import Sample
from chromseg.annotations.tone import toned
from chromseg.config import TrainConfig
from chromseg.errors import DataError
from chromseg.training.augmentation import change_intensity, random_warp, warp
from chromseg.training.epochs import EpochSet
from chromseg.training.paste import Crop, cut_single, lay
from chromseg.training.places import Places, places_of


@dataclass(frozen=True)
class _Scene:
    """What is kept of a sample: planes uint8 (4, H, W) = absorbance × 255 and the three maps × 255, and places."""

    planes: npt.NDArray[np.uint8]
    places: Places


class TrainingSet(EpochSet):
    """Random crops of samples; what item `i` of an epoch is depends on seed, epoch and `i` alone.

    Masks of a whole metaphase are large, so they are reduced to maps and free-standing singles as samples arrive:
    pass a generator (`read_samples`) to keep memory low.

    Args:
        samples: Training samples of any kinds; at least one.
        config: The variant's configuration; uses crop, tone, augment, optim.steps_per_epoch and optim.batch_size.
        seed: Of all random choices.

    Raises:
        DataError: No samples.
    """

    def __init__(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> None:
        super().__init__(config, seed)
        self._scenes: list[_Scene] = []
        self._singles: list[FloatArray] = []
        for sample in samples:
            sample = replace(sample, image=toned(sample.image, config.tone))
            self._scenes.append(_scene(sample))
            if config.augment.paste and sample.masks is not None:
                self._singles.extend(free_singles(sample.image, sample.masks))
        if not self._scenes:
            raise DataError("no training samples", expected="at least one", remedy="check the split and kinds")

    @property
    def sources(self) -> int:
        """Number of samples."""
        return len(self._scenes)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Item `index`: "image", "chromosome", "crossing", "contact", float32 (1, crop, crop) each."""
        rng = self._rng(index)
        scene = self._scenes[self._order(index)]
        crop = self._paste(rng, self._cut(rng, scene))
        image = change_intensity(rng, crop.image, self.config.augment.intensity)
        if scene.places.alone:
            image = np.where(crop.chromosome, image, np.float32(0))
        maps = {"chromosome": crop.chromosome, "crossing": crop.crossing, "contact": crop.contact}
        return {
            name: torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float32)).unsqueeze(0)
            for name, plane in ({"image": image} | maps).items()
        }

    def _cut(self, rng: np.random.Generator, scene: _Scene) -> Crop:
        size = self.config.crop
        matrix = random_warp(rng, self.config.augment)
        image, *maps = warp(scene.planes, matrix, scene.places.centre(rng, size), size)
        chromosome, crossing, contact = (plane >= 127.5 for plane in maps)
        return Crop(image / np.float32(255), chromosome, crossing & chromosome, contact)

    def _paste(self, rng: np.random.Generator, crop: Crop) -> Crop:
        if not self._singles or rng.random() >= self.config.augment.paste:
            return crop
        for _ in range(rng.integers(1, 3)):
            crop = lay(rng, crop, self._singles[rng.integers(len(self._singles))], self.config.augment)
        return crop


def _scene(sample: Sample) -> _Scene:
    if sample.boxes is not None:
        raise DataError(
            f"sample {sample.name} with boxes only",
            expected="instance masks or the two maps, to train a network of maps",
            remedy="name another dataset in `train.base.dataset`, or train a detector",
        )
    contact = contact_map(sample.masks) if sample.masks is not None else np.zeros_like(sample.crossing)
    planes = np.stack([sample.image, sample.chromosome, sample.crossing, contact])
    return _Scene(np.round(np.clip(planes, 0, 1) * 255).astype(np.uint8), places_of(sample, contact))


def free_singles(image: FloatArray, masks: BoolArray) -> list[FloatArray]:
    """Patches of all free-standing chromosomes."""
    count = masks.sum(axis=0, dtype=np.int16)
    patches = (cut_single(image, mask, count - mask > 0) for mask in masks)
    return [patch for patch in patches if patch is not None]
