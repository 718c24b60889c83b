"""What the test of a trained model gave, on the run that trained it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from chromseg.registry.store.runs import RunTracker

if TYPE_CHECKING:
    from chromseg.evaluation.measuring import Judged


def record_judgement(run: RunTracker, judged: Judged, scores: Path) -> None:
    """Log metrics and slices, the folder of scores as `test`, and a picture of the first cut-outs."""
    from chromseg.evaluation.gallery import draw_gallery  # torch, which a comparison of runs does without

    run.log_metrics(judged.metrics | judged.slices)
    run.log_artifact(scores, "test")
    with tempfile.TemporaryDirectory() as folder:
        overlays = Path(folder) / "overlays.png"
        draw_gallery(overlays, "test cut-outs, the first of them", judged.cases)
        run.log_artifact(overlays)
