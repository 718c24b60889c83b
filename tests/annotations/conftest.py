"""Drawn bars as chromosomes, and small datasets of them on disk."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from chromseg.annotations import Dataset, DatasetCard, ImageRecord, InstanceRecord, encode_rle, write_dataset

SIZE = 64


def _bar(row0, row1, col0, col1, size=SIZE):
    mask = np.zeros((size, size), dtype=bool)
    mask[row0:row1, col0:col1] = True
    return mask


def _record(index, image_id, mask, iscrowd):
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (float(cols[0]), float(rows[0]), float(np.ptp(cols) + 1), float(np.ptp(rows) + 1))
    return InstanceRecord(index, image_id, 1, encode_rle(mask), box, float(mask.sum()), int(iscrowd))


def _make_dataset(root, masks_of_images, *, splits=None, cases=None, crowds=()):
    images, instances, pixels = [], [], {}
    for image_id, masks in enumerate(masks_of_images, start=1):
        split = splits[image_id - 1] if splits else "test"
        case = cases[image_id - 1] if cases else f"case{image_id}"
        images.append(ImageRecord(image_id, f"{image_id}.png", SIZE, SIZE, case, split))
        grey = np.full((SIZE, SIZE), 240, dtype=np.uint8)
        for mask in masks:
            grey[mask] //= 2
            instances.append(_record(len(instances) + 1, image_id, mask, len(instances) in crowds))
        pixels[image_id] = grey
    card = DatasetCard(root.name, "g-band", "dark-on-light", "drawn", "CC0-1.0", "none", "test", "0")
    dataset = Dataset(root, card, tuple(images), tuple(instances), {1: "chromosome"})
    write_dataset(dataset, pixels)
    return dataset


@pytest.fixture
def bar() -> Callable[..., np.ndarray]:
    """bar(row0, row1, col0, col1): bool (64, 64), true on these rows and columns."""
    return _bar


@pytest.fixture
def make_dataset() -> Callable[..., Dataset]:
    """make_dataset(root, [[mask, …] of each image]): writes 64×64 images; `crowds` are indices of annotations."""
    return _make_dataset


@pytest.fixture
def crossing_bars():
    """A horizontal and a vertical bar, 8 wide, that cross in 8×8 pixels: bool (2, 64, 64)."""
    return np.stack([_bar(28, 36, 4, 60), _bar(4, 60, 28, 36)])


@pytest.fixture
def cells(tmp_path, crossing_bars):
    """Two images: a crossing and a bar alone in train; a bar alone in test."""
    alone = _bar(2, 10, 40, 62)
    return _make_dataset(
        tmp_path / "cells", [[*crossing_bars, _bar(50, 60, 50, 60)], [alone]], splits=["train", "test"]
    )
