"""Outlines drawn anew by a corrector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from chromseg.annotations.maps import largest_region
from chromseg.arrays import F32, U8, Bool
from chromseg.inference.outline_views import Frame, batches, outline_views
from chromseg.metrics import mask_ious
from chromseg.models.corrector import Corrector

_AT_ONCE = 32  # views: what the network holds of so many is 50 MB
_FULL, _HALF = 255, 127
_SAME = 0.5  # IoU from which the outline drawn anew is that of the same chromosome
_AS_GOOD = 0.9  # and from which it is no better: of the last pixel the networks of maps and the detector know more


@dataclass(frozen=True)
class OutlineCorrector:
    """A loaded corrector.

    Attributes:
        network: In evaluation mode.
        device: Where it is.
    """

    network: Corrector
    device: str = "cpu"

    def redraw(self, masks: Bool, absorbance: F32, maps: F32, width: float, which: Sequence[int] | None = None) -> Bool:
        """All outlines of an explanation, some of them drawn anew where that makes a difference.

        One that would be of another chromosome stays as it is, and one that would be nearly the same.

        Args:
            masks: bool (N, H, W), none empty.
            absorbance: As of `outline_views`.
            maps: Likewise.
            width: Likewise.
            which: Indices of those to be drawn; None for all.

        Returns:
            bool (N, H, W), none empty.
        """
        drawn, which = masks.copy(), range(len(masks)) if which is None else which
        for index, view in zip(which, self.draw(outline_views(masks, absorbance, maps, width, which)), strict=True):
            own = drawn[index]
            frame = Frame.of(own, width)
            given = own[frame.window]
            in_view = frame.back(np.full_like(view, _FULL), given.shape) > _HALF
            new = largest_region(np.where(in_view, frame.back(view, given.shape) > _HALF, given))
            if _SAME <= mask_ious(new[None], given[None]).item() < _AS_GOOD:
                own[frame.window] = new
        return drawn

    @torch.inference_mode()
    def draw(self, views: U8) -> U8:
        """How probable each pixel is, 0–255: uint8 (N, PLANES, *SIZE) → (N, *SIZE), seen upright and turned by 180°."""
        drawn = [np.zeros((0, *views.shape[2:]), dtype=np.uint8)]
        for _, upright in batches(views, _AT_ONCE, self.device):
            both = self.network(upright) + self.network(upright.flip(2, 3)).flip(1, 2)
            drawn.append((_FULL * (both / 2).sigmoid()).round().to(torch.uint8).cpu().numpy())
        return np.concatenate(drawn)
