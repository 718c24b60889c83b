"""From what lies on the slide to an 8-bit photograph: light, optics, sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from chromseg.arrays import F64, U8
from chromseg.images.absorbance import Polarity


@dataclass(frozen=True)
class Camera:
    """One microscope set up for one image. Grey levels are shares of the 8-bit range."""

    polarity: Polarity
    density: float  # bright field: optical density (base e) of a dark band; fluorescence: its grey level
    ground: float  # grey level of empty ground
    unevenness: float  # relative swing of the light over the field
    haze: float  # share of light that spreads far
    blur: float  # px, sigma of the optics
    noise: float  # sensor noise in grey levels of 255 on empty ground
    shot: float  # further noise, in grey levels of 255 at full light


def draw_camera(rng: np.random.Generator, polarity: Polarity) -> Camera:
    """Choose a set-up within the range seen on real images of this polarity."""
    if polarity == "dark-on-light":
        return Camera(
            polarity,
            density=rng.uniform(0.8, 1.5),
            ground=rng.uniform(0.8, 0.99),
            unevenness=rng.uniform(0, 0.06),
            haze=rng.uniform(0, 0.12),
            blur=rng.uniform(0.7, 1.3),
            noise=rng.uniform(0.4, 1.2),
            shot=rng.uniform(0.5, 2.5),
        )
    return Camera(
        polarity,
        density=float(np.clip(rng.lognormal(np.log(0.52), 0.25), 0.25, 0.8)),
        ground=rng.uniform(-0.02, 0.02),  # below 0: the black level cuts noise off, as in many archives
        unevenness=rng.uniform(0, 0.15),
        haze=rng.uniform(0, 0.06),
        blur=rng.uniform(1.0, 1.8),
        noise=rng.uniform(0.3, 1.2),
        shot=rng.uniform(1, 4),
    )


def photograph(rng: np.random.Generator, absorbance: F64, camera: Camera) -> U8:
    """Take the picture.

    In bright field, what lies over one another multiplies its transmittance, so absorbance adds (Beer–Lambert). In
    fluorescence absorbance is what shines.

    Args:
        rng: Source of shading and noise.
        absorbance: float64 (H, W), stain on the slide, 1 for the middle of a dark (or bright) band.
        camera: The set-up.

    Returns:
        uint8 (H, W) in the camera's polarity.
    """
    if camera.polarity == "dark-on-light":
        light = camera.ground * np.exp(-camera.density * absorbance)
    else:
        light = camera.ground + camera.density * absorbance
    shaded = light * _shading(rng, absorbance.shape, camera.unevenness)
    sharp = ndimage.gaussian_filter(shaded, camera.blur, mode="nearest")
    wide = ndimage.gaussian_filter(shaded, 8 * camera.blur, mode="nearest", truncate=2)
    seen = (1 - camera.haze) * sharp + camera.haze * wide
    spread = np.hypot(camera.noise, camera.shot * np.sqrt(np.clip(seen, 0, 1)))
    grain = ndimage.gaussian_filter(rng.normal(0, 1, seen.shape), 0.5) / 0.65  # demosaicing and storage smear noise
    return np.asarray(np.clip(np.rint(255 * seen + spread * grain), 0, 255), dtype=np.uint8)


def _shading(rng: np.random.Generator, shape: tuple[int, ...], unevenness: float) -> F64:
    """Light over the field, about 1: a tilted plane and a bright middle."""
    rows, cols = (np.linspace(-1, 1, n) for n in shape)
    tilt, fall = rng.normal(0, 0.5, size=2), rng.uniform(0, 1)
    field = tilt[0] * rows[:, None] + tilt[1] * cols - fall * (rows[:, None] ** 2 + cols**2)
    return np.asarray(1 + unevenness * field)
