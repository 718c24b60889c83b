"""From a source in a public format to `data/<name>`: one polarity, cases, splits, a card, written in one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chromseg import __version__
from chromseg.annotations.dataset import (
    STAINS,
    Dataset,
    DatasetCard,
    ImageRecord,
    InstanceRecord,
    read_dataset,
    write_dataset,
)
from chromseg.annotations.splits import Shares
from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity
from chromseg.importers import class_map, coco, instance_map, label_map, labelme, paired_masks, singles, voc
from chromseg.importers.cases import find_cases, find_groups
from chromseg.importers.known import find_known, with_cases, with_splits
from chromseg.importers.polarity import common_polarity
from chromseg.importers.problems import readable
from chromseg.importers.recipe import Recipe
from chromseg.importers.source import ImportedImage, ImportedSet, ImportOptions, natural_key
from chromseg.importers.splitting import Standing, find_splits, name_groups
from chromseg.importers.updating import check_next, next_recipe
from chromseg.naming import check_dataset_name
from chromseg.project import DATA

_POLARITY_SAMPLE = 16
UNKNOWN = "not stated"


@dataclass(frozen=True)
class SourceFormat:
    """One public format.

    Attributes:
        read: Source and options to what is in it.
        case_regex: Its usual way to say the case in a file's name; the first group is the case.
        fluorescent: Its usual stain where chromosomes are light on dark; dark on light it is G-banding.
    """

    read: Callable[[Path, ImportOptions], ImportedSet]
    case_regex: str | None = None
    fluorescent: str = "q-band"


FORMATS: dict[str, SourceFormat] = {
    "labelme": SourceFormat(labelme.read, case_regex=r"original_(\d+)"),
    "voc": SourceFormat(voc.read, case_regex=r"^(.+)\d$"),
    "coco": SourceFormat(coco.read),
    "paired-masks": SourceFormat(paired_masks.read),
    "label-map": SourceFormat(label_map.read, fluorescent="dapi"),
    "instance-map": SourceFormat(instance_map.read),
    "class-map": SourceFormat(class_map.read, fluorescent="dapi"),
    "singles": SourceFormat(singles.read, case_regex=r"(?:^|/)(case[^/]*)/"),
}


def import_dataset(
    format: str,
    src: Path,
    name: str,
    *,
    data_root: Path = Path(DATA),
    invert: bool = False,
    case_regex: str | None = None,
    split: Shares | None = None,
    splits: Path | None = None,
    stain: str | None = None,
    source: str | None = None,
    licence: str | None = None,
    citation: str | None = None,
    options: ImportOptions = ImportOptions(),  # noqa: B008 — frozen
    update: bool = False,
    skip_bad: bool = False,
    tell: Callable[[str], None] = lambda message: None,
) -> Dataset:
    """Import a source in one of `FORMATS` to `data_root/name`, or as its next version.

    A picture that another dataset of `data_root` has already, pixel for pixel, keeps the case and the split that it has
    there: corrections are imported so. `case_regex` and `split` do as they say.

    Nothing is written unless the whole source could be read, or `skip_bad` allows to leave files out; a version that
    stands is there until the next one is written.

    Args:
        format: A key of `FORMATS`.
        src: Folder (or file, where the format has one) of the source.
        name: Name of the dataset.
        data_root: Folder of all datasets.
        invert: Flip the declared or estimated polarity; pixels are stored as they came.
        case_regex: Searched in each image's path below images/, without its suffix and a leading split folder; its
            first group is the case. None: the format's own, and an image that it does not fit is its own case.
        split: Shares of train, val, test; they replace a split that the source brings. None: the source's, or 6:2:2.
        splits: CSV file with the columns `case` and `split`: splits that stand, whatever source and shares say.
        stain: One of `annotations.dataset.STAINS`; None: as is usual for the polarity.
        source: Where the images come from; None: the source folder's name.
        licence: Terms of the images.
        citation: What to cite.
        options: How to read the source; `options.polarity` None estimates it.
        update: Make the next version of a set that is there: what is not said here is as its card has it, and what it
            has keeps its split.
        skip_bad: Leave out what cannot be read and say so, instead of failing.
        tell: Called with each message meant for the user.

    Raises:
        UnreadableSourceError: Several things in the source are wrong; `problems` lists all, `tell` got the first 20.
        DataError: One thing is wrong, the name is taken, unfit or (to update) not there, or the format unknown.
        OutputError: The dataset cannot be written.
    """
    target = _root(data_root, name, update)
    kind = _format(format)
    _check_stain(stain)
    old = read_dataset(target) if update else None
    recipe = Recipe(invert, case_regex, split, options)
    if old is not None:
        recipe = next_recipe(recipe, old, format, tell)
    standing = (Standing.of(old) if old else Standing()).with_list(Standing.in_file(splits) if splits else Standing())

    images = readable(kind.read(src, recipe.options), src, skip_bad, tell)
    known = find_known([image for image in images if image.name not in standing.pictures], data_root, name, tell)
    images = with_cases(images, known)
    if recipe.split is None:
        standing = with_splits(standing, known)
    polarity = _polarity(images, recipe, tell)
    if old is not None:
        check_next(images, polarity, old)
    card = DatasetCard(
        name=name,
        stain=stain or (old.card.stain if old else _usual_stain(kind, polarity, tell)),
        polarity=polarity,
        source=source or (old.card.source if old else src.resolve().name),
        licence=licence or (old.card.licence if old else UNKNOWN),
        citation=citation or (old.card.citation if old else UNKNOWN),
        importer=format,
        importer_version=__version__,
        options=recipe.to_card(),
    )
    cases = find_cases(images, recipe.case_regex, kind.case_regex, tell)
    groups = name_groups(cases, find_groups(images, cases, tell), standing)
    found = find_splits(name, images, cases, groups, recipe.split, standing, tell)
    dataset = _assemble(target, card, images, cases, groups, found)
    pixels = {record.id: image.pixels for record, image in zip(dataset.images, images, strict=True)}
    maps = {r.id: image.maps for r, image in zip(dataset.images, images, strict=True) if image.maps is not None}
    write_dataset(dataset, pixels, maps, replace=update)
    return dataset


def _root(data_root: Path, name: str, update: bool) -> Path:
    check_dataset_name(name, "--name")
    if (data_root / name).exists() and not update:
        raise DataError(
            f"{data_root / name} exists already",
            expected="a new dataset name",
            remedy="choose another --name, make its next version with --update, or remove the folder",
        )
    return data_root / name


def _format(name: str) -> SourceFormat:
    if name not in FORMATS:
        raise DataError(f"format {name!r}", expected=f"one of {', '.join(FORMATS)}", remedy="choose one of these")
    return FORMATS[name]


def _check_stain(stain: str | None) -> None:
    if stain is not None and stain not in STAINS:
        raise DataError(f"stain {stain!r}", expected=f"one of {', '.join(STAINS)}", remedy="choose one of these")


def _polarity(images: list[ImportedImage], recipe: Recipe, tell: Callable[[str], None]) -> Polarity:
    declared = recipe.options.polarity
    step = max(len(images) // _POLARITY_SAMPLE, 1)
    polarity = declared or common_polarity(image.grey() for image in images[::step])
    if declared is None:
        tell(f"polarity judged from the pixels: {polarity}")
    if not recipe.invert:
        return polarity
    return "light-on-dark" if polarity == "dark-on-light" else "dark-on-light"


def _usual_stain(kind: SourceFormat, polarity: Polarity, tell: Callable[[str], None]) -> str:
    stain = "g-band" if polarity == "dark-on-light" else kind.fluorescent
    tell(f"stain not given: {stain}, as is usual for {polarity} (--stain says otherwise)")
    return stain


def _assemble(
    root: Path, card: DatasetCard, images: list[ImportedImage], cases: list[str], groups: list[str], splits: list[str]
) -> Dataset:
    names = sorted({i.category for image in images for i in image.instances} or {"chromosome"}, key=natural_key)
    number = {category: index for index, category in enumerate(names, start=1)}
    records = tuple(
        ImageRecord(index, image.name, image.width, image.height, case, split, group)
        for index, (image, case, group, split) in enumerate(zip(images, cases, groups, splits, strict=True), start=1)
    )
    owned = [
        (record.id, instance) for record, image in zip(records, images, strict=True) for instance in image.instances
    ]
    instances = tuple(
        InstanceRecord(index, image_id, number[i.category], i.segmentation, i.bbox, i.area, i.iscrowd)
        for index, (image_id, i) in enumerate(owned, start=1)
    )
    return Dataset(root, card, records, instances, {index: category for category, index in number.items()})
