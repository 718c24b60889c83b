"""From a set of boxes to a set of instances: what is outlined, what is ignored, and how much of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chromseg import __version__
from chromseg.annotations.dataset import (
    Dataset,
    ImageRecord,
    InstanceRecord,
    load_boxes,
    load_ignored,
    load_image,
    read_dataset,
    write_dataset,
)
from chromseg.annotations.rasterize import encode_rle
from chromseg.annotations.records import LAID_FROM, DatasetCard
from chromseg.annotations.splits import SPLITS
from chromseg.arrays import F32, Bool
from chromseg.boxes import box_of
from chromseg.errors import DataError, InputRefusedError
from chromseg.inference.predictor import Predictor
from chromseg.naming import check_dataset_name
from chromseg.outlining.picture import Outlined, outline_boxes

IMPORTER = "outline"
OUTLINED_FROM = "outlined_from"  # option on the card of an outlined set: the set of boxes it was made of


@dataclass(frozen=True)
class Shares:
    """How many chromosomes of some pictures are known, and how.

    Attributes:
        pictures: How many.
        boxes: Chromosomes; each has a box.
        alone: Those outlined because nothing else lies in their box.
        cut: Those outlined as the model has cut them.
        ignored: The others.
    """

    pictures: int
    boxes: int
    alone: int
    cut: int
    ignored: int


@dataclass(frozen=True)
class Outlining:
    """What came of it.

    Attributes:
        dataset: As written.
        refused: By file name, why the model refused a picture; there only what lies alone is known.
    """

    dataset: Dataset
    refused: dict[str, str]

    def shares(self, split: str = "") -> Shares:
        """Counts of one split, or of all."""
        images = self.dataset.in_split(split) if split else self.dataset.images
        each = [one for image in images for one in self.dataset.instances_of[image.id]]
        derived = [one for one in each if one.quality == "derived"]
        cut = sum(bool(one.cut_by) for one in derived)
        boxes = sum(one.quality == "box" for one in each)
        return Shares(len(images), len(derived) + boxes, len(derived) - cut, cut, boxes)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "dataset": self.dataset.root.as_posix(),
            "model": self.dataset.card.options.get("model"),
            "all": asdict(self.shares()),
            "splits": {split: asdict(self.shares(split)) for split in SPLITS},
            "refused": self.refused,
        }


def outline_dataset(
    root: Path,
    name: str,
    into: str,
    *,
    predictor: Predictor | None = None,
    limit: int | None = None,
    tell: Callable[[str], None] = lambda message: None,
) -> Outlining:
    """Make `root/into` of the set of boxes `root/name`: same pictures, cases, splits and classes, with outlines.

    Chromosomes that lie alone in their box and those that the model cuts as the boxes say get outlines (`quality`
    derived). Every other one is a crowd (`quality` box) whose pixels are also in the `ignore` of its image, as is what
    else is dark in a box. Equal set, model and options give equal files. An outlined set of the same boxes gives way to
    the new one.

    Args:
        root: Folder of all datasets.
        name: Of the set of boxes.
        into: Of the new one.
        predictor: Cuts clusters; None leaves them all unknown.
        limit: How many pictures, the first; None for all.
        tell: Called with each message meant for the user.

    Raises:
        DataError: There is no such set, it has no boxes or has outlines, or `into` is unfit or taken by another set.
        OutputError: The dataset cannot be written.
    """
    check_dataset_name(into, "--into")
    source = read_dataset(root / name)
    _check_boxes_alone(source)
    _check_free(root / into, name)
    images = source.images[:limit]
    outliner = _Outliner(source, predictor)
    records: list[ImageRecord] = []
    instances: list[InstanceRecord] = []
    for number, image in enumerate(images, start=1):
        ignored, found = outliner.outlined(image)
        records.append(replace(image, ignore=encode_rle(ignored) if ignored.any() else {}))
        instances += [replace(one, id=index) for index, one in enumerate(found, start=len(instances) + 1)]
        tell(f"{number} of {len(images)}: {image.file_name}{outliner.told(image)}")
    card = _card(source.card, name, into, predictor, limit)
    dataset = Dataset(root / into, card, tuple(records), tuple(instances), source.categories)
    write_dataset(dataset, {image.id: source.root / "images" / image.file_name for image in images}, replace=True)
    return Outlining(dataset, outliner.refused)


class _Outliner:
    """Outlines the pictures of one set, and remembers which the model refused."""

    def __init__(self, source: Dataset, predictor: Predictor | None) -> None:
        self._source = source
        self._predictor = predictor
        self._categories = sorted(source.categories)  # whose ranks `load_boxes` calls classes
        self._weights = (predictor.identity.weights_sha256 if predictor else None) or ""
        self.refused: dict[str, str] = {}

    def outlined(self, image: ImageRecord) -> tuple[Bool, list[InstanceRecord]]:
        """Pixels to be ignored, bool (H, W), and the instances of one picture, numbered later."""
        boxes, labels = load_boxes(self._source, image)
        found = outline_boxes(load_image(self._source, image), boxes, self._pieces(image))
        categories = [self._categories[label - 1] for label in labels]
        instances = [
            self._instance(image, category, box, index, found)
            for index, (category, box) in enumerate(zip(categories, boxes, strict=True))
        ]
        unparted = load_ignored(self._source, image)
        regions = [found.left, *found.unknown.values(), *([] if unparted is None else [unparted])]
        crowds = [one for one in self._source.instances_of[image.id] if one.iscrowd]
        return np.any(regions, axis=0), [*instances, *crowds]

    def _instance(self, image: ImageRecord, category: int, box: F32, index: int, found: Outlined) -> InstanceRecord:
        """One chromosome with its outline, or with the annotator's box and what is dark in it."""
        if index in found.unknown:
            region = found.unknown[index]
            corners = box.tolist()
            record = _record(image, category, region, corners)
            return replace(record, iscrowd=1, quality="box")
        by_model = index in found.cut
        mask = found.cut[index] if by_model else found.alone[index]
        record = _record(image, category, mask, box_of(mask))
        return replace(record, quality="derived", cut_by=self._weights if by_model else "")

    def told(self, image: ImageRecord) -> str:
        """Why the model refused a picture; empty if it did not."""
        return f": {self.refused[image.file_name]}" if image.file_name in self.refused else ""

    def _pieces(self, image: ImageRecord) -> Bool | None:
        if self._predictor is None:
            return None
        path = self._source.root / "images" / image.file_name
        try:
            result = self._predictor.predict(path, polarity=self._source.card.polarity)
        except InputRefusedError as error:
            self.refused[image.file_name] = str(error)
            return None
        masks = [instance.mask for instance in result.instances]
        return np.array(masks, dtype=bool).reshape(-1, image.height, image.width)


