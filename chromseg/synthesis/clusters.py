"""Crossing clusters laid from real single chromosomes: real texture, exact truth.

Each single is turned and laid over others of its case on plain ground; in bright field transmittance multiplies, in
fluorescence light adds. How many lie in a cluster and how, is measured on real clusters: there most further
chromosomes touch, and nowhere do three lie over one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.annotations.clusters import CUTOUT_SIZE
from chromseg.annotations.dataset import Dataset, load_masks
from chromseg.arrays import F64, U8, Bool
from chromseg.boxes import window_of
from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity
from chromseg.images.pictures import read_grey
from chromseg.synthesis.chromosome import Drawing
from chromseg.synthesis.groups import Draw, crossing_group, union
from chromseg.synthesis.picture import DrawnPicture


@dataclass(frozen=True)
class Manner:
    """How chromosomes lie in a cluster.

    Attributes:
        sizes: Chromosomes a cluster, and the probability of each number.
        crossing: Probability that a chromosome after the second crosses another; else it touches.
        most_hidden: Share of a chromosome that may lie under or over others.
        deepest: How many chromosomes may lie over one another.
    """

    sizes: Mapping[int, float]
    crossing: float
    most_hidden: float
    deepest: int

    def allows(self, masks: Bool) -> bool:
        """Whether masks bool (N, H, W) lie as those of a cluster of this manner do."""
        depth = masks.sum(axis=0)
        hidden = [(depth[mask] > 1).mean() for mask in masks]
        return bool(depth.max() <= self.deepest and max(hidden) <= self.most_hidden)


AS_REAL = Manner({2: 0.84, 3: 0.11, 4: 0.04, 5: 0.01}, 0.32, 0.45, 2)  # the 110 train and val clusters of bioimlab
CROWDED = Manner({2: 0.61, 3: 0.22, 4: 0.09, 5: 0.08}, 0.75, 1.0, 5)  # counts of ChromSeg's Table I, laid at random

_FAINTEST = 1e-3  # least absorbance inside a mask, so that the drawn area is the mask
_AXIS_POINTS = 24
_TRIES = 60
_MARGIN = 4  # px of ground around a cluster


def lay_clusters(
    singles: Dataset, count: int, seed: int, *, manner: Manner = AS_REAL, size: int = CUTOUT_SIZE
) -> list[DrawnPicture]:
    """Lay singles over one another, 2–5 a cluster in X, T and L crossings, some also touching.

    Cases take turns, so each gives as many clusters as the next; clusters of one seed do not depend on `count`.

    Args:
        singles: A set of one chromosome an image, as the importer `singles` makes it; images of crowds are left out.
        count: How many clusters.
        seed: Same seed, same pixels.
        manner: How they lie: `AS_REAL` or `CROWDED`.
        size: Side of the square images in pixels.

    Returns:
        `count` clusters, uint8 (size, size) on plain ground in the polarity of the singles, each of one case only.

    Raises:
        DataError: No case has two singles, or the singles of a case do not fit the square.
    """
    by_case = _singles_by_case(singles)
    cases = [case for case, drawings in by_case.items() if len(drawings) >= 2]
    if not cases:
        raise DataError(
            f"{singles.root} has no case with two single chromosomes",
            expected="images of one chromosome each, several a case",
            remedy="import the cut-outs with `data import singles … --case-regex`",
        )
    splits = {image.case: image.split for image in singles.images}
    clusters = []
    for index in range(count):
        case = cases[index % len(cases)]
        rng = np.random.default_rng([seed, index])
        image, masks = lay_cluster(rng, by_case[case], singles.card.polarity, manner=manner, size=size)
        clusters.append(DrawnPicture(f"{case}-{index + 1:04d}", case, splits[case], image, masks))
    return clusters


def lay_cluster(
    rng: np.random.Generator,
    singles: Sequence[Drawing],
    polarity: Polarity,
    *,
    manner: Manner = AS_REAL,
    size: int = CUTOUT_SIZE,
) -> tuple[U8, Bool]:
    """Lay some of `singles` into one crossing cluster, centred in a square of plain ground.

    Args:
        rng: Source of all choices.
        singles: At least two, see `single_drawing`.
        polarity: Of the image.
        manner: How they lie.
        size: Side of the square in pixels.

    Returns:
        image uint8 (size, size) and masks bool (N, size, size).

    Raises:
        DataError: No cluster was found that fits the square.
    """
    for attempt in range(_TRIES):
        sizes = manner.sizes if attempt < _TRIES // 2 else {2: 1.0}
        wanted = int(rng.choice(list(sizes), p=list(sizes.values())))
        chosen = rng.permutation(len(singles))[:wanted]
        group = _lay([partial(turned, rng, singles[index]) for index in chosen], rng, manner)
        whole = union(group)
        first, last = (extreme(np.argwhere(whole.mask), axis=0) for extreme in (np.min, np.max))
        if (last - first).max() + 2 * _MARGIN < size:
            rows, cols = ((size - 1 - first - last) // 2 - (whole.row, whole.col)).tolist()
            return compose([drawing.moved(rows, cols) for drawing in group], polarity, size)
    raise DataError(
        f"no two of {len(singles)} singles cross within {size}×{size} pixels in {_TRIES} tries",
        expected="singles shorter than the square",
        remedy="scale the singles down",
    )


def _lay(draws: Sequence[Draw], rng: np.random.Generator, manner: Manner) -> list[Drawing]:
    """A group in which chromosomes lie as `manner` says."""
    for _ in range(_TRIES):
        group = crossing_group(rng, draws, manner.crossing)
        whole = union(group)
        if manner.allows(_masks([drawing.moved(-whole.row, -whole.col) for drawing in group], whole.mask.shape)):
            return group
    raise DataError(
        f"{len(draws)} singles that hide more than {manner.most_hidden:.0%} of one another in {_TRIES} tries",
        expected="longer singles",
        remedy="scale the singles up, or lay crowded clusters",
    )


def compose(drawings: Sequence[Drawing], polarity: Polarity, size: int) -> tuple[U8, Bool]:
    """Render drawings on plain ground: 255 × product of transmittances, or the sum of lights on black."""
    absorbance = np.zeros((size, size))
    for drawing in drawings:
        absorbance[drawing.row : drawing.bottom, drawing.col : drawing.right] += drawing.absorbance
    light = np.exp(-absorbance) if polarity == "dark-on-light" else np.minimum(absorbance, 1)
    return np.rint(255 * light).astype(np.uint8), _masks(drawings, (size, size))


def _masks(drawings: Sequence[Drawing], shape: tuple[int, ...]) -> Bool:
    masks = np.zeros((len(drawings), *shape), dtype=bool)
    for mask, drawing in zip(masks, drawings, strict=True):
        mask[drawing.row : drawing.bottom, drawing.col : drawing.right] = drawing.mask
    return masks


def single_drawing(grey: npt.NDArray[Any], mask: Bool, polarity: Polarity) -> Drawing:
    """A real chromosome as something to lay: what it takes from the ground's light (or adds to it) within its mask.

    Args:
        grey: uint8 or uint16 (H, W).
        mask: bool (H, W), not empty.
        polarity: Of the picture.
    """
    full = np.iinfo(grey.dtype).max
    ground = float(np.median(grey[~mask])) if not mask.all() else (full if polarity == "dark-on-light" else 0)
    if polarity == "dark-on-light":
        absorbance = -np.log(np.clip(grey / max(ground, 1.0), 0.5 / full, 1))
    else:
        absorbance = np.clip((grey - ground) / full, 0, 1)
    absorbance = np.where(mask, np.maximum(absorbance, _FAINTEST), 0)
    return Drawing(0, 0, mask, absorbance, _principal_axis(mask))


def turned(rng: np.random.Generator, single: Drawing, heading: float) -> Drawing:
    """A single turned so that it points to `heading`, at random head or tail first and mirrored or not."""
    if rng.random() < 0.5:
        flipped_axis = (0, single.mask.shape[1] - 1) + single.axis * (1, -1)
        single = Drawing(0, 0, single.mask[:, ::-1], single.absorbance[:, ::-1], flipped_axis)
    rows, cols = single.axis[-1] - single.axis[0]
    angle = heading - np.arctan2(cols, rows) + rng.choice([0, np.pi])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(single.mask.shape) - 1) / 2
    side = int(np.ceil(np.hypot(*single.mask.shape))) + 2
    centre = middle + (side - np.array(single.mask.shape)) // 2  # whole pixels away, so no turn changes nothing

    def turn_pixels(values: F64) -> F64:
        offset = middle - turn.T @ centre
        return np.asarray(ndimage.affine_transform(values, turn.T, offset, (side, side), order=1))

    mask = turn_pixels(single.mask.astype(np.float64)) > 0.5
    absorbance = np.where(mask, np.maximum(turn_pixels(single.absorbance), _FAINTEST), 0)
    return _trimmed(mask, absorbance, (single.axis - middle) @ turn.T + centre)


def _trimmed(mask: Bool, absorbance: F64, axis: F64) -> Drawing:
    """A drawing without empty rim, which would leave a square that the chromosome fits."""
    rows, cols = window = window_of(mask)
    return Drawing(rows.start, cols.start, mask[window], absorbance[window], axis)


def _singles_by_case(singles: Dataset) -> dict[str, list[Drawing]]:
    by_case: dict[str, list[Drawing]] = {}
    for image in singles.images:
        instances = singles.instances_of[image.id]
        if len(instances) == 1 and not instances[0].iscrowd:
            grey = read_grey(singles.root / "images" / image.file_name)
            drawing = single_drawing(grey, load_masks(singles, image)[0], singles.card.polarity)
            by_case.setdefault(image.case, []).append(drawing)
    return by_case


def _principal_axis(mask: Bool) -> F64:
    """A rough centre line (n, 2): means of slabs across the longest extent, each moved to the nearest mask pixel."""
    pixels = np.argwhere(mask).astype(np.float64)
    centred = pixels - pixels.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    direction = directions[:, -1] * np.sign(directions[np.argmax(np.abs(directions[:, -1])), -1])
    along = centred @ direction  # the sign is a library's whim, pixels must not be
    edges = np.linspace(along.min(), along.max(), _AXIS_POINTS + 1)
    slabs = np.clip(np.searchsorted(edges, along, side="right") - 1, 0, _AXIS_POINTS - 1)
    means = np.stack([pixels[slabs == slab].mean(axis=0) for slab in np.unique(slabs)])
    nearest = np.argmin(((pixels[None] - means[:, None]) ** 2).sum(axis=-1), axis=1)
    return np.asarray(pixels[nearest])
