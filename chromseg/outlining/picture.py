"""One picture: the chromosomes that lie alone, those that a model has cut as their boxes say, and the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from chromseg.annotations.maps import EIGHT_CONNECTED, chromosome_map
from chromseg.arrays import F32, Bool
from chromseg.outlining.agreement import agreeing_pieces
from chromseg.synthesis.box_singles import box_singles, tightened, window


@dataclass(frozen=True)
class Outlined:
    """What is known of the boxes of one picture; each index of a box stands in one of the three.

    Attributes:
        alone: By index of the box, bool (H, W): chromosomes that lie alone.
        cut: The same of chromosomes that a model has cut out of their cluster.
        unknown: The same of the others: the dark pixels of a box that no outline has, or all of them if none is dark.
        left: bool (H, W), dark pixels in any box that no outline has, such as a pale end that a model lost; not the rim
            of an outline.
    """

    alone: dict[int, Bool]
    cut: dict[int, Bool]
    unknown: dict[int, Bool]
    left: Bool


def outline_boxes(absorbance: F32, boxes: F32, pieces: Bool | None = None) -> Outlined:
    """Find what pixels and pieces tell of the outlines in boxes.

    Args:
        absorbance: float32 (H, W).
        boxes: float32 (N, 4) xyxy as an annotator draws them, some pixels around a chromosome each; in the picture.
        pieces: bool (P, H, W), what a model has found; None for no model.
    """
    found = box_singles(absorbance, boxes)
    alone = {index: mask for index, mask in found.outlines.items() if index not in found.cut_off}
    cut: dict[int, Bool] = {}
    if pieces is not None:
        pairs = agreeing_pieces(pieces, tightened(boxes), alone.keys())
        cut = {box: pieces[piece] for box, piece in pairs.items() if box not in alone}
    outlines = [*alone.values(), *cut.values()]
    free = ~chromosome_map(np.array(outlines)) if outlines else np.ones(absorbance.shape, dtype=bool)
    rest = [index for index in range(len(boxes)) if index not in alone and index not in cut]
    unknown = {index: _region(boxes[index], found.dark & free, free) for index in rest}
    return Outlined(alone, cut, unknown, ndimage.binary_opening(found.dark & free, structure=EIGHT_CONNECTED))


def _region(box: F32, *choices: Bool) -> Bool:
    """The pixels of the first choice, bool (H, W), that has any in the box; the box itself where none has."""
    whole = np.zeros_like(choices[0])
    whole[window(box)] = True
    return next((choice & whole for choice in choices if (choice & whole).any()), whole)
