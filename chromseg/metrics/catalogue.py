"""The one list of metrics: tables, cards, gates, rebuilds and comparisons all read it here (contract §4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TEST = "test/"


@dataclass(frozen=True)
class Metric:
    """One figure of a model.

    Attributes:
        key: In MLflow, JSON and tables.
        heading: Of a column.
        label: In a model card.
        judged: What it is measured on: crossing clusters alone, or whole images; "cost" is no score.
        higher: Whether more is better.
        decimals: As shown.
        shown: Whether it has a column and a line in the card; the others only stand in the JSON.
        again: Whether a model trained again elsewhere must come near it: a fraction that moves little by chance.
    """

    key: str
    heading: str
    label: str
    judged: Literal["cutouts", "images", "cost"]
    higher: bool = True
    decimals: int = 3
    shown: bool = True
    again: bool = False


METRICS = (
    Metric("test/iou_crossing", "IoU crossing", "crossing IoU, cut-outs", "cutouts", again=True),
    Metric("test/iou_chromosome", "IoU chromosome", "chromosome IoU, cut-outs", "cutouts", again=True),
    Metric("test/iou_foreground", "IoU foreground", "chromosome IoU of the network's own map, cut-outs", "cutouts"),
    Metric("test/overlap_acc", "OverlapAcc", "OverlapAcc, cut-outs", "cutouts", again=True),
    Metric("test/sp_acc", "SPAcc", "SPAcc at IoU 0.8, cut-outs", "cutouts", again=True),
    Metric("test/sp_acc_70", "SPAcc 0.7", "SPAcc at IoU 0.7, cut-outs", "cutouts", shown=False),
    Metric("test/sp_acc_90", "SPAcc 0.9", "SPAcc at IoU 0.9, cut-outs", "cutouts", shown=False),
    Metric("test/overall_acc", "overall", "overall accuracy, cut-outs", "cutouts", again=True),
    Metric("test/sp_acc_true_maps", "SPAcc, true maps", "SPAcc of stage 2 from true maps", "cutouts"),
    Metric("test/mask_map", "mask mAP", "mask mAP, whole metaphases", "images", again=True),
    Metric("test/mask_ap50", "mask AP50", "mask AP50, whole metaphases", "images", again=True),
    Metric("test/mask_ap75", "mask AP75", "mask AP75, whole metaphases", "images"),
    Metric("test/box_map", "box mAP", "box mAP, whole metaphases", "images"),
    Metric("test/box_ap50", "box AP50", "box AP50, whole metaphases", "images", again=True),
    Metric("test/box_ap75", "box AP75", "box AP75, whole metaphases", "images"),
    Metric("test/own_box_map", "own box mAP", "mAP of a detector's own boxes, whole metaphases", "images"),
    Metric("test/own_box_ap50", "own box AP50", "AP50 of a detector's own boxes, whole metaphases", "images"),
    Metric("test/recovered_80", "recovered", "chromosomes found at IoU ≥ 0.8, whole metaphases", "images"),
    Metric("test/recall_crossing", "recovered, crossing", "the same of those that cross another", "images"),
    Metric("test/count_mae", "count error", "count error per metaphase", "images", higher=False, decimals=2),
    Metric("test/count_exact", "count right", "metaphases whose count is right", "images"),
    Metric("test/edits", "edits", "chromosomes to correct per metaphase", "images", higher=False, decimals=2),
    Metric("test/flag_recall", "wrong, flagged", "wrong chromosomes that are flagged", "images"),
    Metric("test/flag_precision", "flagged, wrong", "flagged chromosomes that are wrong", "images"),
    Metric("test/flagged_right", "right, flagged", "right ones that are flagged", "images", higher=False, shown=False),
    Metric("test/ece", "ECE", "calibration error of the scores", "images", higher=False),
    Metric(
        "perf/infer_ms_per_image", "ms per image", "milliseconds of the network per image", "cost",
        higher=False, decimals=1,
    ),
)  # fmt: skip
NAMING = (  # of networks that name chromosomes which are cut already
    Metric("test/class_acc", "named right", "chromosomes named right, in their places", "images"),
    Metric("test/class_acc_alone", "alone", "the same by the network alone", "images"),
    Metric("test/cells_right", "cells right", "cells without a wrong name", "images"),
    Metric("test/class_flag_recall", "wrong, marked", "wrong names that are marked", "images"),
    Metric("test/class_flagged_right", "right, marked", "right names that are marked", "images", higher=False),
)
BY_KEY = {metric.key: metric for metric in (*METRICS, *NAMING)}
HEADINGS = {metric.key: metric.heading for metric in METRICS if metric.shown}  # columns of a table, in order
LABELS = {metric.key: metric.label for metric in METRICS if metric.shown}  # lines of a model card, in order
AGAIN = tuple(metric.key for metric in METRICS if metric.again)
OF_IMAGES = tuple(m.key.removeprefix(TEST) for m in METRICS if m.judged == "images" and m.shown)
BY_STAIN = (  # of whole images, stain by stain, beside how many there are
    "recovered_80", "recall_crossing", "count_mae", "count_exact", "edits", "flag_recall", "flag_precision",
)  # fmt: skip
SLICED = ("iou_crossing", "overlap_acc", "overall_acc")  # of cut-outs, slice by slice, beside how many there are
BY_EPOCH = (  # of whole images, after each epoch of a detector
    "mask_map", "mask_ap50", "mask_ap75", "box_map", "box_ap50", "box_ap75", "recall_crossing",
)  # fmt: skip


def figure(key: str, value: float | None) -> str:
    """A value as a person reads it; undefined is –."""
    return "–" if value is None else f"{value:.{decimals(key, value)}f}"


def decimals(key: str, value: float) -> int:
    """How many of a value are shown; of a metric that is not in the list by its size."""
    if key in BY_KEY:
        return BY_KEY[key].decimals
    return 3 if abs(value) < 10 else 1
