"""From a source in a public format to `data/<name>`: one polarity, cases, splits, a card, written in one step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from chromseg import __version__
from chromseg.annotations.absorbance import Polarity
from chromseg.annotations.dataset import Dataset, DatasetCard, ImageRecord, InstanceRecord, write_dataset
from chromseg.annotations.splits import assign_splits
from chromseg.errors import DataError
from chromseg.importers import labelme, singles, voc
from chromseg.importers.folders import SPLIT_FOLDERS
from chromseg.importers.polarity import estimate_polarity
from chromseg.importers.source import ImportedImage, ImportedSet, Options, natural_key

_SHOWN_PROBLEMS = 20
_POLARITY_SAMPLE = 16
UNKNOWN = "not stated"


@dataclass(frozen=True)
class Format:
    """One public format.

    Attributes:
        read: Source and options to what is in it.
        case_regex: Its usual way to say the case in a file's name; the first group is the case.
        stain: Its usual stain, or None to judge by polarity.
    """

    read: Callable[[Path, Options], ImportedSet]
    case_regex: str | None = None
    stain: str | None = None


FORMATS: dict[str, Format] = {
    "labelme": Format(labelme.read, case_regex=r"original_(\d+)"),
    "voc": Format(voc.read, case_regex=r"^(.+)\d$"),
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
        stain: One of `annotations.dataset.STAINS`; None: the format's, or by polarity.
        source: Where the images come from; None: the source folder's name.
        licence: Terms of the images.
        citation: What to cite.
        options: How to read the source; `options.polarity` None estimates it.
        skip_bad: Leave out what cannot be read and say so, instead of failing.
        tell: Called with each message meant for the user.

    Raises:
        DataError: The name is taken or unfit, the format unknown, or anything in the source is wrong (the first 20
            problems are listed).
        OutputError: The dataset cannot be written.
    """
    target = _new_root(data_root, name)
    kind = _format(format)
    images = _readable(kind.read(src, options), src, skip_bad, tell)
    polarity = _polarity(images, options.polarity, invert, tell)
    card = DatasetCard(
        name=name,
        stain=stain or kind.stain or _usual_stain(polarity, tell),
        polarity=polarity,
        source=source or src.resolve().name,
        licence=licence or UNKNOWN,
        citation=citation or UNKNOWN,
        importer=format,
        importer_version=__version__,
    )
    cases = _cases(images, case_regex, kind.case_regex, tell)
    splits = _splits(name, images, cases, split, tell)
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


def _readable(found: ImportedSet, src: Path, skip_bad: bool, tell: Callable[[str], None]) -> list[ImportedImage]:
    """The images in natural order, or an error that lists what is wrong."""
    problems = [*found.problems, *_duplicate_names(found.images)]
    images = sorted(_first_of_each_name(found.images), key=lambda image: natural_key(image.name))
    if problems and (not skip_bad or not images):
        raise _all_problems(problems, src, usable=len(images))
    for problem in problems:
        tell(f"left out: {problem}")
    if problems:
        tell(f"{len(problems)} left out, {len(images)} images kept")
    if not images:
        raise DataError(f"no image in {src}", expected="at least one", remedy="correct the path or the format")
    return images


def _stem(image: ImportedImage) -> str:
    return str(PurePosixPath(image.name).with_suffix(""))


def _first_of_each_name(images: Iterable[ImportedImage]) -> list[ImportedImage]:
    by_stem: dict[str, ImportedImage] = {}
    for image in images:
        by_stem.setdefault(_stem(image), image)
    return list(by_stem.values())


def _duplicate_names(images: Iterable[ImportedImage]) -> list[DataError]:
    """A problem for each image whose name, suffix aside, another has before it: maps and results go by that name."""
    seen: set[str] = set()
    problems = []
    for image in images:
        if _stem(image) in seen:
            problems.append(
                DataError(
                    f"{image.name}: an image of this name a second time",
                    expected="one image and one annotation a name",
                    remedy="rename or remove one of them",
                )
            )
        seen.add(_stem(image))
    return problems


