"""Random changes of a training crop that keep image and maps aligned."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from chromseg.arrays import F32, F64, U8
from chromseg.config import AugmentConfig

Matrix = F64

_GAIN, _GAMMA, _BLUR, _NOISE, _HAZE = 0.5, 0.35, 1.2, 0.06, 0.12  # greatest change at strength 1


def random_warp(rng: np.random.Generator, config: AugmentConfig) -> Matrix:
    """A random rotation, zoom and flip.

    Returns:
        float64 (2, 2): from (row, col) offsets in the crop to offsets in the source.
    """
    angle = math.radians(rng.uniform(-config.rotation, config.rotation))
    zoom = 1 + rng.uniform(-config.scale, config.scale)
    mirror = -1.0 if config.flip and rng.random() < 0.5 else 1.0
    cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
    return np.array([[cos, -sin * mirror], [sin, cos * mirror]])


def warp(
    planes: F32 | U8,
    matrix: Matrix,
    centre: tuple[float, float],
    size: int | tuple[int, int],
) -> F32:
    """Cut a rectangle out of all planes at once, along one and the same grid.

    Args:
        planes: float32 or uint8 (C, H, W).
        matrix: From `random_warp`.
        centre: Where the middle of the rectangle lies in the source, (row, col).
        size: Its rows and columns in pixels; one number for a square.

    Returns:
        float32 (C, rows, columns), bilinear; 0 outside the source.
    """
    rows, cols = (size, size) if isinstance(size, int) else size
    reach = math.ceil((np.abs(matrix) @ (rows, cols)).max() / 2) + 2
    top, left = math.floor(centre[0]) - reach, math.floor(centre[1]) - reach
    top, left = max(top, 0), max(left, 0)
    window = planes[:, top : max(math.floor(centre[0]) + reach, 0), left : max(math.floor(centre[1]) + reach, 0)]
    height, width = window.shape[1:]
    if not height or not width:
        return np.zeros((len(planes), rows, cols), dtype=np.float32)
    middle = ((centre[0] - top + 0.5) * 2 / height - 1, (centre[1] - left + 0.5) * 2 / width - 1)
    (rr, rc), (cr, cc) = matrix * (rows, cols)
    theta = torch.tensor(
        [[[cc / width, cr / width, middle[1]], [rc / height, rr / height, middle[0]]]], dtype=torch.float32
    )
    grid = functional.affine_grid(theta, [1, len(planes), rows, cols], align_corners=False)
    source = torch.from_numpy(np.ascontiguousarray(window, dtype=np.float32)).unsqueeze(0)
    cut = functional.grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return np.asarray(cut[0].numpy())


def change_intensity(rng: np.random.Generator, image: F32, strength: float) -> F32:
    """Another stain, lamp and lens: gain, gamma, haze, blur and noise, each at random.

    Args:
        rng: Source of chance.
        image: float32 (H, W) absorbance.
        strength: 0 changes nothing, 1 much.

    Returns:
        float32 (H, W) within 0–1.
    """
    if not strength:
        return image
    gain = math.exp(strength * rng.uniform(-_GAIN, _GAIN))
    gamma = math.exp(strength * rng.uniform(-_GAMMA, _GAMMA))
    changed = gain * np.clip(image, 0, 1) ** np.float32(gamma)
    if rng.random() < 0.3:
        changed = changed + np.float32(strength * rng.uniform(0, _HAZE))
    if rng.random() < 0.5:
        changed = ndimage.gaussian_filter(changed, strength * rng.uniform(0, _BLUR))
    if rng.random() < 0.5:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        changed = changed + noise * np.float32(strength * rng.uniform(0, _NOISE))
    return np.asarray(np.clip(changed, 0, 1), dtype=np.float32)
