"""Training crops with instances: every chromosome turned on its own patch, singles laid over into new crossings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch

from chromseg.annotations.contact import contact_map
from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, F64, I64, U8, Bool
from chromseg.boxes import boxes_of
from chromseg.config import AugmentConfig, DetectorConfig, TrainConfig
from chromseg.errors import DataError
from chromseg.images.tone import toned
from chromseg.models.ucrd_net import Target
from chromseg.models.ucrd_net.images import scale_factor
from chromseg.training.augmentation import Matrix, change_intensity, random_warp, warp
from chromseg.training.datasets import free_singles
from chromseg.training.epochs import EpochSet, Item
from chromseg.training.paste import blend, find_place
from chromseg.training.places import Places, places_of

_LEAST_AREA = 24  # pixels of a chromosome that the crop's edge leaves; with fewer it counts as ground
_LEAST_SIDE = 3  # pixels of a box that the crop's edge leaves
_PASTE_AREA = 128 * 128  # pixels of a crop for each chromosome that is laid over, at most

Span = tuple[int, int]


@dataclass(frozen=True)
class _Patch:
    """One chromosome: mask uint8 (1, h, w), 0 or 255, and where its first row and column lie in the image."""

    corner: Span
    mask: U8


@dataclass(frozen=True)
class _InstanceScene:
    """What is kept of a sample: absorbance × 255, its chromosomes, and where crops are centred.

    `image` is uint8 (1, H, W), or (2, H, W) with the pixels to be ignored, × 255.
    """

    dataset: str
    image: U8
    patches: list[_Patch] | None
    boxes: F32
    labels: I64
    places: Places


@dataclass(frozen=True)
class _View:
    """How a crop lies in the image: offsets from its middle × `matrix` + `centre`, and its rows and columns."""

    matrix: Matrix
    centre: tuple[float, float]
    size: Span


class InstanceSet(EpochSet):
    """Random crops of whole metaphases, or the whole of them, with boxes, classes and masks.

    Masks are kept as small patches, as samples arrive. Samples with boxes only are turned by right angles, because a
    box turned otherwise is no box of what it held. Chromosomes are pasted on pictures of their own dataset.

    Args:
        samples: Training samples; at least one.
        config: The variant's configuration; uses crop (0: the whole image), tone, shares, augment, optim and
            model.classes.
        seed: Of all random choices.

    Raises:
        DataError: No samples, none of a dataset that has a share, one with maps only, or with several classes one whose
            classes are unknown or too many.
    """

    def __init__(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> None:
        super().__init__(config, seed)
        self._scenes: list[_InstanceScene] = []
        self._singles: dict[str, list[F32]] = {}
        for sample in samples:
            sample = replace(sample, image=toned(sample.image, config.tone))
            self._scenes.append(_scene(sample, self._classes))
            if config.augment.paste and sample.masks is not None:
                singles = free_singles(sample.image, sample.masks, ignored=sample.ignored)
                own = self._singles.setdefault(sample.dataset, [])
                own.extend(patch.astype(np.float32) for patch in singles)
        if not self._scenes:
            raise DataError("no training samples", expected="at least one", remedy="check the split and kinds")
        self._share_out([scene.dataset for scene in self._scenes])

    @property
    def sources(self) -> int:
        """Number of samples."""
        return len(self._scenes)

    def boxes(self, model: DetectorConfig) -> F32:
        """All boxes of the training samples at the size at which `model` would see them: float32 (N, 4) xyxy."""
        crop = self.config.crop
        sizes = [(crop, crop) if crop else scene.places.size for scene in self._scenes]
        scaled = [scene.boxes * scaling(size, model) for scene, size in zip(self._scenes, sizes, strict=True)]
        return np.concatenate(scaled).astype(np.float32)

    def __getitem__(self, index: int) -> Item:
        """Item `index`: "image" float32 (1, rows, columns), and "target"."""
        rng = self._rng(index)
        scene = self._scenes[self._source(rng, index)]
        view = self._view(rng, scene)
        image, *ignored = warp(scene.image, view.matrix, view.centre, view.size)
        image = image / np.float32(255)
        if scene.patches is None:
            boxes, labels = _seen_boxes(scene, view)
            masks = None
        else:
            image, masks, labels = self._paste(rng, scene.dataset, image, *_seen_masks(scene, view))
            boxes = boxes_of(masks).astype(np.float32)
        image = change_intensity(rng, image, self.config.augment.intensity)
        if scene.places.alone and masks is not None:
            image = np.where(masks.any(axis=0), image, np.float32(0))
        return {
            "image": torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).unsqueeze(0),
            "target": Target(
                torch.from_numpy(boxes),
                torch.from_numpy(labels),
                None if masks is None else torch.from_numpy(masks.astype(np.uint8)),
                *(torch.from_numpy((plane >= 127.5).astype(np.uint8)) for plane in ignored),
            ),
        }

    @property
    def _classes(self) -> int:
        model = self.config.model
        return model.classes if isinstance(model, DetectorConfig) else 1

    def _view(self, rng: np.random.Generator, scene: _InstanceScene) -> _View:
        crop, augment = self.config.crop, self.config.augment
        height, width = scene.places.size
        if scene.patches is None:
            matrix = _upright_warp(rng, augment, quarters=crop > 0 or height == width)
        else:
            matrix = random_warp(rng, augment)
        if not crop:
            return _View(matrix, ((height - 1) / 2, (width - 1) / 2), (height, width))
        row, col = scene.places.centre(rng, crop)
        return _View(matrix, (_inside(row, height, crop), _inside(col, width, crop)), (crop, crop))

    def _paste(
        self, rng: np.random.Generator, dataset: str, image: F32, masks: Bool, labels: I64
    ) -> tuple[F32, Bool, I64]:
        """Lay some singles of the dataset over the chromosomes, each a new instance."""
        singles = self._singles.get(dataset)
        if not singles or rng.random() >= self.config.augment.paste:
            return image, masks, labels
        chromosome: Bool = np.asarray(masks.any(axis=0))
        added = []
        for _ in range(rng.integers(1, 2 + image.size // _PASTE_AREA)):
            single = singles[rng.integers(len(singles))]
            placed = find_place(rng, chromosome, single, self.config.augment)
            if placed is None or np.count_nonzero(placed.shape) < _LEAST_AREA:
                continue
            image = blend(rng, image, chromosome, placed)
            mask = np.zeros_like(chromosome)
            mask[placed.window] = placed.shape
            chromosome = chromosome | mask
            added.append(mask)
        if not added:
            return image, masks, labels
        return image, np.concatenate([masks, added]), np.concatenate([labels, np.ones(len(added), np.int64)])


def scaling(size: Span, model: DetectorConfig) -> float:
    """The factor by which a detector scales an image of (rows, columns)."""
    return scale_factor(size, model.zoom, model.min_size, model.max_size)


def _scene(sample: Sample, classes: int) -> _InstanceScene:
    if sample.masks is None and sample.boxes is None:
        raise DataError(
            f"sample {sample.name} with maps only",
            expected="instance masks or boxes, to train a detector",
            remedy="name another dataset in `train.base.dataset`",
        )
    planes = [sample.image] if sample.ignored is None else [sample.image, sample.ignored]
    image = np.round(np.clip(np.stack(planes), 0, 1) * 255).astype(np.uint8)
    if sample.masks is None:
        assert sample.boxes is not None
        ground = np.zeros(sample.image.shape, dtype=bool)
        return _InstanceScene(
            sample.dataset, image, None, sample.boxes, _labels(sample, classes), places_of(sample, ground)
        )
    if classes > 1:
        raise DataError(
            f"sample {sample.name} with masks of unknown classes",
            expected="boxes with classes, to tell them apart",
            remedy="set `model.classes` to 1, or name a dataset of boxes in `train.base.dataset`",
        )
    masks = sample.masks[sample.masks.any(axis=(1, 2))]
    boxes = boxes_of(masks)
    patches = [_patch(mask, box.astype(int)) for mask, box in zip(masks, boxes, strict=True)]
    labels = np.ones(len(masks), dtype=np.int64)
    return _InstanceScene(
        sample.dataset, image, patches, boxes.astype(np.float32), labels, places_of(sample, contact_map(masks))
    )


def _labels(sample: Sample, classes: int) -> I64:
    """Classes of a sample's boxes from 1 to `classes`; of one class all are, whatever the data tells."""
    assert sample.labels is not None
    if classes == 1:
        return np.ones_like(sample.labels)
    most = int(sample.labels.max(initial=0))
    if most > classes:
        raise DataError(
            f"sample {sample.name} with a chromosome of class {most}",
            expected=f"classes 1 to {classes}",
            remedy="raise `model.classes`, or set it to 1",
        )
    return sample.labels


