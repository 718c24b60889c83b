"""From a source in a public format to `data/<name>`: one polarity, cases, splits, a card, written in one step."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chromseg import __version__
from chromseg.annotations.absorbance import Polarity
from chromseg.annotations.dataset import STAINS, Dataset, DatasetCard, ImageRecord, InstanceRecord, write_dataset
from chromseg.errors import DataError
from chromseg.importers import coco, label_map, labelme, paired_masks, singles, voc
from chromseg.importers.cases import find_cases, find_splits
from chromseg.importers.polarity import common_polarity
from chromseg.importers.problems import readable
from chromseg.importers.source import ImportedImage, ImportedSet, Options, natural_key

_POLARITY_SAMPLE = 16
UNKNOWN = "not stated"


@dataclass(frozen=True)
class Format:
    """One public format.

    Attributes:
        read: Source and options to what is in it.
        case_regex: Its usual way to say the case in a file's name; the first group is the case.
        fluorescent: Its usual stain where chromosomes are light on dark; dark on light it is G-banding.
    """

    read: Callable[[Path, Options], ImportedSet]
    case_regex: str | None = None
    fluorescent: str = "q-band"


FORMATS: dict[str, Format] = {
    "labelme": Format(labelme.read, case_regex=r"original_(\d+)"),
    "voc": Format(voc.read, case_regex=r"^(.+)\d$"),
    "coco": Format(coco.read),
    "paired-masks": Format(paired_masks.read),
    "label-map": Format(label_map.read, fluorescent="dapi"),
    "singles": Format(singles.read, case_regex=r"(?:^|/)(case[^/]*)/"),
}


def import_dataset(
    format: str,
    src: Path,
    name: str,
    *,
    data_root: Path = Path("data"),
    invert: bool = False,
    case_regex: str | None = None,
    split: tuple[float, float, float] | None = None,
    stain: str | None = None,
    source: str | None = None,
    licence: str | None = None,
    citation: str | None = None,
    options: Options = Options(),  # noqa: B008 — frozen
    skip_bad: bool = False,
    tell: Callable[[str], None] = lambda message: None,
) -> Dataset:
    """Import a source in one of `FORMATS` to `data_root/name`.

    Nothing is written unless the whole source could be read, or `skip_bad` allows to leave files out.

    Args:
        format: A key of `FORMATS`.
        src: Folder (or file, where the format has one) of the source.
        name: Name of the new dataset.
        data_root: Folder of all datasets.
        invert: Flip the declared or estimated polarity; pixels are stored as they came.
        case_regex: Searched in each image's path below images/, without its suffix and a leading split folder; its
            first group is the case. None: the format's own, and an image that it does not fit is its own case.
        split: Shares of train, val, test; they replace a split that the source brings. None: the source's, or 6:2:2.
        stain: One of `annotations.dataset.STAINS`; None: as is usual for the polarity.
        source: Where the images come from; None: the source folder's name.
        licence: Terms of the images.
        citation: What to cite.
        options: How to read the source; `options.polarity` None estimates it.
        skip_bad: Leave out what cannot be read and say so, instead of failing.
        tell: Called with each message meant for the user.

    Raises:
        UnreadableSourceError: Several things in the source are wrong; `problems` lists all, the first 20 were told.
        DataError: One thing is wrong, the name is taken or unfit, or the format unknown.
        OutputError: The dataset cannot be written.
    """
    target = _new_root(data_root, name)
    kind = _format(format)
    _check_stain(stain)
    images = readable(kind.read(src, options), src, skip_bad, tell)
    polarity = _polarity(images, options.polarity, invert, tell)
    card = DatasetCard(
        name=name,
        stain=stain or _usual_stain(kind, polarity, tell),
        polarity=polarity,
        source=source or src.resolve().name,
        licence=licence or UNKNOWN,
        citation=citation or UNKNOWN,
        importer=format,
        importer_version=__version__,
    )
    cases = find_cases(images, case_regex, kind.case_regex, tell)
    splits = find_splits(name, images, cases, split, tell)
    dataset = _assemble(target, card, images, cases, splits)
    pixels = {record.id: image.pixels for record, image in zip(dataset.images, images, strict=True)}
    maps = {r.id: image.maps for r, image in zip(dataset.images, images, strict=True) if image.maps is not None}
    write_dataset(dataset, pixels, maps)
    return dataset


def _new_root(data_root: Path, name: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise DataError(
            f"dataset name {name!r}",
            expected="letters, digits, dots, dashes and underscores, a letter or digit first",
            remedy="choose another --name",
        )
    if (data_root / name).exists():
        raise DataError(
            f"{data_root / name} exists already",
            expected="a new dataset name",
            remedy="choose another --name or remove the folder",
        )
    return data_root / name


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise DataError(f"format {name!r}", expected=f"one of {', '.join(FORMATS)}", remedy="choose one of these")
    return FORMATS[name]


def _check_stain(stain: str | None) -> None:
    if stain is not None and stain not in STAINS:
        raise DataError(f"stain {stain!r}", expected=f"one of {', '.join(STAINS)}", remedy="choose one of these")


def _polarity(
    images: list[ImportedImage], declared: Polarity | None, invert: bool, tell: Callable[[str], None]
) -> Polarity:
    step = max(len(images) // _POLARITY_SAMPLE, 1)
    polarity = declared or common_polarity(image.grey() for image in images[::step])
    if declared is None:
        tell(f"polarity judged from the pixels: {polarity}")
    if not invert:
        return polarity
    return "light-on-dark" if polarity == "dark-on-light" else "dark-on-light"


def _usual_stain(kind: Format, polarity: Polarity, tell: Callable[[str], None]) -> str:
    stain = "g-band" if polarity == "dark-on-light" else kind.fluorescent
    tell(f"stain not given: {stain}, as is usual for {polarity} (--stain says otherwise)")
    return stain


def _assemble(
    root: Path, card: DatasetCard, images: list[ImportedImage], cases: list[str], splits: list[str]
) -> Dataset:
    names = sorted({i.category for image in images for i in image.instances} or {"chromosome"}, key=natural_key)
    number = {category: index for index, category in enumerate(names, start=1)}
    records = tuple(
        ImageRecord(index, image.name, image.width, image.height, case, split)
        for index, (image, case, split) in enumerate(zip(images, cases, splits, strict=True), start=1)
    )
    owned = [
        (record.id, instance) for record, image in zip(records, images, strict=True) for instance in image.instances
    ]
    instances = tuple(
        InstanceRecord(index, image_id, number[i.category], i.segmentation, i.bbox, i.area, i.iscrowd)
        for index, (image_id, i) in enumerate(owned, start=1)
    )
    return Dataset(root, card, records, instances, {index: category for category, index in number.items()})
