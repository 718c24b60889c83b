"""Crossing clusters laid from real single chromosomes: real texture, exact truth.

Each single is turned and laid over others of its case on plain ground; in bright field transmittance multiplies, in
fluorescence light adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.annotations.absorbance import Polarity
from chromseg.annotations.clusters import CUTOUT_SIZE
from chromseg.annotations.dataset import Dataset, load_masks
from chromseg.annotations.pictures import read_grey
from chromseg.annotations.rasterize import BoolArray
from chromseg.errors import DataError
from chromseg.synthesis.chromosome import Drawing
from chromseg.synthesis.groups import crossing_group, union
from chromseg.synthesis.karyotype import FloatArray
from chromseg.synthesis.picture import Picture

_SIZES = {2: 0.61, 3: 0.22, 4: 0.09, 5: 0.08}  # chromosomes a cluster: counts of ChromSeg's Table I
_FAINTEST = 1e-3  # least absorbance inside a mask, so that the drawn area is the mask
_AXIS_POINTS = 24
_TRIES = 60
_MARGIN = 4  # px of ground around a cluster


def lay_clusters(singles: Dataset, count: int, seed: int, *, size: int = CUTOUT_SIZE) -> list[Picture]:
    """Lay singles over one another, 2–5 a cluster in X, T and L crossings, some also touching.

    Cases take turns, so each gives as many clusters as the next; clusters of one seed do not depend on `count`.

    Args:
        singles: A set of one chromosome an image, as the importer `singles` makes it; images of crowds are left out.
        count: How many clusters.
        seed: Same seed, same pixels.
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
    splits = {image.case_id: image.split for image in singles.images}
    clusters = []
    for index in range(count):
        case = cases[index % len(cases)]
        image, masks = lay_cluster(np.random.default_rng([seed, index]), by_case[case], singles.card.polarity, size)
        clusters.append(Picture(f"{case}-{index + 1:04d}", case, splits[case], image, masks))
    return clusters


def lay_cluster(
    rng: np.random.Generator, singles: Sequence[Drawing], polarity: Polarity, size: int = CUTOUT_SIZE
) -> tuple[npt.NDArray[np.uint8], BoolArray]:
    """Lay some of `singles` into one crossing cluster, centred in a square of plain ground.

    Args:
        rng: Source of all choices.
        singles: At least two, see `single_drawing`.
        polarity: Of the image.
        size: Side of the square in pixels.

    Returns:
        image uint8 (size, size) and masks bool (N, size, size).

    Raises:
        DataError: No cluster was found that fits the square.
    """
    for attempt in range(_TRIES):
        wanted = int(rng.choice(list(_SIZES), p=list(_SIZES.values()))) if attempt < _TRIES // 2 else 2
        chosen = rng.permutation(len(singles))[:wanted]
        group = crossing_group(rng, [partial(turned, rng, singles[index]) for index in chosen])
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


def compose(drawings: Sequence[Drawing], polarity: Polarity, size: int) -> tuple[npt.NDArray[np.uint8], BoolArray]:
    """Render drawings on plain ground: 255 × product of transmittances, or the sum of lights on black."""
    absorbance = np.zeros((size, size))
    masks = np.zeros((len(drawings), size, size), dtype=bool)
    for mask, drawing in zip(masks, drawings, strict=True):
        window = (slice(drawing.row, drawing.bottom), slice(drawing.col, drawing.right))
        mask[window] = drawing.mask
        absorbance[window] += drawing.absorbance
    light = np.exp(-absorbance) if polarity == "dark-on-light" else np.minimum(absorbance, 1)
    return np.rint(255 * light).astype(np.uint8), masks


def single_drawing(grey: npt.NDArray[Any], mask: BoolArray, polarity: Polarity) -> Drawing:
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

    def turn_pixels(values: FloatArray) -> FloatArray:
        offset = middle - turn.T @ centre
        return np.asarray(ndimage.affine_transform(values, turn.T, offset, (side, side), order=1))

    mask = turn_pixels(single.mask.astype(np.float64)) > 0.5
    absorbance = np.where(mask, np.maximum(turn_pixels(single.absorbance), _FAINTEST), 0)
    return _trimmed(mask, absorbance, (single.axis - middle) @ turn.T + centre)


def _trimmed(mask: BoolArray, absorbance: FloatArray, axis: FloatArray) -> Drawing:
    """A drawing without empty rim, which would leave a square that the chromosome fits."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1))
    return Drawing(int(rows[0]), int(cols[0]), mask[window], absorbance[window], axis)


def _singles_by_case(singles: Dataset) -> dict[str, list[Drawing]]:
    by_case: dict[str, list[Drawing]] = {}
    for image in singles.images:
        instances = singles.instances_of[image.id]
        if len(instances) == 1 and not instances[0].iscrowd:
            grey = read_grey(singles.root / "images" / image.file_name)
            drawing = single_drawing(grey, load_masks(singles, image)[0], singles.card.polarity)
            by_case.setdefault(image.case_id, []).append(drawing)
    return by_case


def _principal_axis(mask: BoolArray) -> FloatArray:
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
