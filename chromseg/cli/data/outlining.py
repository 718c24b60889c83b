"""`chromseg-ops data outline`: outlines for a set that has boxes alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chromseg import DEFAULT_MODEL
from chromseg.cli.data.options import Root
from chromseg.cli.options import AsJson
from chromseg.cli.printing import print_json, print_progress, print_table
from chromseg.project import DATA, REPORTS

if TYPE_CHECKING:
    from chromseg.outlining import Outlining


def outline(
    name: Annotated[str, typer.Argument(help="Dataset below data/ that has boxes alone.")],
    into: Annotated[str, typer.Option("--into", metavar="NEW", help="Name of the outlined dataset.")],
    model: Annotated[
        str, typer.Option(help="Registered model (models:/NAME@ALIAS) or a model folder; it cuts clusters.")
    ] = DEFAULT_MODEL,
    no_model: Annotated[bool, typer.Option("--no-model", help="Outline only what lies alone in its box.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many pictures, the first.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the sheet of pictures.")] = Path(REPORTS),
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """Make instances of a set of boxes, as far as boxes, pixels and a model tell them; the rest is to be ignored.

    A chromosome is outlined that lies alone in its box, or in a cluster that the model cuts as the boxes say. Every
    other one is a region that losses and scores leave out. Run it again as models get better: an outlining of the same
    boxes gives way to the new one.
    """
    from chromseg.api import load_predictor
    from chromseg.outlining import outline_dataset
    from chromseg.outlining.sheet import write_sheet

    predictor = None if no_model else load_predictor(model)
    found = outline_dataset(data_root, name, into, predictor=predictor, limit=limit, tell=print_progress)
    picture = write_sheet(found.dataset, out / f"{into}_outlines.png")
    if as_json:
        print_json(found.to_json() | {"sheet": picture.as_posix()})
        return
    _print(found)
    typer.echo(f"sheet: {picture}")


def _print(found: Outlining) -> None:
    headings = ("split", "pictures", "chromosomes", "alone", "cut by the model", "ignored")
    rows = []
    for split in ("train", "val", "test", ""):
        one = found.shares(split)
        counts = [_counted(count, one.boxes) for count in (one.alone, one.cut, one.ignored)]
        rows.append((split or "all", one.pictures, f"{one.boxes:,}", *counts))
    print_table(headings, rows)
    if found.refused:
        typer.echo(f"{len(found.refused)} pictures that the model refused; there only what lies alone is known")


def _counted(count: int, total: int) -> str:
    return f"{count:,} ({count / total:.0%})" if total else "0"
