"""`chromseg-ops predict` and `partition`: pictures in, single chromosomes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from chromseg import DEFAULT_MODEL
from chromseg.cli.options import DEVICES, POLARITIES, Device, choice

if TYPE_CHECKING:
    from chromseg.inference.batch import Outcome

ModelOption = Annotated[str, typer.Option(help="Registered model (models:/NAME@ALIAS) or a model folder.")]


def predict(
    sources: Annotated[list[Path], typer.Argument(metavar="SRC...", help="Pictures, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; one folder a picture.")],
    model: ModelOption = DEFAULT_MODEL,
    polarity: Annotated[str, typer.Option(help="auto, dark-on-light or light-on-dark.")] = "auto",
    scale: Annotated[str, typer.Option(help="auto, or the factor that brings pictures to the model's scale.")] = "auto",
    channel: Annotated[
        str | None, typer.Option(help="red, green or blue, of pictures of several stains; else their grey.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse pictures like none that the model was trained on.")
    ] = False,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Cut pictures into single chromosomes.

    Writes per picture instances.json (COCO), overlay.png and chromosomes/001.png …, keeping the path below SRC. What is
    done already with the same model and options is skipped; one bad picture does not stop the rest.
    """
    from chromseg.api import load_predictor
    from chromseg.images.pictures import CHANNELS
    from chromseg.inference.asked import Asked
    from chromseg.inference.batch import plan_jobs, run_jobs
    from chromseg.inference.files import FolderWorker, PictureWorker

    used_scale = parse_scale(scale)
    choice(polarity, POLARITIES, "--polarity")
    choice(device, DEVICES, "--device")
    if channel is not None:
        choice(channel, CHANNELS, "--channel")
    jobs = plan_jobs(sources, out)
    predictor = load_predictor(model, device=device)
    if strict:
        predictor.require_looks()
    worker = PictureWorker(predictor, Asked(cast(Any, polarity), used_scale, strict=strict, channel=channel))
    finish(run_jobs(jobs, out, FolderWorker(worker, jobs) if len(jobs) > 1 else worker, report), as_json)


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


def parse_scale(text: str) -> float | Literal["auto"]:
    """`auto` or a positive number."""
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise typer.BadParameter(f"{text!r} is neither `auto` nor a number above 0", param_hint="--scale")
    return value


def report(outcome: Outcome) -> None:
    """One line a picture on stderr, as it happens."""
    if outcome.error:
        told, source = str(outcome.error), outcome.job.source.as_posix()
        line = told if told.startswith(source) else f"{source}: {told}"
    elif outcome.status == "skipped":
        line = f"{outcome.job.source}: done before, skipped"
    else:
        review = f", {outcome.review} to be looked at" if outcome.review else ""
        line = f"{outcome.job.source}: {outcome.count} chromosomes{review}"
    typer.echo(line, err=True)
    for note in outcome.notes:
        typer.echo(f"  note: {note}", err=True)


def finish(outcomes: list[Outcome], as_json: bool) -> None:
    """Print the sum on stdout; exit 1 if any failed."""
    counts: dict[str, Any] = {
        status: sum(outcome.status == status for outcome in outcomes) for status in ("done", "skipped", "failed")
    }
    counts["chromosomes"] = sum(outcome.count for outcome in outcomes)
    counts["to_review"] = sum(outcome.review for outcome in outcomes)
    if as_json:
        results = [
            {
                "file": o.job.source.as_posix(),
                "status": o.status,
                "folder": o.job.folder.as_posix(),
                "chromosomes": o.count,
                "to_review": o.review,
                "notes": list(o.notes),
            }
            for o in outcomes
        ]
        typer.echo(json.dumps({**counts, "results": results}, indent=2))
    else:
        typer.echo(
            f"{counts['done']} done, {counts['skipped']} skipped, {counts['failed']} failed; "
            f"{counts['chromosomes']} chromosomes, {counts['to_review']} to be looked at"
        )
    if counts["failed"]:
        raise typer.Exit(1)
