"""Facts of one annotation: its box, its outline, and how far they leave the image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from chromseg.annotations.dataset import ImageRecord, InstanceRecord
from chromseg.annotations.rasterize import rasterize
from chromseg.arrays import Bool
from chromseg.boxes import Window, box_of
from chromseg.errors import DataError
from chromseg.validation.facts import Facts

ANNOTATION_FACTS = (
    "annotation_id",
    "category_id",
    "box_side_px",
    "box_outside_px",
    "outline_problem",
    "mask_outside_px",
    "mask_area_px",
    "copy_of",
    "box_copy_of",
)
_SAME_BOX = 0.9  # IoU of their boxes, of boxes alone too
_SAME = 0.95  # IoU of two outlines that are one drawn twice; crossing chromosomes share far less


def annotation_facts(instance: InstanceRecord, image: ImageRecord) -> tuple[Facts, Bool | None]:
    """Measure one annotation; nothing is raised, an outline that cannot be used is named in `outline_problem`.

    Returns:
        All of `ANNOTATION_FACTS` with `file` and `item` (sides and overhangs in px), and the filled mask bool (H, W),
        or None for a box alone or an outline that cannot be filled.
    """
    facts: Facts = {"file": image.file_name, "item": f"annotation {instance.id}"} | dict.fromkeys(ANNOTATION_FACTS)
    facts |= {"annotation_id": instance.id, "category_id": instance.category_id}
    facts |= _box_facts(instance, image)
    if not instance.segmentation:
        return facts, None
    try:
        mask = rasterize(instance.segmentation, image.height, image.width)
        outside = _polygons_outside(instance, image)
    except DataError as error:
        return facts | {"outline_problem": error.got}, None
    except (
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
    ) as error:  # what a segmentation may hold that is not one at all
        return facts | {"outline_problem": f"not a segmentation ({type(error).__name__}: {error})"}, None
    area = None if instance.iscrowd else int(mask.sum())  # a crowd may have any size
    return facts | {"mask_area_px": area, "mask_outside_px": outside}, mask


def _box_facts(instance: InstanceRecord, image: ImageRecord) -> Facts:
    left, top, width, height = instance.bbox
    overhang = max(0.0, -left, -top, left + width - image.width, top + height - image.height)
    return {"box_side_px": min(width, height), "box_outside_px": overhang}


def _polygons_outside(instance: InstanceRecord, image: ImageRecord) -> float:
    """How far the farthest point lies outside the image, in px; a run-length mask has the image's own size."""
    if isinstance(instance.segmentation, dict):
        return 0.0
    points = np.concatenate([np.reshape(polygon, (-1, 2)) for polygon in instance.segmentation])
    beyond = points - (image.width, image.height)
    return float(max(0.0, -points.min(), beyond.max()))


@dataclass(frozen=True)
class Footprint:
    """Where an annotation lies: its box, and its mask inside that of its own pixels, if it has one.

    Of a crowd the mask is what is to be ignored, which it may share with other crowds.
    """

    box: tuple[float, float, float, float]  # xywh
    mask: Bool | None
    crowd: bool = False

    @classmethod
    def of(cls, instance: InstanceRecord, mask: Bool | None) -> Footprint:
        """The footprint of an annotation and its filled mask (H, W)."""
        crowd = bool(instance.iscrowd)
        if mask is None or not mask.any():
            return cls(instance.bbox, None, crowd)
        left, top, right, bottom = box_of(mask)
        return cls((left, top, right - left, bottom - top), mask[top:bottom, left:right], crowd)

    def same_as(self, other: Footprint) -> bool:
        """Whether both outline one thing."""
        boxes = (self.box, other.box)
        left, top = (max(box[axis] for box in boxes) for axis in (0, 1))
        width, height = (min(box[axis] + box[axis + 2] for box in boxes) - low for axis, low in ((0, left), (1, top)))
        shared = max(width, 0.0) * max(height, 0.0)
        if shared < _SAME_BOX * (sum(box[2] * box[3] for box in boxes) - shared) or not shared:
            return False
        if self.mask is None or other.mask is None:
            return self.mask is other.mask
        ours, theirs = (each.mask[_window(each.box, left, top, width, height)] for each in (self, other))  # type: ignore[index]
        both = int((ours & theirs).sum())
        return both >= _SAME * (int(self.mask.sum()) + int(other.mask.sum()) - both)


def add_copies(rows: list[Facts], footprints: list[Footprint]) -> None:
    """Name, for each annotation of one image, the first that outlines the same thing.

    Outlines are named in `copy_of`, boxes alone in `box_copy_of`. Two crowds outline nothing.
    """
    for (first, one), (later, other) in combinations(enumerate(footprints), 2):
        if one.crowd and other.crowd:
            continue
        column = "box_copy_of" if other.mask is None else "copy_of"
        if rows[later][column] is None and one.same_as(other):
            rows[later][column] = rows[first]["item"]


def _window(box: tuple[float, float, float, float], left: float, top: float, width: float, height: float) -> Window:
    """The part of a mask inside its own box that lies in another one."""
    row, col = int(top - box[1]), int(left - box[0])
    return slice(row, row + int(height)), slice(col, col + int(width))
