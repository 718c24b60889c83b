"""Drawn chromosomes whose axis, length and bands are known."""

from __future__ import annotations

import numpy as np


def straight(length: int = 40, width: int = 9, size: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Absorbance that rises from the top to the foot of an upright bar, float32, and its mask bool (size, size)."""
    mask = np.zeros((size, size), dtype=bool)
    top, left = (size - length) // 2, (size - width) // 2
    mask[top : top + length, left : left + width] = True
    rise = np.clip((np.arange(size) - top) / length, 0, 1)[:, None]
    return np.where(mask, 0.2 + 0.6 * rise, 0).astype(np.float32), mask


def arc(radius: float = 30, width: float = 9, size: int = 100) -> tuple[np.ndarray, np.ndarray, float]:
    """Half a ring, absorbance 0.8 on the first quarter of the way and 0.4 after; its mask, and the way's length."""
    rows, cols = np.mgrid[:size, :size] - (size - 1) / 2
    far, angle = np.hypot(rows, cols), np.arctan2(rows, cols)
    mask = (np.abs(far - radius) <= width / 2) & (rows >= 0)
    absorbance = np.where(angle > 3 * np.pi / 4, 0.8, 0.4)
    return np.where(mask, absorbance, 0).astype(np.float32), mask, float(np.pi * radius)
