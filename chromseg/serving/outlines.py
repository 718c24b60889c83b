"""Masks as lines that a web page can draw: outlines of chromosomes, and of the places where they cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from skimage.measure import approximate_polygon, find_contours

from chromseg.annotations.maps import label_regions
from chromseg.arrays import Bool
from chromseg.boxes import box_of
from chromseg.inference.result import Instance

Rings: TypeAlias = list[list[float]]  # each x0, y0, x1, y1, … in pixels; pixel (col, row) covers col … col + 1


def outline_of(mask: Bool, bbox: tuple[int, int, int, int]) -> Rings:
    """The rings around a mask bool (H, W) that lies within `bbox` (x0, y0, x1, y1); filled even-odd they give it back.

    They run half-way between the centres of pixels inside and out, with no more points than that takes.
    """
    x0, y0, x1, y1 = bbox
    window = np.pad(mask[y0:y1, x0:x1], 1).astype(np.float32)
    rings = []
    for contour in find_contours(window, 0.5):
        points = approximate_polygon(contour, 0)[:, ::-1] + (x0 - 0.5, y0 - 0.5)
        rings.append([round(float(value), 2) for value in points.ravel()])
    return rings


def crossings_of(instances: Sequence[Instance], shape: tuple[int, int]) -> list[dict[str, Any]]:
    """Each 8-connected region where two or more instances lie: their numbers from 1, its area and outline."""
    depth = np.zeros(shape, dtype=np.uint8)
    for instance in instances:
        depth += instance.mask
    labels, count = label_regions(depth > 1)
    found = []
    for number in range(1, count + 1):
        region = np.asarray(labels == number)
        box = box_of(region)
        window = np.s_[box[1] : box[3], box[0] : box[2]]
        own = [index for index, one in enumerate(instances, start=1) if (one.mask[window] & region[window]).any()]
        found.append({"annotations": own, "area": int(region.sum()), "outline": outline_of(region, box)})
    return found