def _all_problems(problems: list[DataError], src: Path, usable: int) -> DataError:
    if len(problems) == 1 and usable == 0:
        return problems[0]
    lines = [f"  {problem.got} (expected {problem.expected}; {problem.remedy})" for problem in problems]
    if len(lines) > _SHOWN_PROBLEMS:
        lines[_SHOWN_PROBLEMS:] = [f"  … and {len(lines) - _SHOWN_PROBLEMS} more"]
    remedy = "correct them, or add --skip-bad to leave them out" if usable else "correct them"
    return DataError(
        f"{len(problems)} problem{'s' * (len(problems) > 1)} in {src.name}:\n" + "\n".join(lines) + "\n",
        expected="every image readable and annotated",
        remedy=remedy,
    )


def _polarity(
    images: list[ImportedImage], declared: Polarity | None, invert: bool, tell: Callable[[str], None]
) -> Polarity:
    step = max(len(images) // _POLARITY_SAMPLE, 1)
    polarity = declared or estimate_polarity(image.grey() for image in images[::step])
    if declared is None:
        tell(f"polarity judged from the pixels: {polarity}")
    if not invert:
        return polarity
    return "light-on-dark" if polarity == "dark-on-light" else "dark-on-light"


def _usual_stain(polarity: Polarity, tell: Callable[[str], None]) -> str:
    stain = "g-band" if polarity == "dark-on-light" else "q-band"
    tell(f"stain not given, {stain} taken as usual for {polarity} (--stain says otherwise)")
    return stain


def _cases(
    images: list[ImportedImage], wanted: str | None, usual: str | None, tell: Callable[[str], None]
) -> list[str]:
    """The case of each image: by the user's expression, the source, or the format's usual way, in this order."""
    if wanted is not None:
        return _cases_by(_compiled(wanted), images)
    cases, alone = [], 0
    for image in images:
        found = re.search(usual, _case_name(image)) if usual else None
        case = image.case_id or (found.group(1) if found else None)
        alone += case is None
        cases.append(case or _case_name(image))
    if alone:
        tell(f"{alone} of {len(images)} images without a known case: each counts as a case of its own (--case-regex)")
    return cases


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(
            f"--case-regex {pattern!r} ({error})", expected="a regular expression", remedy="correct it"
        ) from error
    if compiled.groups < 1:
        raise DataError(
            f"--case-regex {pattern!r} without a group",
            expected="the case in a first group, say 'case(\\d+)_'",
            remedy="put the part that is the case in parentheses",
        )
    return compiled


def _cases_by(pattern: re.Pattern[str], images: list[ImportedImage]) -> list[str]:
    found = [pattern.search(_case_name(image)) for image in images]
    unfit = [image.name for image, match in zip(images, found, strict=True) if match is None or not match.group(1)]
    if unfit:
        raise DataError(
            f"--case-regex {pattern.pattern!r} does not fit {len(unfit)} of {len(images)} images, {unfit[0]} first",
            expected="a case in every image's path",
            remedy="widen the expression",
        )
    return [match.group(1) for match in found if match is not None]


def _case_name(image: ImportedImage) -> str:
    """Its path without suffix, and without a leading split folder, so that one case cannot hide in two splits."""
    parts = PurePosixPath(_stem(image)).parts
    return "/".join(parts[1:] if len(parts) > 1 and parts[0].lower() in SPLIT_FOLDERS else parts)


def _splits(
    name: str,
    images: list[ImportedImage],
    cases: list[str],
    shares: tuple[float, float, float] | None,
    tell: Callable[[str], None],
) -> list[str]:
    brought = [image.split for image in images]
    if shares is None and any(brought):
        if None in brought:
            raise DataError(
                f"{brought.count(None)} of {len(images)} images without a split, {images[brought.index(None)].name} first",
                expected="a split for all images or for none",
                remedy="complete the source's split, or cut a new one with --split 60/20/20",
            )
        tell("split kept as the source brings it")
        return [split for split in brought if split is not None]
    by_case = assign_splits(name, cases, shares or (0.6, 0.2, 0.2))
    empty = [split for split in ("train", "val", "test") if split not in by_case.values()]
    if empty:
        tell(f"{len(by_case)} cases are too few to fill {', '.join(empty)}")
    return [by_case[case] for case in cases]


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
