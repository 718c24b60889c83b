"""Where the boxes of an annotator and the pieces of a model agree one to one.

A piece may be believed if just one box has its size and place, and just one piece has that box's. A model that errs at
one chromosome of a cluster has cut its neighbours there too, so of a cluster all pieces are believed or none.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from chromseg.annotations.clusters import find_clusters
from chromseg.arrays import F32, I32, Bool
from chromseg.boxes import boxes_of
from chromseg.metrics import box_ious
from chromseg.synthesis.box_singles import region_in

_LEAST_IOU = 0.7  # of a piece's box with the annotator's less its margin, which is known to a pixel or two


def agreeing_pieces(pieces: Bool, boxes: F32, settled: Collection[int] = ()) -> dict[int, int]:
    """Find the boxes whose chromosome the model has cut as the annotator saw it.

    Args:
        pieces: bool (P, H, W), what a model has found.
        boxes: float32 (N, 4) xyxy, close around a chromosome each.
        settled: Indices of boxes whose chromosome is known to lie alone.

    Returns:
        Index of the piece by index of the box.
    """
    pairs = _one_to_one(box_ious(boxes_of(pieces), boxes.astype(np.float64)) >= _LEAST_IOU)
    clusters = find_clusters(pieces)
    labels = np.zeros(pieces.shape[1:], dtype=np.int32)
    for number, cluster in enumerate(clusters, start=1):
        labels[cluster.region] = number
    doubted = _doubted(labels, boxes, {*pairs.values(), *settled})
    believed = {
        piece
        for number, cluster in enumerate(clusters, start=1)
        if number not in doubted and pairs.keys() >= {*cluster.indices}
        for piece in cluster.indices
    }
    return {box: piece for piece, box in pairs.items() if piece in believed}


def _one_to_one(alike: Bool) -> dict[int, int]:
    """Column by row of a table bool (P, N) where both stand alone."""
    rows, cols = np.nonzero(alike & (alike.sum(axis=1, keepdims=True) == 1) & (alike.sum(axis=0) == 1))
    return dict(zip(rows.tolist(), cols.tolist(), strict=True))


def _doubted(labels: I32, boxes: F32, paired: Collection[int]) -> set[int]:
    """Clusters that hold most of a box which no piece has: there a chromosome is missing, or two are one."""
    return {region_in(labels, box) for index, box in enumerate(boxes) if index not in paired}
