"""Galleries of judged cut-outs, for reports and for MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from chromseg.annotations import Sample
from chromseg.arrays import Bool
from chromseg.boxes import Window, box_of
from chromseg.evaluation.judging import CutoutCase
from chromseg.inference.overlay import draw_overlay
from chromseg.inference.sheets import GalleryRow, gallery

_SHOWN = 8
_MARGIN = 8  # pixels around a cluster


def draw_gallery(path: Path, caption: str, judged: Sequence[tuple[Sample, CutoutCase]]) -> None:
    """Up to eight cut-outs of one outcome: the image, the true chromosomes, and what was found."""
    rows = []
    for sample, case in judged[:_SHOWN]:
        truth = sample.masks if sample.masks is not None else sample.crossing[None]
        found = case.masks if sample.masks is not None else case.crossing[None]
        window = _window_of(sample.chromosome)
        image = sample.image[window]
        pictures = [draw_overlay(image, masks[:, *window]) for masks in (truth[:0], truth, found)]
        score = case.score
        splice = "" if score.splice is None else f", lowest chromosome IoU {score.splice:.2f}"
        rows.append(GalleryRow(f"{sample.name}: crossing IoU {score.iou_crossing:.2f}{splice}", pictures))
    note = f"{len(judged)} cut-outs: {caption}"
    Image.fromarray(gallery(rows, headings=("image", "truth", "found"), note=note)).save(path)


def _window_of(region: Bool) -> Window:
    """The part of a picture around a region, with a margin; the whole where it is empty."""
    if not region.any():
        return slice(None), slice(None)
    x0, y0, x1, y1 = box_of(region)
    return slice(max(0, y0 - _MARGIN), y1 + _MARGIN), slice(max(0, x0 - _MARGIN), x1 + _MARGIN)