def _patch(mask: Bool, box: I64) -> _Patch:
    x0, y0, x1, y1 = (int(edge) for edge in box)
    return _Patch((y0, x0), mask[None, y0:y1, x0:x1].astype(np.uint8) * np.uint8(255))


def _seen_masks(scene: _InstanceScene, view: _View) -> tuple[Bool, I64]:
    """Masks bool (N, rows, columns) of the chromosomes of which the crop shows enough, and their classes."""
    seen, labels = [], []
    for patch, label in zip(scene.patches or [], scene.labels, strict=True):
        mask = _turned(patch, view)
        if mask is not None and np.count_nonzero(mask) >= _LEAST_AREA:
            seen.append(mask)
            labels.append(label)
    return np.array(seen, dtype=bool).reshape(-1, *view.size), np.array(labels, dtype=np.int64)


def _turned(patch: _Patch, view: _View) -> Bool | None:
    """A chromosome as the crop shows it, bool (rows, columns); None if outside. Only its own window is warped."""
    height, width = patch.mask.shape[1:]
    top, left = patch.corner
    edges = np.array([(row, col) for row in (top, top + height) for col in (left, left + width)], dtype=np.float64)
    found = _to_crop(edges, view)
    start = np.maximum(np.floor(found.min(axis=0)).astype(int) - 1, 0)
    stop = np.minimum(np.ceil(found.max(axis=0)).astype(int) + 1, view.size)
    if (stop <= start).any():
        return None
    middle = (start + stop) / 2 - np.array(view.size) / 2
    row, col = np.array(view.centre) + view.matrix @ middle - patch.corner
    window = warp(patch.mask, view.matrix, (float(row), float(col)), (int(stop[0] - start[0]), int(stop[1] - start[1])))
    mask = np.zeros(view.size, dtype=bool)
    mask[start[0] : stop[0], start[1] : stop[1]] = window[0] >= 127.5
    return mask


