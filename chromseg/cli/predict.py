"""`chromseg-ops predict`: pictures in, single chromosomes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from chromseg import DEFAULT_MODEL, KARYOTYPE_MODEL
from chromseg.cli.cohort import predict_cohort
from chromseg.cli.options import DEVICES, POLARITIES, Device, choice
from chromseg.cli.outcomes import finish, report
from chromseg.extras import named_if_missing

if TYPE_CHECKING:
    from chromseg.inference.shard import Shard

FORMATS = ("folders", "parquet")
ModelOption = Annotated[str, typer.Option(help="Registered model (models:/NAME@ALIAS) or a model folder.")]


def predict(
    out: Annotated[str, typer.Option(help="Folder for the results; one folder a picture.")],
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SRC...", help="Pictures, folders of them; with --ray patterns, s3://, gs://, tar."),
    ] = None,
    listing: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="A text file of further sources, one a line.")
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    polarity: Annotated[str, typer.Option(help="auto, dark-on-light or light-on-dark.")] = "auto",
    scale: Annotated[str, typer.Option(help="auto, or the factor that brings pictures to the model's scale.")] = "auto",
    channel: Annotated[
        str | None, typer.Option(help="red, green or blue of a colour picture, or a name in a microscope's file.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse pictures like none that the model was trained on.")
    ] = False,
    karyogram: Annotated[
        bool, typer.Option("--karyogram", help="Also place the chromosomes in a karyogram: PNG, PDF and JSON.")
    ] = False,
    karyotype: Annotated[
        str, typer.Option(metavar="MODEL", help="With --karyogram: the model of the family `karyotype`, or its folder.")
    ] = KARYOTYPE_MODEL,
    device: Device = "auto",
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Do share I of N alone, from 1; the shares of one call are disjoint.")
    ] = "1/1",
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="On a Ray cluster: HOST:PORT, auto, or local for one here."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="With --ray: folders, or parquet for two tables in any store.")
    ] = "folders",
    workers: Annotated[int | None, typer.Option(min=1, help="With --ray: at most; else one a core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Cut pictures into single chromosomes.

    Writes per picture instances.json (COCO), overlay.png and chromosomes/001.png …, keeping the path below SRC. What is
    done already with the same model and options is skipped; one bad picture does not stop the rest.

    With --karyogram also karyogram.png, .pdf and .json: chromosomes named, straightened and placed by a program, for a
    person to check, not a diagnosis.
    """
    from chromseg.api import load_karyotyper, load_predictor, located_model
    from chromseg.images.pictures import CHANNELS
    from chromseg.inference.asked import Asked
    from chromseg.inference.batch import listed, plan_jobs, run_jobs, shard_of
    from chromseg.inference.files import FolderWorker, PictureWorker
    from chromseg.inference.microscopes import is_microscopes

    used_scale = parse_scale(scale)
    choice(polarity, POLARITIES, "--polarity")
    choice(device, DEVICES, "--device")
    choice(form, FORMATS, "--format")
    _check_ray(ray, [*(sources or ()), out], form, workers)
    if ray is not None and karyogram:
        raise typer.BadParameter(
            "a cluster makes no karyograms; leave --ray or --karyogram out", param_hint="--karyogram"
        )
    share = parse_shard(shard)
    given = [*(sources or ()), *(listed(listing) if listing else ())]
    if not given:
        raise typer.BadParameter("neither SRC nor --list is given", param_hint="SRC")
    if channel is not None and not all(is_microscopes(Path(place)) for place in given):
        choice(channel, CHANNELS, "--channel")
    asked = Asked(cast(Any, polarity), used_scale, strict=strict, channel=channel)
    if ray is not None:
        with named_if_missing():
            from chromseg.cohort.cohort import Cohort
            from chromseg.cohort.model_files import ModelFiles

        loader = ModelFiles.of(*located_model(model))
        cohort = Cohort(tuple(given), out, loader, asked, ray, device, form, share, workers)
        predict_cohort(cohort, as_json)
        return
    folder = Path(out)
    jobs = shard_of(plan_jobs(map(Path, given), folder), folder, share)
    predictor = load_predictor(model, device=device)
    if strict:
        predictor.require_looks()
    worker = PictureWorker(predictor, asked, load_karyotyper(karyotype, device=device) if karyogram else None)
    finish(run_jobs(jobs, folder, FolderWorker(worker, jobs) if len(jobs) > 1 else worker, report, share), as_json)


def _check_ray(ray: str | None, places: list[str], form: str, workers: int | None) -> None:
    """Refuse what only a cluster can do."""
    remote = [place for place in places if "://" in place]
    if ray is None and (remote or form != FORMATS[0] or workers):
        what = remote[0] if remote else "--workers" if workers else f"--format {form}"
        raise typer.BadParameter(f"{what} needs --ray; `--ray local` is this machine alone", param_hint="--ray")


def parse_shard(text: str) -> Shard:
    """`i/n`, from 1."""
    from chromseg.errors import ConfigError
    from chromseg.inference.shard import Shard

    try:
        return Shard.parse(text)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--shard") from error


def parse_scale(text: str) -> float | Literal["auto"]:
    """`auto` or a positive number."""
    from chromseg.inference.asked import scale_of

    try:
        return scale_of(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is neither `auto` nor a number above 0", param_hint="--scale") from error
