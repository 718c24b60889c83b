"""One polarity for every network: float32, 0 = background, 1 = full absorbance."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from skimage.filters import threshold_otsu

from chromseg.arrays import F32

Polarity: TypeAlias = Literal["dark-on-light", "light-on-dark"]

_FULL_PERCENTILE = 98.0


def to_absorbance(image: npt.NDArray[Any], polarity: Polarity) -> F32:
    """Bring a grey image of either polarity and any depth to absorbance.

    The ground is the median of the image or of its rim, whichever is darker in absorbance (a chromosome may fill a
    tight cut-out, never its rim as well); full absorbance is the 98th percentile of what Otsu's threshold calls
    foreground, so neither a hot pixel nor the share of ground in the picture moves the scale.

    Args:
        image: real (H, W), any depth; what is not a finite number counts as 0.
        polarity: "dark-on-light" (bright field) or "light-on-dark" (fluorescence).

    Returns:
        float32 (H, W) within 0–1; all 0 for an image of one grey level.
    """
    signal = np.nan_to_num(image.astype(np.float32), posinf=0, neginf=0)
    if polarity == "dark-on-light":
        signal = -signal
    rim = np.concatenate([signal[0], signal[-1], signal[:, 0], signal[:, -1]])
    signal = signal - min(np.median(signal), np.median(rim))
    if signal.max() <= 0 or np.ptp(signal) == 0:
        return np.zeros(signal.shape, dtype=np.float32)
    foreground = signal[signal > threshold_otsu(np.maximum(signal, 0))]
    full = np.percentile(foreground, _FULL_PERCENTILE) if foreground.size else signal.max()
    return np.asarray(np.clip(signal / np.float32(full), 0, 1), dtype=np.float32)
