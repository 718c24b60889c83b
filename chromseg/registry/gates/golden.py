"""The golden set: drawn pictures with exact truth that every model must be able to read (CC0, made by this project).

A whole metaphase of dark chromosomes, a light-on-dark one, and a crossing cluster cut out of its ground: the kinds of
picture that the command, the server and the pipelines hand to a model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chromseg.arrays import Bool

_FOLDER = Path(__file__).with_name("golden")
_FOUND = 0.5  # IoU


@dataclass(frozen=True)
class GoldenPicture:
    """One of the set.

    Attributes:
        name: In words.
        content: The encoded file.
        masks: Truth, bool (N, H, W).
    """

    name: str
    content: bytes
    masks: Bool

    def found(self, answer: dict[str, Any]) -> int:
        """How many of its chromosomes an answer (COCO, contract §7) has at IoU ≥ 0.5, each matched once."""
        from chromseg.metrics.overlap import mask_ious
        from chromseg.metrics.splicing import assign

        masks = decode([each["segmentation"]["counts"] for each in answer["annotations"]], *self.masks.shape[1:])
        return int((assign(mask_ious(masks, self.masks))[1] >= _FOUND).sum())


def golden_set() -> list[GoldenPicture]:
    """All pictures, the metaphase first."""
    truth = json.loads((_FOLDER / "truth.json").read_text(encoding="utf-8"))["pictures"]
    return [
        GoldenPicture(name, (_FOLDER / f"{name}.png").read_bytes(), decode(own["masks"], *own["size"]))
        for name, own in truth.items()
    ]


def decode(counts: Sequence[str], height: int, width: int) -> Bool:
    """Masks of compressed COCO run lengths, bool (N, height, width)."""
    import numpy as np

    from chromseg.annotations.rasterize import decode_rle

    masks = [decode_rle({"size": [height, width], "counts": each}, height, width) for each in counts]
    return np.stack(masks) if masks else np.zeros((0, height, width), bool)
