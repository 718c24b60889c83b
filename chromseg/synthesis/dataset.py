"""Synthetic sets in the data contract: drawn metaphases, and clusters or whole metaphases laid of real singles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from chromseg import __version__
from chromseg.annotations.dataset import POLARITIES, Dataset, DatasetCard, read_dataset
from chromseg.annotations.records import LAID_FROM
from chromseg.annotations.splits import assign_splits, empty_splits_text
from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity
from chromseg.naming import check_dataset_name
from chromseg.synthesis.chromosome import draw_preparation
from chromseg.synthesis.clusters import AS_REAL, CROWDED, lay_clusters
from chromseg.synthesis.karyotype import DIPLOID
from chromseg.synthesis.metaphase import synthesize_metaphase
from chromseg.synthesis.picture import DrawnPicture, write_pictures
from chromseg.synthesis.scenes import lay_scenes

IMPORTER = "synthesis"


def synthesize_dataset(
    root: Path,
    name: str,
    *,
    count: int,
    seed: int,
    polarity: Polarity = "dark-on-light",
    singles: Path | None = None,
    scenes: Path | None = None,
    crowded: bool = False,
    size: tuple[int, int] = (576, 768),
    chromosomes: int = DIPLOID,
    crossings: float = 1.2,
    touching: float = 1.1,
    images_per_case: int = 2,
    tell: Callable[[str], None] = lambda message: None,
) -> Dataset:
    """Make `root/name`: drawn metaphases; with `singles` clusters of 256×256, with `scenes` real metaphases laid anew.

    Args:
        root: Folder of all datasets.
        name: Name of the new one.
        count: Number of images.
        seed: Same seed and options, same pixels.
        polarity: "dark-on-light" (as G-banded) or "light-on-dark" (as Q-banded).
        singles: Folder of a set imported with `singles`; its polarity, cases and their splits are kept, and the
            options below the next two are of no use.
        scenes: Folder of a set of real metaphases, with masks or boxes; its polarity, classes, cases and their splits
            are kept, and the options below are of no use.
        crowded: Whether singles are laid at random in larger clusters, three deep and lengthwise, instead of as in
            real clusters.
        size: Rows and columns of a metaphase.
        chromosomes: Chromosomes a metaphase, up to 46.
        crossings: Mean number of crossing clusters a metaphase.
        touching: Mean number of clusters a metaphase that only touch.
        images_per_case: Metaphases a case, which share chromosome size, bending and stain.
        tell: Called with each message meant for the user.

    Returns:
        The dataset as written.

    Raises:
        DataError: The name is taken or unfit, a number is out of range, the chromosomes do not fit the image, or
            `singles` is no set of single chromosomes, or `scenes` has none that lie alone.
        OutputError: The dataset cannot be written.
    """
    target = _new_root(root, name)
    _check(count >= 1, f"{count} images", "at least 1", "--count")
    _check(seed >= 0, f"seed {seed}", "0 or more", "--seed")
    _check(None in (singles, scenes), "both clusters and scenes", "one of them", "--from or --scenes")
    if singles is not None:
        source = read_dataset(singles)
        tell(f"laying {count} clusters from {len(source.images)} singles")
        clusters = lay_clusters(source, count, seed, manner=CROWDED if crowded else AS_REAL)
        return write_pictures(target, _laid_card(name, source.card, seed, crowded), clusters)
    if scenes is not None:
        source = read_dataset(scenes)
        tell(f"laying {count} metaphases on grounds and of single chromosomes of {len(source.images)} pictures")
        return write_pictures(
            target, _scenes_card(name, source.card, seed), lay_scenes(source, count, seed), source.categories
        )
    _check(polarity in POLARITIES, f"polarity {polarity!r}", f"one of {', '.join(POLARITIES)}", "--polarity")
    _check(images_per_case >= 1, f"{images_per_case} images a case", "at least 1", "the number of images a case")
    case_ids = [f"case{index // images_per_case + 1:03d}" for index in range(count)]
    splits = assign_splits(name, case_ids)
    message = empty_splits_text(splits)
    if message:
        tell(f"{message}. A larger --count will fill it")
    pictures = []
    for index, case_id in enumerate(case_ids):
        case, shot = divmod(index, images_per_case)
        image, masks = synthesize_metaphase(
            np.random.default_rng([seed, case, 1 + shot]),
            size=size,
            polarity=polarity,
            chromosomes=chromosomes,
            crossings=crossings,
            touching=touching,
            preparation=draw_preparation(np.random.default_rng([seed, case, 0]), polarity),
        )
        pictures.append(DrawnPicture(f"{case_id}-{shot + 1}", case_id, splits[case_id], image, masks))
        tell(f"metaphase {index + 1} of {count}")
    return write_pictures(target, _drawn_card(name, polarity, seed), pictures)


def _drawn_card(name: str, polarity: Polarity, seed: int) -> DatasetCard:
    return DatasetCard(
        name=name,
        stain="synthetic",
        polarity=polarity,
        source=f"drawn by chromseg-ops {__version__}, seed {seed}",
        licence="CC0-1.0",
        citation="none needed",
        importer=IMPORTER,
        importer_version=__version__,
    )


def _laid_card(name: str, singles: DatasetCard, seed: int, crowded: bool) -> DatasetCard:
    manner = "" if crowded else " as in real clusters"
    source = f"{singles.source}; single chromosomes laid over one another{manner}, seed {seed}"
    return _of(singles, name, source)


def _scenes_card(name: str, real: DatasetCard, seed: int) -> DatasetCard:
    source = f"{real.source}; single chromosomes laid anew on its grounds, seed {seed}"
    return _of(real, name, source)


def _of(real: DatasetCard, name: str, source: str) -> DatasetCard:
    """The card of a set laid of a real one, whose cases its own are."""
    options = {LAID_FROM: real.cases_of}
    return replace(real, name=name, source=source, importer=IMPORTER, importer_version=__version__, options=options)


def _new_root(root: Path, name: str) -> Path:
    check_dataset_name(name, "--name")
    _check(not (root / name).exists(), f"{root / name}, which exists already", "a new dataset name", "--name")
    return root / name


def _check(right: bool, got: str, expected: str, option: str) -> None:
    if not right:
        raise DataError(got, expected=expected, remedy=f"change {option}")
