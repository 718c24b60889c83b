"""Facts of one annotation: its box, its outline, and how far they leave the image."""

from __future__ import annotations

import numpy as np

from chromseg.annotations.dataset import ImageRecord, InstanceRecord
from chromseg.annotations.rasterize import BoolArray, rasterize
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
)


def annotation_facts(instance: InstanceRecord, image: ImageRecord) -> tuple[Facts, BoolArray | None]:
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
