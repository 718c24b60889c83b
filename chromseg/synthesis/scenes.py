"""Whole metaphases laid of real single chromosomes on real grounds, with exact truth.

A real picture gives its ground, with nuclei and debris, and the places: where its annotator drew a box, a single
chromosome of the same case is laid, of the same class if there is one, turned so that it fills the box. So chromosomes
touch and cross as often as real ones do. In bright field absorbances add where they cross, in fluorescence light does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.annotations.dataset import Dataset, ImageRecord, load_boxes, load_masks
from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.arrays import F32, F64, I64, U8, Bool
from chromseg.boxes import window_of
from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity, to_absorbance
from chromseg.images.pictures import read_grey
from chromseg.synthesis.box_singles import BoxSingles, box_singles, tightened
from chromseg.synthesis.picture import DrawnPicture

_RIM = 4  # px around an outline in which a chromosome still takes light: lenses blur
_LEAST_SINGLES = 8  # of a case; fewer would repeat themselves
_HEADINGS = 24  # turns that are tried
_BEST = 3  # of them one is drawn at random
_SMOOTH = 12.0  # px, standard deviation of the ground where a chromosome was taken away
_JITTER = 1.5  # px
_MOST_HIDDEN = 0.35  # share of a chromosome that another covers; two that lie lengthwise cannot be parted
_TRIES = 8  # then it lies as it lies


@dataclass(frozen=True)
class Single:
    """A real chromosome that lay alone.

    Attributes:
        mask: bool (h, w), its outline.
        signal: float64 (h, w), what it takes from the light or adds to it, its rim included, in units of its picture's
            `strength`.
        label: Its class, from 1 as `load_boxes` counts.
    """

    mask: Bool
    signal: F64
    label: int


@dataclass(frozen=True)
class Place:
    """A picture without its chromosomes, and where they lay.

    Attributes:
        image: The record it comes from.
        ground: float64 (H, W), grey levels.
        boxes: float32 (N, 4) xyxy around each chromosome.
        labels: int64 (N,), its class.
        strength: What its chromosomes take from the light (optical density) or add to it (grey levels), in the median.
        singles: Those of its chromosomes that lay alone.
    """

    image: ImageRecord
    ground: F64
    strength: float
    boxes: F32
    labels: I64
    singles: tuple[Single, ...]


def lay_scenes(dataset: Dataset, count: int, seed: int) -> Iterator[DrawnPicture]:
    """Lay metaphases, one after the other; pictures take turns in giving ground and places.

    Args:
        dataset: Real metaphases with masks or with boxes alone.
        count: How many.
        seed: Same seed, same pixels; scenes of one seed do not depend on `count`.

    Yields:
        Pictures uint8 (H, W) in the polarity, case and split of the picture that gave the ground, with the classes of
        `dataset`; masks in the order in which chromosomes lie, lowest first.

    Raises:
        DataError: No case has enough single chromosomes.
    """
    cases: dict[str, list[ImageRecord]] = {}
    for image in dataset.images:
        cases.setdefault(image.case, []).append(image)
    share, rest = divmod(count, len(dataset.images))
    wanted = {image.id: share + (index < rest) for index, image in enumerate(dataset.images)}
    laid = 0
    for images in cases.values():
        chosen = [image for image in images if wanted[image.id]]
        places = [place_of(dataset, image) for image in images] if chosen else []
        singles = [single for place in places for single in place.singles]
        if len(singles) < _LEAST_SINGLES:
            continue
        for place in places:
            for turn in range(wanted[place.image.id]):
                rng = np.random.default_rng([seed, place.image.id, turn])
                yield lay_scene(rng, place, singles, dataset.card.polarity, turn)
                laid += 1
    if not laid:
        raise DataError(
            f"{dataset.root} has no case with {_LEAST_SINGLES} chromosomes that lie alone",
            expected="metaphases with masks, or with boxes around single chromosomes",
            remedy="import more pictures of a case, or say which images are of one (`--case-regex`)",
        )


def place_of(dataset: Dataset, image: ImageRecord) -> Place:
    """Take the chromosomes out of a picture: its ground, where they lay, and those that lay alone."""
    grey = _eight_bits(read_grey(dataset.root / "images" / image.file_name))
    boxes, labels = load_boxes(dataset, image)
    if dataset.has_masks:
        found, tight = _masked_singles(load_masks(dataset, image)), boxes
    else:
        found = box_singles(to_absorbance(grey, dataset.card.polarity), boxes)
        tight = tightened(boxes)
    ground = _filled(grey, ndimage.binary_dilation(found.dark, structure=EIGHT_CONNECTED, iterations=_RIM))
    signal = _signal(grey, ground, dataset.card.polarity)
    strength = float(np.median([signal[mask].mean() for mask in found.outlines.values()] or [signal.max()]))
    singles = tuple(
        _cut(mask, signal / max(strength, 1e-6), found.dark & ~mask, int(labels[index]))
        for index, mask in found.outlines.items()
    )
    return Place(image, ground, strength, tight, labels, singles)


def lay_scene(
    rng: np.random.Generator, place: Place, singles: Sequence[Single], polarity: Polarity, turn: int = 0
) -> DrawnPicture:
    """Lay a chromosome into each box of a place."""
    signal = np.zeros(place.ground.shape)
    masks: list[Bool] = []
    classes: list[int] = []
    for index in rng.permutation(len(place.boxes)):
        box, label = place.boxes[index], int(place.labels[index])
        for _ in range(_TRIES):
            single = _chosen(rng, singles, label, box)
            mask, own = _lay(rng, single, box, signal.shape)
            if _hidden(mask, masks) <= _MOST_HIDDEN:
                break
        if mask.any():
            signal += own
            masks.append(mask)
            classes.append(single.label)
    signal *= place.strength
    light = place.ground * np.exp(-signal) if polarity == "dark-on-light" else place.ground + signal
    image = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    stem = place.image.file_name.rsplit(".", 1)[0].replace("/", "_")
    return DrawnPicture(
        f"{stem}-{turn + 1}", place.image.case, place.image.split, image, np.array(masks), tuple(classes)
    )


def _lay(rng: np.random.Generator, single: Single, box: F32, shape: tuple[int, ...]) -> tuple[Bool, F64]:
    """A chromosome somewhere near the middle of its box: mask and signal of the whole picture."""
    body, light = _turned_to_fit(rng, single, box)
    corner = np.rint((box[[1, 0]] + box[[3, 2]] - body.shape) / 2 + rng.normal(0, _JITTER, 2)).astype(int)
    window, inner = _overlap(corner, body.shape, shape)
    mask, signal = np.zeros(shape, dtype=bool), np.zeros(shape)
    mask[window], signal[window] = body[inner], light[inner]
    return mask, signal


def _hidden(mask: Bool, masks: Sequence[Bool]) -> float:
    """The largest share of a chromosome, or of another, that both have."""
    return max((float((mask & each).sum() / max(min(mask.sum(), each.sum()), 1)) for each in masks), default=0.0)


def _eight_bits(grey: U8 | npt.NDArray[np.uint16]) -> F64:
    return grey.astype(np.float64) * (255 / np.iinfo(grey.dtype).max)


def _masked_singles(masks: Bool) -> BoxSingles:
    """Of traced chromosomes those that touch no other."""
    depth = masks.sum(axis=0)
    alone = {}
    for index, mask in enumerate(masks):
        around = ndimage.binary_dilation(mask, structure=EIGHT_CONNECTED, iterations=2)
        if mask.any() and depth[around].sum() == mask.sum():
            alone[index] = mask
    return BoxSingles(depth > 0, alone)


def _filled(grey: F64, taken: Bool) -> F64:
    """The picture with smooth ground, as noisy as elsewhere, where chromosomes lay."""
    known = (~taken).astype(np.float64)
    smooth = ndimage.gaussian_filter(grey * known, _SMOOTH) / np.maximum(ndimage.gaussian_filter(known, _SMOOTH), 1e-6)
    fine = ndimage.gaussian_filter(grey, 1) - grey
    rng = np.random.default_rng(int(taken.sum()))
    noise = rng.choice(fine[~taken], size=int(taken.sum())) if (~taken).any() else 0
    ground = grey.copy()
    ground[taken] = smooth[taken] + noise
    return ground


def _signal(grey: F64, ground: F64, polarity: Polarity) -> F64:
    if polarity == "dark-on-light":
        return np.asarray(np.log(np.clip(ground, 1, None) / np.clip(grey, 1, None)).clip(0))
    return np.asarray((grey - ground).clip(0))


def _cut(mask: Bool, signal: F64, others: Bool, label: int) -> Single:
    """One chromosome with its rim, cut out of the picture."""
    reach = ndimage.binary_dilation(mask, structure=EIGHT_CONNECTED, iterations=_RIM) & ~others
    window = window_of(reach)
    return Single(mask[window], np.where(reach[window], signal[window], 0), label)


def _chosen(rng: np.random.Generator, singles: Sequence[Single], label: int, box: F32) -> Single:
    """One of the class, or else one of about the size of the box."""
    same = [single for single in singles if single.label == label]
    if len(same) >= 2:
        return same[int(rng.integers(len(same)))]
    length = np.hypot(*(box[2:] - box[:2]))
    by_size = sorted(singles, key=lambda single: abs(np.hypot(*single.mask.shape) - length))
    return by_size[int(rng.integers(min(len(by_size), _LEAST_SINGLES)))]


def _turned_to_fit(rng: np.random.Generator, single: Single, box: F32) -> tuple[Bool, F64]:
    """Mirrored or not, and turned so that it fills the box well."""
    mask, signal = single.mask, single.signal
    if rng.random() < 0.5:
        mask, signal = mask[:, ::-1], signal[:, ::-1]
    pixels = np.argwhere(mask) - (np.array(mask.shape) - 1) / 2
    angles = 2 * np.pi * (np.arange(_HEADINGS) + rng.random()) / _HEADINGS
    wanted = np.array([box[3] - box[1], box[2] - box[0]])
    fits = [_fit(np.ptp(pixels @ _turn(angle).T, axis=0) + 1, wanted) for angle in angles]
    return _turned(mask, signal, angles[rng.choice(np.argsort(fits)[-_BEST:])])


def _fit(size: F64, wanted: F64) -> float:
    """IoU of two boxes with one centre."""
    shared = np.minimum(size, wanted).prod()
    return float(shared / (size.prod() + wanted.prod() - shared))


def _turn(angle: float) -> F64:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _turned(mask: Bool, signal: F64, angle: float) -> tuple[Bool, F64]:
    side = int(np.ceil(np.hypot(*mask.shape))) + 2
    turn, middle = _turn(angle), (np.array(mask.shape) - 1) / 2
    offset = middle - turn.T @ (np.array([side, side]) - 1) * 0.5
    shape = (side, side)
    body = ndimage.affine_transform(mask.astype(np.float64), turn.T, offset, shape, order=1) > 0.5
    return body, np.asarray(ndimage.affine_transform(signal, turn.T, offset, shape, order=1))


def _overlap(
    corner: npt.NDArray[np.int_], size: tuple[int, ...], whole: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part of a picture that a patch covers, and the part of the patch that lies in the picture."""
    first = np.clip(corner, 0, whole)
    last = np.clip(corner + size, 0, whole)
    outer = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    inner = tuple(slice(int(a - c), int(b - c)) for a, b, c in zip(first, last, corner, strict=True))
    return outer, inner
