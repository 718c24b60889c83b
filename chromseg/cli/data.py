"""`chromseg-ops data`: annotated images in, checked, summed up and put under DVC."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chromseg.cli.printing import print_json
from chromseg.project import DATA, REPORTS, Pipeline

if TYPE_CHECKING:
    from chromseg.annotations.changes import Changes
    from chromseg.annotations.dataset import Dataset
    from chromseg.validation import DatasetLimits

app = typer.Typer()

POLARITIES = ("auto", "dark-on-light", "light-on-dark")
_PARAMS = Pipeline().params_file
_SHOWN_FAILURES = 50

Name = Annotated[str, typer.Option("--name", help="Name of the new dataset, a folder below data/.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Datasets below data/; default all.")]
Root = Annotated[Path, typer.Option("--data-root", help="Folder of all datasets.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command("import")
def import_data(
    format: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help="labelme, voc, coco, paired-masks, label-map, instance-map, class-map or singles."
        ),
    ],
    src: Annotated[Path, typer.Argument(help="Folder (or file) of the source.")],
    name: Name,
    invert: Annotated[bool, typer.Option("--invert", help="The polarity is the other one; pixels stay.")] = False,
    polarity: Annotated[
        str, typer.Option(help="auto (judged from the pixels), dark-on-light, light-on-dark.")
    ] = "auto",
    case_regex: Annotated[
        str | None, typer.Option(help="Searched in each image's path; its first group is the case.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Shares of train/val/test by case, such as 60/20/20; replaces the source's own.")
    ] = None,
    splits: Annotated[
        Path | None, typer.Option(help="CSV file with the columns case and split: splits that stand.")
    ] = None,
    stain: Annotated[str | None, typer.Option(help="g-band, q-band, r-band, dapi or synthetic.")] = None,
    source: Annotated[str | None, typer.Option(help="Where the images come from; default SRC's name.")] = None,
    licence: Annotated[str | None, typer.Option(help="Terms of the images.")] = None,
    citation: Annotated[str | None, typer.Option(help="What to cite.")] = None,
    classes: Annotated[str, typer.Option(help="Further names of chromosomes in the source, with commas.")] = "",
    ignore: Annotated[str, typer.Option(help="Names in the source to leave out, such as nucleus, with commas.")] = "",
    second: Annotated[
        str | None,
        typer.Option(help="paired-masks: binary_label2 is chromosome or non-overlap; default: seen from it."),
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Make the next version of NAME: options as on its card, old cases keep splits."),
    ] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out images with problems, and say so.")] = False,
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """Import annotated images of a public format as data/NAME.

    Nothing is written if any image has a problem, unless --skip-bad leaves those out. Pixels are stored as they came.
    With --update SRC is the whole next version, old pictures and new ones; what changed is printed.
    """
    from chromseg.annotations.changes import compare, pictures_of
    from chromseg.annotations.dataset import read_dataset
    from chromseg.importers import Options, import_dataset

    options = Options(
        polarity=_choice(polarity, POLARITIES, "--polarity"),  # type: ignore[arg-type]
        classes=_comma_separated(classes),
        ignore=_comma_separated(ignore),
        second=_choice(second or "auto", ("auto", "chromosome", "non-overlap"), "--second"),  # type: ignore[arg-type]
    )
    before = pictures_of(read_dataset(data_root / name)) if update else None
    dataset = import_dataset(
        format,
        src,
        name,
        data_root=data_root,
        invert=invert,
        case_regex=case_regex,
        split=_shares(split),
        splits=splits,
        stain=stain,
        source=source,
        licence=licence,
        citation=citation,
        options=options,
        update=update,
        skip_bad=skip_bad,
        tell=_tell,
    )
    _print_made(dataset, as_json, None if before is None else compare(before, pictures_of(dataset)))


@app.command()
def synthesize(
    name: Name,
    count: Annotated[int, typer.Option(min=1, help="Number of images.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed and options, same pixels.")],
    singles: Annotated[
        str | None, typer.Option("--from", help="Lay the single chromosomes of this dataset into crossing clusters.")
    ] = None,
    scenes: Annotated[
        str | None, typer.Option(help="Lay single chromosomes of this dataset on its own grounds: whole metaphases.")
    ] = None,
    crowded: Annotated[
        bool, typer.Option("--crowded", help="With --from: larger and denser clusters than real ones.")
    ] = False,
    polarity: Annotated[
        str, typer.Option(help="dark-on-light (G-bands) or light-on-dark (Q-bands).")
    ] = "dark-on-light",
    size: Annotated[str, typer.Option(help="Width×height of a metaphase in pixels.")] = "768x576",
    crossings: Annotated[float, typer.Option(min=0, help="Mean number of crossing clusters a metaphase.")] = 1.2,
    touching: Annotated[float, typer.Option(min=0, help="Mean number of clusters that only touch.")] = 1.1,
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """Draw metaphases with exact truth as data/NAME, or lay real single chromosomes with --from or --scenes."""
    from chromseg.synthesis import synthesize_dataset

    width, height = _size(size)
    dataset = synthesize_dataset(
        data_root,
        name,
        count=count,
        seed=seed,
        polarity=_choice(polarity, POLARITIES[1:], "--polarity"),  # type: ignore[arg-type]
        singles=None if singles is None else _dataset_folder(data_root, singles),
        scenes=None if scenes is None else _dataset_folder(data_root, scenes),
        crowded=crowded,
        size=(height, width),
        crossings=crossings,
        touching=touching,
        tell=_tell,
    )
    _print_made(dataset, as_json)


@app.command()
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


@app.command()
def summary(
    names: Names = None,
    out: Annotated[Path, typer.Option(help="Folder for the area histograms.")] = Path(REPORTS),
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """Count and measure datasets: sizes, splits, overlaps as ChromSeg's Table I, areas as UCRD-Net's Fig. 3 (PNG)."""
    from chromseg.annotations.dataset import read_dataset
    from chromseg.annotations.summary import draw_area_histogram, summarize
    from chromseg.cli.data_tables import print_summary

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


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="NAME, or NAME@REV: as it was at a git revision.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same, later.")],
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """List what changed from A to B: pictures and outlines added, changed, gone, and splits that moved."""
    from chromseg.annotations.changes import compare, pictures_of
    from chromseg.annotations.revisions import opened
    from chromseg.cli.data_tables import print_changes

    found = []
    for version in (before, after):
        with opened(version, data_root) as dataset:
            found.append(pictures_of(dataset))
    changes = compare(*found)
    if as_json:
        print_json({"before": before, "after": after} | changes.to_json())
        return
    print_changes(changes)


@app.command()
def track(
    name: Annotated[str, typer.Argument(help="Dataset below data/.")],
    remote: Annotated[
        str | None, typer.Option(help="DVC remote for its images; only the built-in sample goes to the embedded one.")
    ] = None,
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """Put data/NAME under DVC, or record its new state, as one entry of data.dvc."""
    from chromseg.annotations.tracking import track as track_dataset

    md5 = track_dataset(name, data_root=data_root, remote=remote)
    if as_json:
        print_json({"name": name, "md5": md5})
        return
    typer.echo(f"{data_root / name} tracked in {data_root.name}.dvc, md5 {md5}")
    typer.echo(f"next: git add {data_root.name}.dvc && git commit, then dvc push", err=True)


def _tell(message: str) -> None:
    typer.echo(message, err=True)


def _choice(value: str, choices: tuple[str, ...], option: str) -> str | None:
    """The value, None for `auto`."""
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(choices)}", param_hint=option)
    return None if value == "auto" else value


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _shares(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?(/\d+(\.\d+)?){2}", text) or not any(float(part) for part in text.split("/")):
        raise typer.BadParameter(f"{text!r} is not three shares such as 60/20/20", param_hint="--split")
    train, val, test = (float(part) for part in text.split("/"))
    return train, val, test


def _size(text: str) -> tuple[int, int]:
    fit = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text)
    if not fit:
        raise typer.BadParameter(f"{text!r} is not a width×height such as 768x576", param_hint="--size")
    return int(fit.group(1)), int(fit.group(2))


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


def _print_made(dataset: Dataset, as_json: bool, changes: Changes | None = None) -> None:
    from chromseg.cli.data_tables import print_changes

    splits = {split: len(dataset.in_split(split)) for split in ("train", "val", "test")}
    facts: dict[str, Any] = {
        "dataset": dataset.root.as_posix(),
        "images": len(dataset.images),
        "annotations": len(dataset.instances),
        "cases": len({image.case for image in dataset.images}),
        "splits": splits,
        "stain": dataset.card.stain,
        "polarity": dataset.card.polarity,
    }
    if as_json:
        print_json(facts | ({} if changes is None else {"changes": changes.to_json()}))
        return
    cut = ", ".join(f"{split} {count}" for split, count in splits.items())
    typer.echo(
        f"{facts['dataset']}: {facts['images']} images, {facts['annotations']} annotations, {facts['cases']} cases "
        f"({cut}); {facts['stain']}, {facts['polarity']}"
    )
    if changes is not None:
        print_changes(changes)


def _dataset_folder(data_root: Path, text: str) -> Path:
    """A dataset by its name, or by its folder where somebody typed that."""
    return Path(text) if (Path(text) / "dataset.yaml").is_file() else data_root / text
