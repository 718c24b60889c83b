"""Whole metaphases of a dataset as samples, for benchmarks that need no prepared set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chromseg.annotations import Sample, load_image, load_masks, read_dataset


def metaphases(root: Path, split: str, limit: int = 0) -> Iterator[Sample]:
    """The annotated images of one split, the first `limit` of them if that is above 0."""
    dataset = read_dataset(root)
    records = [record for record in dataset.images if record.split == split]
    for record in records[: limit or None]:
        image, masks = load_image(dataset, record), load_masks(dataset, record)
        case = f"{root.name}/{record.case}"
        yield Sample.from_masks(record.file_name, case, split, "metaphase", image, masks)
