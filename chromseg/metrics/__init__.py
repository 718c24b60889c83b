"""Segmentation, splicing and detection scores: pure functions of arrays, 0–1, undefined is None (contract §5)."""

from chromseg.metrics.bootstrap import Interval, bootstrap_by_case
from chromseg.metrics.calibration import CalibrationBin, expected_calibration_error, reliability
from chromseg.metrics.cutouts import (
    CutoutScore,
    overall_acc,
    overlap_acc,
    sp_acc,
    sp_acc_true_maps,
    summarize,
    summarize_cutouts,
)
from chromseg.metrics.detection import AveragePrecision, ImageDetections, average_precision
from chromseg.metrics.ignoring import counted_boxes, counted_masks
from chromseg.metrics.instances import (
    InstanceScore,
    crossing_instances,
    handed_out,
    instance_intervals,
    score_boxes,
    score_instances,
    scores_and_hits,
    summarize_instances,
    with_detections,
)
from chromseg.metrics.overlap import box_ious, mask_ious
from chromseg.metrics.report import RunResult, ablation_csv, ablation_markdown, ablation_rows
from chromseg.metrics.segmentation import iou, mean_iou, well_detected
from chromseg.metrics.slices import slice_labels, stain_slices, summarize_slices
from chromseg.metrics.splicing import SPLICE_IOU, match_instances, splice_quality, well_spliced

__all__ = [
    "SPLICE_IOU",
    "AveragePrecision",
    "CalibrationBin",
    "CutoutScore",
    "ImageDetections",
    "InstanceScore",
    "Interval",
    "RunResult",
    "ablation_csv",
    "ablation_markdown",
    "ablation_rows",
    "average_precision",
    "bootstrap_by_case",
    "box_ious",
    "counted_boxes",
    "counted_masks",
    "crossing_instances",
    "expected_calibration_error",
    "handed_out",
    "instance_intervals",
    "iou",
    "mask_ious",
    "match_instances",
    "mean_iou",
    "overall_acc",
    "overlap_acc",
    "reliability",
    "score_boxes",
    "score_instances",
    "scores_and_hits",
    "slice_labels",
    "sp_acc",
    "sp_acc_true_maps",
    "splice_quality",
    "stain_slices",
    "summarize",
    "summarize_cutouts",
    "summarize_instances",
    "summarize_slices",
    "well_detected",
    "well_spliced",
    "with_detections",
]
