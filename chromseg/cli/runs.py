"""`chromseg-ops runs`: training runs side by side."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from chromseg.cli.printing import print_json

app = typer.Typer()


class Form(StrEnum):
    """How the table is printed."""

    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


@app.callback()
def runs() -> None:
    """Compare training runs."""


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
    """Print the ablation table: mean ± sd over seeds, and the difference to the baseline.

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
