"""Sizes and shapes of chromosomes, and the anchors that each variant has for them (UCRD-Net Fig. 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib
import numpy as np

from chromseg.annotations import Sample
from chromseg.arrays import F32, F64
from chromseg.boxes import boxes_of
from chromseg.config import DetectorConfig, TrainConfig
from chromseg.models.ucrd_net.anchor_shapes import Anchors, anchor_ious
from chromseg.models.ucrd_net.anchors import resolve_anchors
from chromseg.training.instances import scaling

matplotlib.use("Agg")

_SIZES = (4, 8, 16, 32, 64, 128, 256, 512)
_SHAPES = {1 / 5: "1:5", 1 / 3: "1:3", 1 / 2: "1:2", 1.0: "1:1", 2.0: "2:1", 3.0: "3:1", 5.0: "5:1"}
_MARKERS = "x+sDo^v"  # the later ones are open, so that equal anchors show beneath one another


def boxes_seen(samples: Iterable[Sample], config: TrainConfig) -> F32:
    """Boxes float32 (N, 4) of samples, at the size at which a detector of this configuration sees them."""
    assert isinstance(config.model, DetectorConfig)
    found: list[F64] = [np.zeros((0, 4))]
    for sample in samples:
        boxes = sample.boxes if sample.masks is None else boxes_of(sample.masks)
        seen = (config.crop, config.crop) if config.crop else (sample.image.shape[0], sample.image.shape[1])
        known = np.zeros((0, 4)) if boxes is None else boxes.astype(np.float64)
        found.append(known * scaling(seen, config.model))
    return np.concatenate(found).astype(np.float32)


def draw_anchors(path: Path, boxes: F32, models: Mapping[str, DetectorConfig]) -> None:
    """Sizes and shapes of the training boxes with the anchors of each variant, and how well these suit them.

    Args:
        path: PNG to write.
        boxes: float32 (N, 4), as the networks see them; N at least 1.
        models: Variant → detector with its anchors filled in; variants with equal anchors are drawn once.
    """
    from matplotlib import pyplot
    from matplotlib.ticker import NullLocator

    sides = boxes[:, 2:] - boxes[:, :2]
    figure, axis = pyplot.subplots(figsize=(7, 5.5), layout="constrained")
    axis.scatter(np.sqrt(sides.prod(axis=1)), sides[:, 1] / sides[:, 0], s=4, color="silver", label="training boxes")
    alike: dict[Anchors, list[str]] = {}
    for name, model in models.items():
        alike.setdefault(resolve_anchors(model), []).append(name)
    for number, (anchors, names) in enumerate(alike.items()):
        suited = float(anchor_ious(boxes, anchors).mean())
        points = [(size, ratio) for level in anchors.sizes for size in level for ratio in anchors.ratios]
        marker, colour = _MARKERS[number % len(_MARKERS)], f"C{number % 10}"
        fill = {"color": colour} if marker in "x+" else {"facecolors": "none", "edgecolors": colour}
        label = f"{', '.join(names)}: mean best IoU {suited:.2f}"
        axis.scatter(*zip(*points, strict=True), s=34 + 12 * number, marker=marker, label=label, **fill)
    axis.set(xlabel="square root of the area, pixels", ylabel="height : width", xscale="log", yscale="log")
    axis.set_xticks(_SIZES, [str(size) for size in _SIZES])
    axis.set_yticks(list(_SHAPES), list(_SHAPES.values()))
    for each in (axis.xaxis, axis.yaxis):
        each.set_minor_locator(NullLocator())
    axis.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    figure.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(figure)
