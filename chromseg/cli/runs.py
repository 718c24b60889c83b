"""`chromseg-ops runs`: training runs side by side."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from chromseg.cli.options import AsJson
from chromseg.cli.printing import print_json, print_progress
from chromseg.project import DEFAULT

if TYPE_CHECKING:
    from chromseg.sweep.sweep import StepOutcome

app = typer.Typer()


class Form(StrEnum):
    """How the table is printed."""

    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


@app.callback()
def runs() -> None:
    """Train the variants of a pipeline, and compare training runs."""


@app.command()
def compare(
    experiment: Annotated[str, typer.Option(help="MLflow experiment.")] = "chromseg",
    profile: Annotated[str | None, typer.Option(help="Only runs of this pipeline; default all, a table each.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Variant to compare with; default the pipeline's `compare.baseline`.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How the table is printed.")] = Form.MARKDOWN,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Print the ablation table: mean ± sd over seeds, the difference to the baseline, and half its 95 % interval.

    Runs that were tested on different data are never put into one table.
    """
    from chromseg.registry.store.compare import compare_runs

    tables = compare_runs(experiment, profile=profile, baseline=baseline)
    if as_json or form is Form.JSON:
        print_json([table.to_dict() for table in tables])
        return
    for number, table in enumerate(tables):
        text = table.to_csv() if form is Form.CSV else table.to_markdown()
        typer.echo(("\n" if number else "") + text, nl=False)


@app.command()
def sweep(
    profile: Annotated[str, typer.Option(help="Folder below profiles/; else the project's own pipeline.")] = DEFAULT,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="On a Ray cluster: HOST:PORT, auto, or local for this machine's cores."),
    ] = None,
    cores: Annotated[
        int | None, typer.Option(min=1, help="With --ray: of each training; else one, or a GPU's share.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run all stages of a pipeline that are not done, its variants and seeds side by side with --ray.

    Each ends in dvc.lock, as by `dvc repro`, which then has nothing to do. One that fails ends only those that need
    it. The same command again skips what is done, and goes on from checkpoints.
    """
    if cores and ray is None:
        raise typer.BadParameter("cores are shared out by a cluster; say --ray, maybe local", param_hint="--cores")
    from chromseg.sweep.call import run_sweep

    outcomes = run_sweep(profile, ray, cores, _tell)
    if as_json:
        print_json([{"step": each.step, "status": each.status, "reason": each.reason} for each in outcomes])
    else:
        counts = {status: sum(each.status == status for each in outcomes) for status in _STATUSES}
        typer.echo(", ".join(f"{count} {status}" for status, count in counts.items()))
        for each in outcomes:
            if each.status == "failed":
                typer.echo(_line(each))
    if any(each.reason for each in outcomes):
        raise typer.Exit(1)


@app.command()
def search(
    profile: Annotated[str, typer.Option(help="Folder below profiles/; else the project's own pipeline.")] = DEFAULT,
    ray: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Ray cluster: HOST:PORT, auto, or local for this machine's cores.")
    ] = "local",
    cores: Annotated[int | None, typer.Option(min=1, help="Of each trial; else one, or a GPU's share.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try other parameters of a variant, as the block `search` of params.yaml says, and print the best ones.

    Trials are judged on validation cases, and the worse ones stopped early. All are kept in one run of the MLflow
    experiment `search`. The samples must be prepared. The same command again goes on with a search that was stopped,
    as long as block, variant, samples and code are the same.
    """
    from chromseg.sweep.search import run_search

    found = run_search(profile, ray, cores, print_progress)
    best = found.trials[0]
    if as_json:
        print_json({"run": found.run, "metric": found.config.metric, "trials": [vars(each) for each in found.trials]})
        return
    failed = [each for each in found.trials if each.reason]
    for each in failed:
        print_progress(f"{each.overrides}: {each.reason}")
    print_progress(
        f"{len(found.trials)} trials, {len(failed)} failed; {found.config.metric} {best.best:.4g}; run {found.run}"
    )
    typer.echo(json.dumps(best.overrides))


_STATUSES = ("done", "skipped", "failed", "left out")


def _tell(outcome: StepOutcome) -> None:
    print_progress(_line(outcome))


def _line(outcome: StepOutcome) -> str:
    return f"{outcome.step}: {outcome.status}" + (f", {outcome.reason}" if outcome.reason else "")
