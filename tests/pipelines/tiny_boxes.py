"""A dataset of boxes and classes that is read in milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from chromseg.annotations import Dataset, DatasetCard, ImageRecord, InstanceRecord, write_dataset


def write_boxes(root: Path, name: str = "boxes") -> None:
    """Three images, one a split, with two chromosomes of two classes each, one of which leaves the image."""
    card = DatasetCard(name, "g-band", "dark-on-light", "drawn", "MIT", "none", "test", "1")
    images = tuple(
        ImageRecord(number, f"{number}.png", 48, 40, str(number), split)
        for number, split in enumerate(("train", "val", "test"), start=1)
    )
    instances = tuple(
        InstanceRecord(10 * image.id + kind, image.id, 5 * kind, [], (25.0 * (kind - 1), -2.0, 20.0, 30.0), 600.0)
        for image in images
        for kind in (1, 2)
    )
    dataset = Dataset(root / name, card, images, instances, {5: "A1", 10: "Y"})
    write_dataset(dataset, {image.id: _pixels(f"{name}/{image.id}") for image in images})


def _pixels(picture: str) -> npt.NDArray[np.uint8]:
    """Two dark boxes on a light ground with a grain of its own, so that no two pictures show the same."""
    grain = np.random.default_rng(list(picture.encode())).integers(-90, 20, (40, 48))
    grain[5:20, 5:15], grain[5:20, 28:38] = -190, -110
    return (230 + grain).astype(np.uint8)