def _seen_boxes(scene: _InstanceScene, view: _View) -> tuple[F32, I64]:
    """F32 float32 (N, 4) that the crop shows, clipped to it, and their classes; for right angles only."""
    first, second = (_to_crop(scene.boxes[:, [row, col]].astype(np.float64), view) for row, col in ((1, 0), (3, 2)))
    low, high = np.minimum(first, second), np.maximum(first, second)
    limit = np.array(view.size)
    low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    shown = (high - low >= _LEAST_SIDE).all(axis=1)
    boxes = np.concatenate([low[:, ::-1], high[:, ::-1]], axis=1)[shown].astype(np.float32)
    return boxes, scene.labels[shown]


def _to_crop(edges: F64, view: _View) -> F64:
    """Points (N, 2), row and column from the image's outer edge, as the same from the crop's outer edge."""
    offsets = edges - 0.5 - np.array(view.centre)
    return np.asarray(offsets @ np.linalg.inv(view.matrix).T + np.array(view.size) / 2)


def _upright_warp(rng: np.random.Generator, config: AugmentConfig, *, quarters: bool) -> Matrix:
    """A random zoom, flips, and, if the rotation allows, right angles; half turns only unless `quarters`."""
    zoom = 1 + rng.uniform(-config.scale, config.scale)
    steps = rng.integers(4) if config.rotation >= 90 else 0
    angle = math.pi / 2 * (steps if quarters else 2 * (steps // 2))
    mirror = -1.0 if config.flip and rng.random() < 0.5 else 1.0
    cos, sin = round(math.cos(angle)) / zoom, round(math.sin(angle)) / zoom
    return np.array([[cos, -sin * mirror], [sin, cos * mirror]])


def _inside(centre: float, extent: int, crop: int) -> float:
    """A centre moved so that an unturned crop does not reach beyond the image, if it fits."""
    if extent <= crop:
        return (extent - 1) / 2
    return min(max(centre, (crop - 1) / 2), extent - 1 - (crop - 1) / 2)
