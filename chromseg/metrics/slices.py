"""Parts of a test set that a mean over all can hide: which stain, what kind of crossing, how many chromosomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage

from chromseg.annotations.clusters import MIN_CROSSING_AREA, is_touching, regions_of_at_least
from chromseg.annotations.maps import crossing_map, label_regions
from chromseg.arrays import Bool
from chromseg.metrics.catalogue import SLICED
from chromseg.metrics.cutouts import CutoutScore, summarize_cutouts
from chromseg.metrics.instances import InstanceScore, summarize_instances

_ARM = 10  # px that an arm beyond a crossing has at least
_GROWTH = 2  # px that a crossing is grown before arms are counted, as for touching clusters (contract §3)
_MANY = 4  # chromosomes of a cluster that are counted apart


def slice_labels(masks: Bool | None, stain: str) -> dict[str, str]:
    """Which slices a cut-out belongs to.

    Args:
        masks: bool (N, H, W), the true instances; None if they are not known, which leaves only the stain.
        stain: Of its dataset.

    Returns:
        `stain`; `crossing`: "touching", "several" crossings, or one of form "X" (both chromosomes pass), "T" (one ends
        there), "L" (both end there); `chromosomes`: "2", "3" or "4-or-more".
    """
    labels = {"stain": stain}
    if masks is not None and len(masks):
        labels["crossing"] = crossing_form(masks)
        labels["chromosomes"] = str(len(masks)) if len(masks) < _MANY else f"{_MANY}-or-more"
    return labels


def crossing_form(masks: Bool) -> str:
    """The form of the crossings of one cluster, bool (N, H, W); see `slice_labels`. "none" without a crossing."""
    if is_touching(masks):
        return "touching"
    regions = regions_of_at_least(crossing_map(masks), MIN_CROSSING_AREA)
    count = label_regions(regions)[1]
    if count != 1:
        return "several" if count else "none"
    grown = ndimage.binary_dilation(regions, iterations=_GROWTH)
    ending = sum(_arms(mask & ~grown) < 2 for mask in masks if (mask & regions).any())
    return "XTL"[min(ending, 2)]


def summarize_slices(scores: Sequence[CutoutScore], labels: Sequence[Mapping[str, str]]) -> dict[str, float | None]:
    """Some metrics of each slice: `test/slice/<by>/<value>/<metric>`.

    Args:
        scores: One per cut-out.
        labels: Its `slice_labels`, in the same order.
    """
    found: dict[str, float | None] = {}
    for by, value in sorted({item for each in labels for item in each.items()}):
        part = [score for score, each in zip(scores, labels, strict=True) if each.get(by) == value]
        summary = summarize_cutouts(part)
        found |= {f"test/slice/{by}/{value}/{key}": summary[key] for key in ("n_images", *SLICED)}
    return found


def stain_slices(images: Sequence[InstanceScore], stains: Sequence[str]) -> dict[str, float | None]:
    """The metrics of whole images by stain, one of each image: `test/slice/stain/<stain>/<metric>`; {} without any."""
    found: dict[str, float | None] = {}
    for stain in sorted(set(stains)):
        part = [image for image, own in zip(images, stains, strict=True) if own == stain]
        values = summarize_instances(part) | {"n_metaphases": len(part)}
        found |= {f"test/slice/stain/{stain}/{key}": value for key, value in values.items()}
    return found


def _arms(mask: Bool) -> int:
    parts, count = ndimage.label(mask, structure=np.ones((3, 3)))
    return int((np.bincount(parts.ravel(), minlength=count + 1)[1:] >= _ARM).sum())
