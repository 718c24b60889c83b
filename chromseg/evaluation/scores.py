"""The scores of one judged model as files, with intervals (contract §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from chromseg.evaluation.calibration import write_calibration
from chromseg.evaluation.measuring import Judged
from chromseg.evaluation.tables import write_table
from chromseg.files import replacing, write_json
from chromseg.metrics import (
    CutoutScore,
    InstanceScore,
    bootstrap_by_case,
    instance_intervals,
    mean_iou,
    overall_acc,
    overlap_acc,
    sp_acc,
)

_WITH_INTERVAL: dict[str, Callable[[Sequence[CutoutScore]], float | None]] = {
    "iou_crossing": lambda scores: mean_iou([score.iou_crossing for score in scores])[0],
    "overlap_acc": overlap_acc,
    "sp_acc": sp_acc,
    "overall_acc": overall_acc,
}


def write_scores(folder: Path, judged: Judged, studied: Sequence[Mapping[str, object]] = ()) -> None:
    """Write scores in one step.

    `metrics.json` (with intervals and slices), `cutouts.csv`, `metaphases.csv`, the reliability diagram as CSV and PNG,
    and `study.csv` if there is one.
    """
    found = {
        "metrics": judged.metrics,
        "intervals": intervals(judged.cutouts, judged.metaphases),
        "slices": judged.slices,
    }
    with replacing(folder) as root:
        root.mkdir()
        write_json(root / "metrics.json", found)
        write_table(root / "cutouts.csv", [asdict(score) for score in judged.cutouts])
        write_table(root / "metaphases.csv", [_row(image) for image in judged.metaphases])
        if judged.metaphases:
            write_calibration(root, judged.metaphases)
        if studied:
            write_table(root / "study.csv", studied)


def intervals(
    cutouts: Sequence[CutoutScore], metaphases: Sequence[InstanceScore] = ()
) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals by case of the metrics of cut-outs and of whole images."""
    cases = [score.case_id for score in cutouts]
    found = {key: bootstrap_by_case(cutouts, cases, statistic) for key, statistic in _WITH_INTERVAL.items()}
    found |= instance_intervals(metaphases)
    return {f"test/{key}": (interval.low, interval.high) for key, interval in found.items() if interval}


def rounded(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """The metrics that are defined, to four digits, for a line on the terminal."""
    return {key: round(value, 4) for key, value in metrics.items() if value is not None}


def _row(image: InstanceScore) -> dict[str, object]:
    return {
        "name": image.name,
        "case_id": image.case_id,
        "true": image.recovered.size,
        "found": image.count,
        "recovered_80": int(image.recovered.sum()),
        "edits": image.edits,
    }
