"""Edge supervision, as of ESNet: the outline of the drawn mask against the true one.

What is public of ESNet says that edges are supervised; the form is that of Zimmermann and Siems (2019): edges by the
Sobel filter, compared by their square difference.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def edge_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean square difference of the gradients of probabilities and of targets, both (R, 28, 28)."""
    error = (gradients(logits.sigmoid()) - gradients(targets)).square().sum()
    return error / max(1, targets.numel())


def gradients(planes: Tensor) -> Tensor:
    """Sobel gradients along x and y of (R, H, W), a step from 0 to 1 giving 1: (R, 2, H, W)."""
    along_x = planes.new_tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4
    kernels = planes.new_zeros(2, 1, 3, 3)
    kernels[0, 0], kernels[1, 0] = along_x, along_x.T
    return functional.conv2d(functional.pad(planes[:, None], (1, 1, 1, 1), mode="replicate"), kernels)
