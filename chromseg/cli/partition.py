"""`chromseg-ops partition`: stage 2 alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromseg.cli.outcomes import finish, report


def partition(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with chromosome_*.png and crossing_*.png.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; one folder a pair of maps.")],
    algorithm: Annotated[str, typer.Option(help="chromseg-ops, or paper for the published one.")] = "chromseg-ops",
    radius: Annotated[int, typer.Option(help="How far around a crossing arms are looked at, in pixels.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Stage 2 alone: splice given maps into single chromosomes.

    Reads chromosome_*.png and crossing_*.png (white is true) and, where it is there, image_*.png of either polarity.
    """
    from chromseg.config import PartitionConfig, parse
    from chromseg.inference.batch import run_jobs
    from chromseg.inference.map_files import MapWorker, plan_maps

    jobs = plan_maps(folder, out)
    config = parse(PartitionConfig, {"algorithm": algorithm, "radius": radius}, "partition")
    finish(run_jobs(jobs, out, MapWorker(config), report), as_json)
