"""`chromseg-ops data validate`, `summary` and `diff`: what is in a dataset, and whether it may be trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chromseg.cli.data.options import Names, Root
from chromseg.cli.data.tables import print_changes, print_summary
from chromseg.cli.options import AsJson
from chromseg.cli.printing import print_json
from chromseg.project import DATA, REPORTS, Pipeline

if TYPE_CHECKING:
    from chromseg.validation import DatasetLimits

_PARAMS = Pipeline().params_file
_SHOWN_FAILURES = 50


def validate(
    names: Names = None,
    out: Annotated[Path, typer.Option(help="Folder for reports as JSON and HTML.")] = Path(REPORTS, "validation"),
    params: Annotated[Path, typer.Option(help="Limits are read from its validate.limits, if it is there.")] = _PARAMS,
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """Check datasets against all expectations; exit 1 if any is broken that training must not pass.

    They are checked as used together, in the order named: no case and no metaphase may lie in two splits of them all.
    """
    from chromseg.validation import validate_datasets
    from chromseg.validation.docs import write_reports

    limits = _limits(params)
    reports = validate_datasets([data_root / name for name in _known(names, data_root)], limits)
    pages = [write_reports(report, out)[1] for report in reports]
    if as_json:
        print_json([report.to_json() for report in reports])
    for report, page in zip(reports, pages, strict=True):
        for failure in report.failures[: 0 if as_json else _SHOWN_FAILURES]:
            typer.echo(f"{report.name}: {failure}")
        hidden = len(report.failures) - _SHOWN_FAILURES
        if hidden > 0 and not as_json:
            typer.echo(f"{report.name}: … and {hidden} more")
        typer.echo(f"{report.name}: {report.summary}; see {page}", err=as_json)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def summary(
    names: Names = None,
    out: Annotated[Path, typer.Option(help="Folder for the area histograms.")] = Path(REPORTS),
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """Count and measure datasets: sizes, splits, overlaps as ChromSeg's Table I, areas as UCRD-Net's Fig. 3 (PNG)."""
    from chromseg.annotations.dataset import read_dataset
    from chromseg.annotations.summary import draw_area_histogram, summarize

    found = []
    for name in _known(names, data_root):
        dataset = read_dataset(data_root / name)
        figures = summarize(dataset)
        picture = out / f"{name}_areas.png" if figures.area else None
        if picture:
            draw_area_histogram(dataset, picture)
        found.append(figures.to_json() | {"histogram": None if picture is None else picture.as_posix()})
        if not as_json:
            print_summary(figures, picture)
    if as_json:
        print_json(found)


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="NAME, or NAME@REV: as it was at a git revision.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same, later.")],
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """List what changed from A to B: pictures and outlines added, changed, gone, and splits that moved."""
    from chromseg.annotations.changes import compare, pictures_of
    from chromseg.annotations.revisions import opened

    found = []
    for version in (before, after):
        with opened(version, data_root) as dataset:
            found.append(pictures_of(dataset))
    changes = compare(*found)
    if as_json:
        print_json({"before": before, "after": after} | changes.to_json())
        return
    print_changes(changes)


def _known(names: list[str] | None, data_root: Path) -> list[str]:
    """The names as given, or of all datasets there are."""
    from chromseg.errors import DataError

    found = names or sorted(card.parent.name for card in data_root.glob("*/dataset.yaml"))
    if not found:
        raise DataError(
            f"no dataset below {data_root}/",
            expected="at least one",
            remedy="run `chromseg-ops data import`, `chromseg-ops data synthesize` or `dvc pull`",
        )
    return found


def _limits(params: Path) -> DatasetLimits:
    from chromseg.config import parse, read_params
    from chromseg.validation import DatasetLimits

    block = (read_params(params).get("validate") or {}) if params.exists() else {}
    return parse(DatasetLimits, block.get("limits") or {}, "validate.limits")
