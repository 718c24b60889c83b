"""What the chromosome map shows and no outline has: ends, and whole chromosomes that nobody named."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from chromseg.annotations.maps import label_regions, largest_region
from chromseg.arrays import Bool
from chromseg.boxes import grown, window_of

_LEAST = 0.25  # of the usual area: of pieces from there on half hold a chromosome that was missed
_MOST = 50  # pieces; a map with more of them shows dirt, and each costs a mask of the whole picture
_RIM = 2  # px; what is nowhere thicker than twice that lies along an outline


def unclaimed_pieces(masks: Bool, chromosome: Bool, usual: float) -> Bool:
    """The pieces of a map that are left over and may be chromosomes.

    Args:
        masks: bool (N, H, W), all outlines.
        chromosome: bool (H, W), the map.
        usual: Area of a chromosome, in pixels.

    Returns:
        bool (M, H, W), each in one piece, of at most 50 places. Two that a thin neck joins may share pixels of it.
    """
    left = chromosome & ~masks.any(axis=0)
    labels, _ = label_regions(np.asarray(ndimage.binary_opening(left, iterations=_RIM)))
    windows = ndimage.find_objects(labels)
    largest = 1 + np.argsort(-np.bincount(labels.ravel())[1:], kind="stable")[:_MOST]
    pieces = [np.zeros((0, *chromosome.shape), dtype=bool)]
    for label in largest.tolist():
        around = grown(windows[label - 1], _RIM)
        core = ndimage.binary_dilation(labels[around] == label, iterations=_RIM)
        own = largest_region(core & left[around])
        if own.sum() >= _LEAST * usual:
            piece = np.zeros_like(chromosome)
            piece[around] = own
            pieces.append(piece[None])
    return np.concatenate(pieces)


def with_unclaimed_ends(drawn: Bool, given: Bool, chromosome: Bool) -> Bool:
    """Outlines that were drawn anew, with what each has lost of the map and no other outline has taken.

    An end that would lie apart is not given back.

    Args:
        drawn: bool (N, H, W), none empty.
        given: bool (N, H, W), the same outlines before.
        chromosome: bool (H, W), the map.

    Returns:
        bool (N, H, W), each of the changed ones in one piece.
    """
    unclaimed = chromosome & ~drawn.any(axis=0)
    whole = drawn.copy()
    for own, before in zip(whole, given, strict=True):
        window = window_of(before)
        end = before[window] & unclaimed[window]
        if end.any():
            own[window] |= end
            own[:] = largest_region(own)
    return whole
