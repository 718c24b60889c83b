"""How far a score can be believed: the reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

from chromseg.evaluation.tables import write_table
from chromseg.metrics import CalibrationBin, InstanceScore, reliability, scores_and_hits

matplotlib.use("Agg")


def write_calibration(folder: Path, images: Sequence[InstanceScore]) -> None:
    """Write the reliability diagram of all scores, `reliability.csv` and `reliability.png`."""
    scores, hits = scores_and_hits(images)
    bins = reliability(scores, hits)
    write_table(folder / "reliability.csv", [one._asdict() for one in bins])
    draw_reliability(folder / "reliability.png", bins)


def draw_reliability(path: Path, bins: Sequence[CalibrationBin]) -> None:
    """Share of correct detections over their score; on the diagonal a score can be believed."""
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(
        2, 1, figsize=(4.5, 5.5), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    above.plot([0, 1], [0, 1], color="silver", linestyle="--")
    above.plot([one.score for one in bins], [one.correct for one in bins], marker="o")
    above.set(ylabel="share found at IoU ≥ 0.8", xlim=(0, 1), ylim=(0, 1))
    widths = [one.high - one.low for one in bins]
    below.bar([one.low for one in bins], [one.n for one in bins], width=widths, align="edge", edgecolor="white")
    below.set(xlabel="score", ylabel="detections")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
