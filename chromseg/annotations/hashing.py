"""Which data was it: the md5 of a dataset as DVC computes it, and the md5 of its test split alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chromseg.annotations.dataset import Dataset, ImageRecord, InstanceRecord, read_dataset
from chromseg.errors import DataError


def data_md5(root: Path) -> str:
    """The hash of a folder that DVC writes to `dvc.lock` and `.dvc` files.

    It is the md5 of a JSON list of every file's md5 and relative path, ordered by path, with `.dir` at its end.

    Args:
        root: A dataset's folder.

    Raises:
        DataError: There is no such folder.
    """
    if not root.is_dir():
        raise DataError(f"no folder {root}", expected="a dataset", remedy="import it or run `dvc pull`")
    files = sorted((path.relative_to(root).as_posix(), path) for path in root.rglob("*") if path.is_file())
    listing = [{"md5": _md5_of_file(path), "relpath": name} for name, path in files]
    return _md5(json.dumps(listing)) + ".dir"


def test_md5(roots: Iterable[Path]) -> str:
    """The hash of what the test splits of some datasets hold: two models with the same one were judged on the same.

    It is the md5 of the sorted md5s of every test image and of its annotations. Names, ids, other splits and the card
    do not enter, so it moves only when the test itself does.

    Args:
        roots: Folders of datasets.

    Raises:
        DataError: A dataset or one of its test images cannot be read.
    """
    hashes = [one for root in roots for one in _test_hashes(read_dataset(root))]
    return _md5("\n".join(sorted(hashes)))


def _test_hashes(dataset: Dataset) -> list[str]:
    return [
        one
        for image in dataset.in_split("test")
        for one in (*_pixel_hashes(dataset, image), _annotation_hash(dataset, image))
    ]


def _pixel_hashes(dataset: Dataset, image: ImageRecord) -> list[str]:
    """md5 of the image file, and of its two maps where the set has them."""
    paths = [dataset.root / "images" / image.file_name]
    if dataset.has_maps:
        paths += [
            (dataset.root / "maps" / kind / image.file_name).with_suffix(".png") for kind in ("crossing", "chromosome")
        ]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise DataError(f"no {missing[0]}", expected="every file of the dataset", remedy="import the set again")
    return [_md5_of_file(path) for path in paths]


def _annotation_hash(dataset: Dataset, image: ImageRecord) -> str:
    """md5 of an image's instances, in any order and whatever their ids."""
    told = (json.dumps(_content(dataset, one), sort_keys=True) for one in dataset.instances_of[image.id])
    return _md5("\n".join(sorted(told)))


def _content(dataset: Dataset, instance: InstanceRecord) -> dict[str, Any]:
    return {
        "category": dataset.categories.get(instance.category_id, str(instance.category_id)),
        "segmentation": instance.segmentation,
        "bbox": list(instance.bbox),
        "iscrowd": instance.iscrowd,
    }


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _md5_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