def _record(image: ImageRecord, category: int, mask: Bool, corners: Sequence[float]) -> InstanceRecord:
    left, top, right, bottom = map(float, corners)
    box = (left, top, right - left, bottom - top)
    return InstanceRecord(0, image.id, category, encode_rle(mask), box, float(mask.sum()))


def _card(real: DatasetCard, name: str, into: str, predictor: Predictor | None, limit: int | None) -> DatasetCard:
    options: dict[str, Any] = {LAID_FROM: real.cases_of, OUTLINED_FROM: name}
    if predictor is not None:
        own = predictor.identity
        options["model"] = {"name": own.name, "version": own.version, "weights_sha256": own.weights_sha256}
    if limit is not None:
        options["limit"] = limit
    source = f"{real.source}; outlines derived from boxes"
    return replace(real, name=into, source=source, importer=IMPORTER, importer_version=__version__, options=options)


def _check_boxes_alone(source: Dataset) -> None:
    if source.has_masks or source.has_maps or not source.instances:
        has = "outlines" if source.has_masks else "maps" if source.has_maps else "no boxes"
        raise DataError(
            f"{source.root} with {has}",
            expected="a set of boxes alone, as `data import voc` makes of VOC files",
            remedy="name such a set",
        )


def _check_free(target: Path, name: str) -> None:
    """Refuse the place of a set that is not an earlier outlining of the same boxes."""
    if not target.exists():
        return
    try:
        card = read_dataset(target).card
        earlier = card.importer == IMPORTER and card.options.get(OUTLINED_FROM) == name
    except DataError:
        earlier = False
    if not earlier:
        raise DataError(
            f"{target}, which exists and is no earlier outlining of {name}",
            expected="a new dataset name",
            remedy="choose another --into or remove the folder",
        )
