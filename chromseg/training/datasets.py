"""Training crops from samples: drawn around chromosomes, warped, laid over one another, changed in look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.utils.data import Dataset

from chromseg.annotations.absorbance import FloatArray
from chromseg.annotations.maps import label_regions
from chromseg.annotations.rasterize import BoolArray
from chromseg.annotations.samples import Sample
from chromseg.config import TrainConfig
from chromseg.errors import DataError
from chromseg.training.augmentation import change_intensity, random_warp, warp
from chromseg.training.contact import contact_map
from chromseg.training.paste import Crop, cut_single, lay

_OFF_TARGET = 0.2  # share of metaphase crops centred on decoys: nuclei and debris, or anywhere on the ground
_AT_KNOTS = 0.5  # share centred where chromosomes cross or touch
_DECOY_LIGHT = 0.25  # absorbance of a decoy
_DECOY_DISTANCE = 6  # pixels from the nearest chromosome
_DECOYS = 64  # points kept of a sample


@dataclass(frozen=True)
class _Scene:
    """What is kept of a sample: planes uint8 (4, H, W) = absorbance × 255 and the three maps × 255, and centres."""

    planes: npt.NDArray[np.uint8]
    plain: bool
    chromosomes: npt.NDArray[np.int32]  # row, col of a pixel in each chromosome or component
    knots: npt.NDArray[np.int32]  # row, col of a pixel in each crossing and seam
    decoys: npt.NDArray[np.int32]  # row, col of pixels on what looks like a chromosome and is none


class TrainingSet(Dataset[dict[str, Tensor]]):
    """Random crops of samples; what item `i` of an epoch is depends on seed, epoch and `i` alone.

    Masks of a whole metaphase are large, so they are reduced to maps and free-standing singles as samples arrive:
    pass a generator (`read_samples`) to keep memory low.

    Args:
        samples: Training samples of any kinds; at least one.
        config: The variant's configuration; uses crop, augment, optim.steps_per_epoch and optim.batch_size.
        seed: Of all random choices.

    Raises:
        DataError: No samples.
    """

    def __init__(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> None:
        self.config, self.seed, self.epoch = config, seed, 0
        self._scenes: list[_Scene] = []
        self._singles: list[FloatArray] = []
        for sample in samples:
            self._scenes.append(_scene(sample))
            if config.augment.paste and sample.masks is not None:
                self._singles.extend(_singles(sample.image, sample.masks))
        if not self._scenes:
            raise DataError("no training samples", expected="at least one", remedy="check the split and kinds")

    def __len__(self) -> int:
        optim = self.config.optim
        return optim.steps_per_epoch * optim.batch_size or len(self._scenes)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose items follow."""
        self.epoch = epoch

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Item `index`: "image", "chromosome", "crossing", "contact", float32 (1, crop, crop) each."""
        rng = np.random.default_rng((self.seed, self.epoch, index))
        scene = self._scenes[self._order(index)]
        crop = self._paste(rng, self._cut(rng, scene))
        image = change_intensity(rng, crop.image, self.config.augment.intensity)
        if scene.plain:
            image = np.where(crop.chromosome, image, np.float32(0))
        maps = {"chromosome": crop.chromosome, "crossing": crop.crossing, "contact": crop.contact}
        return {
            name: torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float32)).unsqueeze(0)
            for name, plane in ({"image": image} | maps).items()
        }

    def _order(self, index: int) -> int:
        """Scenes take turns, in a new order each round."""
        turn, place = divmod(index, len(self._scenes))
        order = np.random.default_rng((self.seed, self.epoch, turn, len(self._scenes))).permutation(len(self._scenes))
        return int(order[place])

    def _cut(self, rng: np.random.Generator, scene: _Scene) -> Crop:
        size = self.config.crop
        matrix = random_warp(rng, self.config.augment)
        row, col = _centre(rng, scene, size)
        image, *maps = warp(scene.planes, matrix, (row, col), size)
        chromosome, crossing, contact = (plane >= 127.5 for plane in maps)
        return Crop(image / np.float32(255), chromosome, crossing & chromosome, contact)

    def _paste(self, rng: np.random.Generator, crop: Crop) -> Crop:
        if not self._singles or rng.random() >= self.config.augment.paste:
            return crop
        for _ in range(rng.integers(1, 3)):
            crop = lay(rng, crop, self._singles[rng.integers(len(self._singles))], self.config.augment)
        return crop


def _scene(sample: Sample) -> _Scene:
    contact = contact_map(sample.masks) if sample.masks is not None else np.zeros_like(sample.crossing)
    planes = np.stack([sample.image, sample.chromosome, sample.crossing, contact])
    knots = np.concatenate([_pixels(sample.crossing), _pixels(contact)])
    return _Scene(
        np.round(np.clip(planes, 0, 1) * 255).astype(np.uint8),
        sample.kind == "cutout",
        _pixels(sample.chromosome),
        knots,
        _decoys(sample.image, sample.chromosome),
    )


def _decoys(image: FloatArray, chromosome: BoolArray) -> npt.NDArray[np.int32]:
    """Evenly chosen pixels far from chromosomes that are as dark as one: int32 (R, 2)."""
    near = ndimage.binary_dilation(chromosome, iterations=_DECOY_DISTANCE)
    found = np.argwhere((image > _DECOY_LIGHT) & ~near)
    return found[:: max(1, len(found) // _DECOYS)].astype(np.int32)


def _pixels(region: BoolArray) -> npt.NDArray[np.int32]:
    """The middle pixel, in row-major order, of each 8-connected region: int32 (R, 2)."""
    labels, count = label_regions(region)
    flat = labels.ravel()
    order = np.argsort(flat, kind="stable")
    starts = np.searchsorted(flat[order], np.arange(1, count + 2))
    middles = order[(starts[:-1] + starts[1:]) // 2] if count else np.zeros(0, dtype=np.int64)
    return np.stack(np.unravel_index(middles, region.shape), axis=1).astype(np.int32)


def _centre(rng: np.random.Generator, scene: _Scene, size: int) -> tuple[float, float]:
    """Where a crop is centred: on a knot or a chromosome of the scene, shifted at random, or anywhere."""
    height, width = scene.planes.shape[1:]
    points = scene.knots if len(scene.knots) and rng.random() < _AT_KNOTS else scene.chromosomes
    if not scene.plain and rng.random() < _OFF_TARGET:
        points = scene.decoys
    if not len(points):
        return rng.uniform(0, height), rng.uniform(0, width)
    row, col = points[rng.integers(len(points))]
    shift = rng.uniform(-size / 4, size / 4, size=2)
    return float(row + shift[0]), float(col + shift[1])


def _singles(image: FloatArray, masks: BoolArray) -> list[FloatArray]:
    """Patches of all free-standing chromosomes."""
    count = masks.sum(axis=0, dtype=np.int16)
    patches = (cut_single(image, mask, count - mask > 0) for mask in masks)
    return [patch for patch in patches if patch is not None]
