"""How far out of focus a picture is, in pixels, without a sharp picture to compare it with.

A step edge blurred by a Gaussian of sigma s has its steepest gradient ∝ 1/s. Blurring the picture twice more, by known
v1 < v2 (variances), the ratio of the two gradients tells s: r² = (s² + v1) / (s² + v2) (the idea of Elder & Zucker,
PAMI 1998). It needs no scale of intensity, and is judged on the steepest edges only, so neither empty ground nor
sparse fields move it. Noise makes blurred edges look sharper, least so at half the size; the larger of the two
answers counts. It measures drawn steps of sigma 4 to 8 px within 20 %, sharper ones as less than 3.5 px; the edges of
the real sets as 0.7-3.3 px.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from chromseg.arrays import F32, Intp
from chromseg.images.reduction import by_means

FINE_PASSES, COARSE_PASSES = 1, 5
MAX_BLUR = 20.0  # at one size; beyond this the two gradients hardly differ
_PASS_VARIANCE = 0.5  # of the binomial 1-2-1
_EDGE_SHARE = 0.002  # of all 2×2 blocks, the steepest, tell how steep an edge is here
_EDGE_LEVEL = 0.7  # of that energy: the middle of an edge, where the ratio holds
_SMALLEST_BLUR = 2.0  # px; a picture is made smaller until its blur is hardly more
_MARGIN = 6  # pixels the passes and the gradient eat from the rim, rounded up


def blur_width(image: F32) -> tuple[float, F32]:
    """Estimate the blur of the edges of a picture.

    Args:
        image: float32 (H, W), any scale, both sides ≥ 3 px.

    Returns:
        The sigma of the edges in pixels, 0-40 (40 for a picture of one grey level); and the picture smoothed by a
        sigma of 1.6 px, float32 (H', W') with 5 px less on every side (or up to 1 px more, for a picture narrower than
        24 px), which other facts reuse.
    """
    full, smooth = _blur_at_one_size(image)
    half = smooth[::2, ::2]
    if min(half.shape) < 4 * _MARGIN:
        return full, smooth
    added = COARSE_PASSES * _PASS_VARIANCE  # what smoothing gave before the picture was halved
    at_half = max(0.0, (2 * _blur_at_one_size(half)[0]) ** 2 - added) ** 0.5
    return max(full, at_half), smooth


def fineness(image: F32, blur: float) -> float:
    """How much of what a picture shows is as fine as its blur, against what is four times as coarse.

    Whatever is sharp shows objects much wider than their edges; the finest things that an out-of-focus picture shows
    are as wide as its blur, however wide the chromosomes look, and however much they have run together.

    Args:
        image: float32 (H, W), 0 = ground.
        blur: Of its edges, in px, as `blur_width` tells it.

    Returns:
        Energy between half the blur and the blur, over that between twice and four times the blur; 0 without any.
    """
    step = max(1, min(int(blur / _SMALLEST_BLUR), min(image.shape) // (4 * _MARGIN)))
    small = by_means(image, step)
    levels = [ndimage.gaussian_filter(small, blur / step * times, truncate=3) for times in (0.5, 1, 2, 4)]
    fine, coarse = (float(np.square(levels[k] - levels[k + 1]).mean()) for k in (0, 2))
    return fine / coarse if coarse > 0 else 0.0


def _blur_at_one_size(image: F32) -> tuple[float, F32]:
    """The estimate from this size alone, and the smooth picture."""
    if min(image.shape) < 4 * _MARGIN:
        image = np.pad(image, _MARGIN, mode="edge")
    fine = _binomial(image, FINE_PASSES)
    coarse = _binomial(fine, COARSE_PASSES - FINE_PASSES)
    down, right = coarse[2::2, 1:-1:2] - coarse[:-2:2, 1:-1:2], coarse[1:-1:2, 2::2] - coarse[1:-1:2, :-2:2]
    steepness = down * down + right * right  # at every other pixel of every other row
    top = _top(steepness)
    if top <= 0:
        return MAX_BLUR, coarse
    at_row, at_col = np.nonzero(steepness > _EDGE_LEVEL * top)
    shift = 1 + COARSE_PASSES - FINE_PASSES
    fine_energy = _gradient_energy(fine, 2 * at_row + shift, 2 * at_col + shift).sum()
    ratio = float(steepness[at_row, at_col].sum() / fine_energy) if fine_energy > 0 else 1.0
    return _sigma(ratio), coarse


def _sigma(ratio: float) -> float:
    """The s of r² = (s² + v1) / (s² + v2)."""
    v1, v2 = FINE_PASSES * _PASS_VARIANCE, COARSE_PASSES * _PASS_VARIANCE
    if ratio >= 1:
        return MAX_BLUR
    return float(min(MAX_BLUR, max(0.0, (ratio * v2 - v1) / (1 - ratio)) ** 0.5))


def _binomial(image: F32, passes: int) -> F32:
    """Smooth by 1-2-1 along both axes; every pass eats one pixel of each side."""
    for _ in range(passes):
        image = (image[2:] + 2 * image[1:-1] + image[:-2]) * np.float32(0.25)
        image = (image[:, 2:] + 2 * image[:, 1:-1] + image[:, :-2]) * np.float32(0.25)
    return image


def _gradient_energy(image: F32, row: Intp, col: Intp) -> F32:
    """Squared central difference at the given places."""
    down = image[row + 1, col] - image[row - 1, col]
    right = image[row, col + 1] - image[row, col - 1]
    return np.asarray(down * down + right * right)


def _top(steepness: F32) -> float:
    """What the steepest 2×2 blocks of the picture reach."""
    height, width = (side // 2 * 2 for side in steepness.shape)
    corners = [steepness[row:height:2, col:width:2] for row in (0, 1) for col in (0, 1)]
    blocks = np.maximum.reduce(corners)
    count = max(1, round(blocks.size * _EDGE_SHARE))
    return float(np.partition(blocks.ravel(), -count)[-count])
