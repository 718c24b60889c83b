"""Samples: images as networks see them, with their truth, as `prepare` leaves them for `train` and `evaluate`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from chromseg.annotations.index import KINDS, SampleEntry, dataset_of_case, read_index, write_index
from chromseg.annotations.maps import chromosome_map, crossing_map
from chromseg.annotations.splits import SPLITS
from chromseg.arrays import F32, I64, Bool
from chromseg.files import replacing


@dataclass(frozen=True)
class Sample:
    """One network-ready image with its truth.

    Attributes:
        name: Unique within a prepared set.
        case_id: `<dataset>/<case>` its image came from.
        split: train, val or test.
        kind: "cutout" (a crossing cluster alone) or "metaphase" (a whole image).
        image: float32 (H, W) absorbance.
        masks: bool (N, H, W), or None where the source has maps or boxes only.
        crossing: bool (H, W); all False where the source has boxes only.
        chromosome: bool (H, W); all False where the source has boxes only.
        boxes: float32 (N, 4) xyxy in pixels, where the source has boxes only; else None, since masks say more.
        labels: int64 (N,), the class of each box or mask from 1; None where a set knows but one, or none.
        ignored: bool (H, W), pixels of which nothing is known, left out of losses and scores; None for none.
        derived: Whether a program made some of its outlines; such truth enters no test score.
        picture, scene, outlines: As in `index.Entry`; empty for what was never prepared.
    """

    name: str
    case_id: str
    split: str
    kind: Literal["cutout", "metaphase"]
    image: F32
    masks: Bool | None
    crossing: Bool
    chromosome: Bool
    boxes: F32 | None = None
    labels: I64 | None = None
    ignored: Bool | None = None
    derived: bool = False
    picture: str = ""
    scene: str = ""
    outlines: str = ""

    @property
    def dataset(self) -> str:
        """Name of the dataset that its picture is of."""
        return dataset_of_case(self.case_id)

    @property
    def entry(self) -> SampleEntry:
        """What the index says of it."""
        return SampleEntry(**{field.name: getattr(self, field.name) for field in fields(SampleEntry)})

    @classmethod
    def from_masks(
        cls,
        name: str,
        case_id: str,
        split: str,
        kind: Literal["cutout", "metaphase"],
        image: F32,
        masks: Bool,
    ) -> Sample:
        """A sample whose two maps are derived from instance masks."""
        return cls(name, case_id, split, kind, image, masks, crossing_map(masks), chromosome_map(masks))

    @classmethod
    def from_boxes(cls, name: str, case_id: str, split: str, image: F32, boxes: F32, labels: I64) -> Sample:
        """A whole image of which only boxes are known; its maps are blank."""
        blank = np.zeros(image.shape, dtype=bool)
        return cls(name, case_id, split, "metaphase", image, None, blank, blank, boxes, labels)


def write_samples(folder: Path, samples: Iterable[Sample]) -> int:
    """Write a prepared set in one step, replacing what was there; returns the number of samples."""
    entries = []
    with replacing(folder) as root:
        root.mkdir()
        for sample in samples:
            entries.append(sample.entry)
            maps = np.stack([sample.crossing, sample.chromosome])
            arrays: dict[str, Any] = {
                "image": sample.image.astype(np.float16),
                "maps": np.packbits(maps, axis=-1),
            }
            if sample.masks is not None:
                arrays["masks"] = np.packbits(sample.masks, axis=-1)
            if sample.boxes is not None:
                arrays["boxes"] = sample.boxes
            if sample.labels is not None:
                arrays["labels"] = sample.labels
            if sample.ignored is not None:
                arrays["ignored"] = np.packbits(sample.ignored, axis=-1)
            if sample.derived:
                arrays["derived"] = np.array(True)
            np.savez_compressed(root / f"{sample.name}.npz", **arrays)
        write_index(root, entries)
    return len(entries)


def read_samples(
    folder: Path,
    *,
    splits: tuple[str, ...] = SPLITS,
    kinds: tuple[str, ...] = KINDS,
    datasets: Collection[str] = (),
    fold: tuple[int, int] | None = None,
) -> Iterator[Sample]:
    """Read a prepared set, or part of it, in the order it was written.

    Args:
        folder: Output of the stage `prepare`.
        splits: Which splits.
        kinds: Which kinds of sample.
        datasets: Only samples of these datasets, if any are named.
        fold: (fold, folds): split the cases anew for a cross-validation instead of by the datasets' own splits.

    Raises:
        DataError: The folder holds no prepared set, or one of another version.
    """
    yield from read_entries(folder, read_index(folder, splits=splits, kinds=kinds, datasets=datasets, fold=fold))


def read_entries(folder: Path, entries: Iterable[SampleEntry]) -> Iterator[Sample]:
    """Read some samples of a prepared set, in their order."""
    for entry in entries:
        yield _read(folder / f"{entry.name}.npz", entry)


def _read(path: Path, entry: SampleEntry) -> Sample:
    with np.load(path) as arrays:
        image = arrays["image"].astype(np.float32)
        crossing, chromosome = _unpack(arrays["maps"], image.shape[1])
        masks = _unpack(arrays["masks"], image.shape[1]) if "masks" in arrays else None
        ignored = _unpack(arrays["ignored"], image.shape[1]) if "ignored" in arrays else None
        boxes = {name: arrays[name] for name in ("boxes", "labels") if name in arrays}
        derived = "derived" in arrays
    values: dict[str, Any] = {
        **asdict(entry),
        "image": image,
        "masks": masks,
        "crossing": crossing,
        "chromosome": chromosome,
        "ignored": ignored,
        "derived": derived,
    }
    return Sample(**values, **boxes)


def _unpack(bits: Any, width: int) -> Bool:
    return np.unpackbits(bits, axis=-1, count=width).view(bool)  # 0 and 1 alone: no copy of all masks
