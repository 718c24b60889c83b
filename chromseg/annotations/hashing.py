"""Which test was it: the md5 of what the test splits of datasets hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from chromseg.annotations.collection import collect
from chromseg.annotations.dataset import Dataset, ImageRecord, InstanceRecord, read_dataset
from chromseg.dvc import file_md5
from chromseg.errors import DataError


def md5_of_test(roots: Iterable[Path], corrected_by: Sequence[Path] = ()) -> str:
    """The hash of what the test splits of some datasets hold: two models with the same one were judged on the same.

    It is the md5 of the sorted md5s of every test image and of its annotations. Names, ids, other splits and the card
    do not enter, so it moves only when the test itself does.

    Args:
        roots: Folders of datasets.
        corrected_by: Folders of datasets whose outlines of the same pictures hold instead, the latest last.

    Raises:
        DataError: A dataset or one of its test images cannot be read; or the sets give one picture two splits.
    """
    later = [read_dataset(root) for root in corrected_by]
    hashes = [one for root in roots for one in _test_hashes(read_dataset(root), later)]
    return _md5("\n".join(sorted(hashes)))


def _test_hashes(dataset: Dataset, later: Sequence[Dataset]) -> list[str]:
    if later:
        own = [each for each in collect([dataset, *later]) if each.dataset is dataset and each.image.split == "test"]
        judged = [(each.image, each.outlined, each.outlines) for each in own]
    else:
        judged = [(image, dataset, image) for image in dataset.in_split("test")]
    return [
        one
        for image, outlined, outlines in judged
        for one in (*_file_hashes(dataset, image, outlined, outlines), _annotation_hash(outlined, outlines))
    ]


def _file_hashes(dataset: Dataset, image: ImageRecord, outlined: Dataset, outlines: ImageRecord) -> list[str]:
    """md5 of the image file, and of its two maps where the set that outlines it has them."""
    paths = [dataset.root / "images" / image.file_name]
    if outlined.has_maps:
        paths += [
            (outlined.root / "maps" / kind / outlines.file_name).with_suffix(".png")
            for kind in ("crossing", "chromosome")
        ]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise DataError(f"no {missing[0]}", expected="every file of the dataset", remedy="import the set again")
    return [file_md5(path) for path in paths]


def _annotation_hash(dataset: Dataset, image: ImageRecord) -> str:
    """md5 of an image's instances, in any order and whatever their ids, and of what is to be ignored."""
    contents = [json.dumps(_content(dataset, one), sort_keys=True) for one in dataset.instances_of[image.id]]
    if image.ignore:
        contents.append(json.dumps({"ignore": image.ignore}, sort_keys=True))
    return _md5("\n".join(sorted(contents)))


def _content(dataset: Dataset, instance: InstanceRecord) -> dict[str, Any]:
    return {
        "category": dataset.categories.get(instance.category_id, str(instance.category_id)),
        "segmentation": instance.segmentation,
        "bbox": list(instance.bbox),
        "iscrowd": instance.iscrowd,
    }


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
