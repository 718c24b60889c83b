"""Groups of chromosomes that cross or touch, built one chromosome at a time.

The same rules join drawn chromosomes and real single ones: both come as a `Drawing` at any heading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

from chromseg.annotations.clusters import MIN_CROSSING_AREA
from chromseg.annotations.maps import EIGHT_CONNECTED, label_regions
from chromseg.arrays import F64, Bool
from chromseg.errors import DataError
from chromseg.synthesis.chromosome import Drawing

Draw = Callable[[float], Drawing]  # heading in radians → a chromosome that points there

_TRIES = 200
_MOST_HIDDEN = 0.5  # share of a chromosome that one crossing may cover
_BITE = 6  # px that touching outlines may share
_ENDS = {"X": (False, False), "T": (False, True), "L": (True, True)}  # which of the two crosses with an end
_SHARES = (0.6, 0.28, 0.12)  # of X, T and L crossings


def crossing_group(rng: np.random.Generator, draws: Sequence[Draw], crossing: float = 0.75) -> list[Drawing]:
    """Lay chromosomes over one another: the second crosses the first, further ones cross or touch any.

    Args:
        rng: Source of all choices.
        draws: One per chromosome, at least two.
        crossing: Probability that a further chromosome crosses one of the group and does not only touch it.

    Returns:
        The drawings in order of `draws`, in common coordinates; each two joined share what a crossing must.
    """
    group = [draws[0](_any_heading(rng))]
    for draw in draws[1:]:
        crosses = len(group) == 1 or rng.random() < crossing
        group.append(cross(rng, group, draw) if crosses else touch(rng, group, draw))
    return group


def touching_group(rng: np.random.Generator, draws: Sequence[Draw]) -> list[Drawing]:
    """Lay chromosomes side by side so that each touches another and none crosses."""
    group = [draws[0](_any_heading(rng))]
    for draw in draws[1:]:
        group.append(touch(rng, group, draw))
    return group


def cross(rng: np.random.Generator, group: Sequence[Drawing], draw: Draw) -> Drawing:
    """A further chromosome that crosses one of the group in an X, T or L, by a region of at least 40 px.

    Raises:
        DataError: The chromosomes are too small for a crossing of that area.
    """
    for _ in range(_TRIES):
        anchor = group[int(rng.integers(len(group)))]
        ends = _ENDS[rng.choice(list(_ENDS), p=_SHARES)]
        here = _axis_index(rng, anchor, at_end=ends[0])
        least = 0.7 if all(ends) else 0.4  # ends laid over one another in line would look like one chromosome
        angle = rng.uniform(least, np.pi / 2) * rng.choice([-1, 1]) + rng.choice([0, np.pi])
        new = draw(_tangent(anchor, here) + angle)
        new = _moved_onto(new, _axis_index(rng, new, at_end=ends[1]), anchor.axis[here])
        shared = intersection(anchor, new)
        smaller = min(anchor.mask.sum(), new.mask.sum())
        if _largest_region(shared) >= MIN_CROSSING_AREA and shared.sum() <= _MOST_HIDDEN * smaller:
            return new
    raise DataError(
        f"no crossing of {MIN_CROSSING_AREA} px between chromosomes of {smaller} px and more in {_TRIES} tries",
        expected="chromosomes at least 7 px wide",
        remedy="use images of a larger scale",
    )


def touch(rng: np.random.Generator, group: Sequence[Drawing], draw: Draw) -> Drawing:
    """A further chromosome that touches the group and shares at most a few pixels with it.

    Raises:
        DataError: No such place was found.
    """
    whole = union(group)
    for _ in range(_TRIES):
        anchor = group[int(rng.integers(len(group)))]
        here = int(rng.integers(len(anchor.axis)))
        side_by_side = rng.random() < 0.4
        heading = _tangent(anchor, here) + rng.normal(0, 0.15) if side_by_side else _any_heading(rng)
        away = _tangent(anchor, here) + np.pi / 2 * rng.choice([-1, 1]) if side_by_side else _any_heading(rng)
        new = draw(heading)
        new = _moved_onto(new, int(rng.integers(len(new.axis))), anchor.axis[here])
        new = _slid_out(new, whole, away, int(rng.integers(_BITE)))
        if intersection(_grown(whole), new).any():
            return new
    raise DataError(
        f"no place where a chromosome touches {len(group)} others in {_TRIES} tries",
        expected="chromosomes with an outline that can be reached",
        remedy="use other chromosomes",
    )


def intersection(one: Drawing, other: Drawing) -> Bool:
    """Where both masks lie: bool, of the window that the two patches share; it may be empty."""
    top, bottom = max(one.row, other.row), min(one.bottom, other.bottom)
    left, right = max(one.col, other.col), min(one.right, other.right)
    if top >= bottom or left >= right:
        return np.zeros((0, 0), dtype=bool)
    windows = (
        drawing.mask[top - drawing.row : bottom - drawing.row, left - drawing.col : right - drawing.col]
        for drawing in (one, other)
    )
    return np.logical_and(*windows)


def union(group: Sequence[Drawing], margin: int = 0) -> Drawing:
    """The whole group as one drawing, absorbance added, with clear rows and columns around it."""
    row, col = min(d.row for d in group) - margin, min(d.col for d in group) - margin
    height = max(d.bottom for d in group) - row + margin
    width = max(d.right for d in group) - col + margin
    absorbance = np.zeros((height, width))
    for drawing in group:
        window = (slice(drawing.row - row, drawing.bottom - row), slice(drawing.col - col, drawing.right - col))
        absorbance[window] += drawing.absorbance
    return Drawing(row, col, absorbance > 0, absorbance, np.concatenate([d.axis for d in group]))


def _grown(drawing: Drawing) -> Drawing:
    wide = union([drawing], margin=1)
    grown = ndimage.binary_dilation(wide.mask, structure=EIGHT_CONNECTED)
    return Drawing(wide.row, wide.col, grown, wide.absorbance, wide.axis)


def _any_heading(rng: np.random.Generator) -> float:
    return float(rng.uniform(0, 2 * np.pi))


def _axis_index(rng: np.random.Generator, drawing: Drawing, *, at_end: bool) -> int:
    share = rng.uniform(0.05, 0.15) if at_end else rng.uniform(0.25, 0.75)
    if at_end and rng.random() < 0.5:
        share = 1 - share
    return int(share * (len(drawing.axis) - 1))


def _tangent(drawing: Drawing, index: int) -> float:
    """Heading of the centre line around one of its points, radians from down to right."""
    before, after = max(index - 4, 0), min(index + 4, len(drawing.axis) - 1)
    rows, cols = drawing.axis[after] - drawing.axis[before]
    return float(np.arctan2(cols, rows))


def _moved_onto(drawing: Drawing, index: int, target: F64) -> Drawing:
    rows, cols = np.rint(target - drawing.axis[index]).astype(int)
    return drawing.moved(int(rows), int(cols))


def _slid_out(drawing: Drawing, fixed: Drawing, heading: float, bite: int) -> Drawing:
    """Slide along `heading` until at most `bite` pixels are shared."""
    distance, slid = 0, drawing
    while intersection(slid, fixed).sum() > bite:
        distance += 1
        slid = drawing.moved(round(distance * np.cos(heading)), round(distance * np.sin(heading)))
    return slid


def _largest_region(mask: Bool) -> int:
    labels, count = label_regions(mask)
    return int(np.bincount(labels.ravel(), minlength=count + 1)[1:].max(initial=0))
