"""Pictures of the UCRD-Net paper: crossings before and after (Fig. 6), regions (Fig. 7), sizes and anchors (Fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from chromseg.annotations import Sample, crossing_clusters
from chromseg.annotations.rasterize import BoolArray
from chromseg.config import DetectorConfig
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.overlay import draw_overlay
from chromseg.inference.predictor import Predictor
from chromseg.inference.sheets import GalleryRow, gallery
from chromseg.models.ucrd_net import Detections
from chromseg.models.ucrd_net.anchors import anchor_ious, resolve_anchors
from chromseg.models.ucrd_net.region import REGIONS

matplotlib.use("Agg")

_SIDE = 128  # pixels of a picture of one crossing cluster
_SHOWN = 8

Window = tuple[slice, slice]


def draw_crossings(path: Path, samples: Sequence[Sample], predictors: Mapping[str, Predictor]) -> None:
    """Crossing clusters of whole metaphases, true and as each predictor sees them; one cluster an image."""
    rows = []
    for sample in samples:
        clusters = [] if sample.masks is None else crossing_clusters(sample.masks, _SIDE)
        if sample.masks is None or not clusters:
            continue
        window = _window(clusters[0].region)
        found = [sample.masks, *(each.find(sample.image).masks for each in predictors.values())]
        pictures = [draw_overlay(sample.image[window], sample.masks[:0, *window])]
        pictures += [draw_overlay(sample.image[window], _within(masks, window)) for masks in found]
        rows.append(GalleryRow(sample.name, pictures))
        if len(rows) == _SHOWN:
            break
    note = f"{len(rows)} test metaphases, one crossing cluster of each"
    Image.fromarray(gallery(rows, headings=("image", "truth", *predictors), note=note)).save(path)


def draw_regions(path: Path, predictor: InstancePredictor, sample: Sample) -> bool:
    """Features and weights of each region of the chromosome that others overlap most (Fig. 7).

    Returns:
        Whether there was a chromosome to draw.
    """
    from matplotlib import pyplot

    found = predictor.infer(sample.image)
    if not len(found.boxes):
        return False
    box = _most_overlapped(found)
    image = torch.from_numpy(np.ascontiguousarray(sample.image))[None]
    maps = predictor.network.region_maps(image, box[None])
    features = [*maps.features[:, 0].norm(dim=1).numpy(), maps.fused[0].norm(dim=0).numpy()]
    figure, axes = pyplot.subplots(2, len(REGIONS) + 1, figsize=(12, 4.2), layout="constrained")
    for axis, name, picture in zip(axes[0], (*REGIONS, "fusion"), features, strict=True):
        axis.imshow(picture, cmap="viridis")
        axis.set_title(name, fontsize=9)
    for axis, picture in zip(axes[1], maps.weights[:, 0].numpy(), strict=False):
        axis.imshow(picture, cmap="magma", vmin=0, vmax=1)
    x0, y0, x1, y1 = (int(edge) for edge in box.round())
    axes[1, -1].imshow(sample.image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)], cmap="gray_r")
    axes[0, 0].set_ylabel("length of the features", fontsize=9)
    axes[1, 0].set_ylabel("weight", fontsize=9)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return True


def draw_anchors(path: Path, boxes: npt.NDArray[np.float32], models: Mapping[str, DetectorConfig]) -> None:
    """Sizes and shapes of the training boxes with the anchors of each variant, and how well these suit them.

    Args:
        path: PNG to write.
        boxes: float32 (N, 4), as the networks see them; N at least 1.
        models: Variant → detector with its anchors filled in; variants with equal anchors are drawn once.
    """
    from matplotlib import pyplot

    sides = boxes[:, 2:] - boxes[:, :2]
    figure, axis = pyplot.subplots(figsize=(6, 5), layout="constrained")
    axis.scatter(np.sqrt(sides.prod(axis=1)), sides[:, 1] / sides[:, 0], s=4, color="silver", label="training boxes")
    drawn = []
    for name, model in models.items():
        anchors = resolve_anchors(model)
        if anchors in drawn:
            continue
        drawn.append(anchors)
        suited = float(anchor_ious(boxes, anchors).mean())
        points = [(size, ratio) for level in anchors.sizes for size in level for ratio in anchors.ratios]
        label = f"{name}: mean best IoU {suited:.2f}"
        axis.scatter(*zip(*points, strict=True), s=30, marker="x", label=label)
    axis.set(xlabel="square root of the area, pixels", ylabel="height / width", xscale="log", yscale="log")
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _window(region: BoolArray) -> Window:
    """A square around the middle of a region, inside the picture as far as it reaches."""
    spans = []
    for axis in (1, 0):
        places = np.flatnonzero(region.any(axis=axis))
        start = int(places[0] + places[-1]) // 2 - _SIDE // 2
        start = max(0, min(start, region.shape[1 - axis] - _SIDE))
        spans.append(slice(start, start + _SIDE))
    return spans[0], spans[1]


def _within(masks: BoolArray, window: Window) -> BoolArray:
    """The parts of bool (N, H, W) in a window, without those that do not reach it."""
    cut = masks[:, *window]
    return np.asarray(cut[cut.any(axis=(1, 2))])


def _most_overlapped(found: Detections) -> torch.Tensor:
    """The box float32 (4,) among the surest that shares most with another of them."""
    from torchvision.ops import box_iou

    boxes = found.boxes[: max(1, len(found.boxes) // 2)]
    shared = box_iou(boxes, boxes).fill_diagonal_(0)
    return boxes[int(shared.max(dim=1).values.argmax())]
