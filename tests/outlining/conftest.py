"""Drawn metaphases, and the boxes that an annotator would have left of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chromseg.annotations import Dataset, load_masks, write_dataset
from chromseg.annotations.clusters import find_clusters
from chromseg.synthesis import synthesize_dataset
from chromseg.synthesis.box_singles import MARGIN


def boxed(dataset: Dataset, root: Path) -> Dataset:
    """The same pictures on disk as an annotator of boxes leaves them, with two classes."""
    left, top, right, bottom = MARGIN
    grown = (-left, -top, left + right, top + bottom)
    instances = tuple(
        replace(
            each,
            segmentation=[],
            category_id=1 + each.id % 2,
            bbox=tuple(a + b for a, b in zip(each.bbox, grown, strict=True)),
        )
        for each in dataset.instances
    )
    card = replace(dataset.card, name=root.name, stain="g-band")
    made = replace(dataset, root=root, card=card, instances=instances, categories={1: "A1", 2: "A2"})
    write_dataset(made, {image.id: dataset.root / "images" / image.file_name for image in dataset.images})
    return made


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Four metaphases of two cases, some chromosomes touching and crossing."""
    return synthesize_dataset(tmp_path_factory.mktemp("drawn"), "drawn", count=4, seed=3, crossings=2, touching=2)


@pytest.fixture(scope="session")
def truth(drawn: Dataset) -> dict[str, np.ndarray]:
    """Masks by file name."""
    return {image.file_name: load_masks(drawn, image) for image in drawn.images}


@pytest.fixture(scope="session")
def in_clusters(truth: dict[str, np.ndarray]) -> dict[str, list[tuple[int, ...]]]:
    """By file name, which chromosomes lie together."""
    found = {name: [cluster.indices for cluster in find_clusters(masks)] for name, masks in truth.items()}
    return {name: [indices for indices in each if len(indices) > 1] for name, each in found.items()}


@pytest.fixture
def root(tmp_path: Path, drawn: Dataset) -> Path:
    """Folder of datasets, with the boxes as `boxes`."""
    boxed(drawn, tmp_path / "boxes")
    return tmp_path
