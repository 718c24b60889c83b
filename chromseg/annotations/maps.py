"""The two maps that ChromSeg learns, derived from instance masks and never stored by hand."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from chromseg.arrays import I32, Bool
from chromseg.boxes import window_of

EIGHT_CONNECTED = np.ones((3, 3), dtype=bool)


def chromosome_map(masks: Bool) -> Bool:
    """Union of the instances: bool (N, H, W) → (H, W)."""
    return np.asarray(masks.any(axis=0))


def crossing_map(masks: Bool) -> Bool:
    """Where two or more instances lie: bool (N, H, W) → (H, W)."""
    return np.asarray(masks.sum(axis=0, dtype=np.int16) >= 2)


def label_regions(region_map: Bool) -> tuple[I32, int]:
    """Number the 8-connected regions of bool (H, W) from 1: labels int32 (H, W), and how many there are."""
    labels, count = ndimage.label(region_map, structure=EIGHT_CONNECTED)
    return np.asarray(labels, dtype=np.int32), int(count)


def largest_region(mask: Bool) -> Bool:
    """The largest 8-connected region of bool (H, W); a chromosome is in one piece."""
    window = window_of(mask)
    labels, count = label_regions(mask[window])
    if count < 2:
        return mask
    largest = np.zeros_like(mask)
    largest[window] = labels == 1 + int(np.bincount(labels.ravel())[1:].argmax())
    return largest
