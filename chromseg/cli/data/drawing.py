"""`chromseg-ops data synthesize`: metaphases with exact truth, drawn or laid of real singles."""

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


def synthesize(
    name: NewName,
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
        polarity=choice(polarity, POLARITIES[1:], "--polarity"),  # type: ignore[arg-type]
        singles=None if singles is None else _dataset_folder(data_root, singles),
        scenes=None if scenes is None else _dataset_folder(data_root, scenes),
        crowded=crowded,
        size=(height, width),
        crossings=crossings,
        touching=touching,
        tell=print_progress,
    )
    print_made(dataset, as_json)


def _size(text: str) -> tuple[int, int]:
    fit = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text)
    if not fit:
        raise typer.BadParameter(f"{text!r} is not a width×height such as 768x576", param_hint="--size")
    return int(fit.group(1)), int(fit.group(2))


def _dataset_folder(data_root: Path, text: str) -> Path:
    """A dataset by its name, or by its folder where somebody typed that."""
    return Path(text) if (Path(text) / "dataset.yaml").is_file() else data_root / text
