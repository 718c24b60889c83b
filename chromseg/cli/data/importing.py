"""`chromseg-ops data import`: annotated images of a public format in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from chromseg.cli.data.options import NewName, Root
from chromseg.cli.data.tables import print_made
from chromseg.cli.options import POLARITIES, AsJson, choice
from chromseg.cli.printing import print_progress
from chromseg.project import DATA


def import_data(
    format: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help="labelme, voc, coco, paired-masks, label-map, instance-map, class-map or singles."
        ),
    ],
    src: Annotated[Path, typer.Argument(help="Folder (or file) of the source.")],
    name: NewName,
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
    from chromseg.importers import ImportOptions, import_dataset

    options = ImportOptions(
        polarity=choice(polarity, POLARITIES, "--polarity"),  # type: ignore[arg-type]
        classes=_comma_separated(classes),
        ignore=_comma_separated(ignore),
        second=choice(second or "auto", ("auto", "chromosome", "non-overlap"), "--second"),  # type: ignore[arg-type]
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
        tell=print_progress,
    )
    print_made(dataset, as_json, None if before is None else compare(before, pictures_of(dataset)))


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _shares(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?(/\d+(\.\d+)?){2}", text) or not any(float(part) for part in text.split("/")):
        raise typer.BadParameter(f"{text!r} is not three shares such as 60/20/20", param_hint="--split")
    train, val, test = (float(part) for part in text.split("/"))
    return train, val, test
