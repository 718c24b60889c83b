"""Which split each image goes to: one that stands is kept, all else follows from the case's own name."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chromseg.annotations.dataset import Dataset
from chromseg.annotations.splits import SPLITS, USUAL_SHARES, Shares, empty_splits_text, split_of
from chromseg.errors import DataError
from chromseg.importers.source import ImportedImage


@dataclass(frozen=True)
class Standing:
    """Splits that stand, of pictures by file name and of cases, and the groups that cases stand in."""

    pictures: Mapping[str, str] = field(default_factory=dict)
    cases: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, dataset: Dataset) -> Standing:
        """What stands in a dataset; a case that lies in two splits stands in that of its first picture."""
        return cls(
            {image.file_name: image.split for image in dataset.images},
            {image.case_id: image.split for image in reversed(dataset.images)},
            {image.case_id: image.group for image in dataset.images if image.group},
        )

    @classmethod
    def in_file(cls, path: Path) -> Standing:
        """What a CSV file with the columns `case` and `split` says.

        Raises:
            DataError: It cannot be read, lacks a column, names another split, or a case twice.
        """
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise _bad_list(path, f"cannot be read ({error})") from error
        cases: dict[str, str] = {}
        for number, row in enumerate(rows, start=2):
            case, split = row.get("case"), row.get("split")
            if not case or split not in SPLITS or case in cases:
                raise _bad_list(path, f"line {number}: case {case!r}, split {split!r}" + ", again" * (case in cases))
            cases[case] = split
        return cls(cases=cases)

    def with_list(self, listed: Standing) -> Standing:
        """The same with what a list says of other cases.

        Raises:
            DataError: The list would move a case.
        """
        moved = [case for case, split in listed.cases.items() if self.cases.get(case, split) != split]
        if moved:
            raise DataError(
                f"--splits moves {len(moved)} cases, {moved[0]} from {self.cases[moved[0]]} first",
                expected="the split in which a case stands",
                remedy="correct the list, or import a set of another name",
            )
        return Standing(self.pictures, {**listed.cases, **self.cases}, self.groups)


def name_groups(cases: list[str], groups: list[tuple[str, ...]], standing: Standing) -> list[str]:
    """The group of each image, empty where its case stands for itself.

    A group bears the name that it has, else that of its first case that was there before, else of its first case.
    """
    name_of = dict(standing.groups)
    for members in groups:
        named = [standing.groups[case] for case in members if case in standing.groups]
        old = [case for case in members if case in standing.cases]
        name_of |= dict.fromkeys(members, (named + old + list(members))[0])
    return [name_of.get(case, "") for case in cases]


def find_splits(
    name: str,
    images: list[ImportedImage],
    cases: list[str],
    groups: list[str],
    shares: Shares | None,
    standing: Standing,
    tell: Callable[[str], None],
) -> list[str]:
    """The split of each image: as it stands, else by the user's shares, else as the source has it, else 6:2:2.

    Cases of one group share a split unless the source, or what stands, has them in two, which a message says.

    Args:
        name: Of the dataset.
        images: In order.
        cases: Case of each.
        groups: Group of each, or an empty text.
        shares: As the user gave them; they replace the source's split.
        standing: What is not to move.
        tell: Called with each message meant for the user.

    Raises:
        DataError: The source has a split for some images only.
    """
    units = [group or case for group, case in zip(groups, cases, strict=True)]
    brought = _brought(images) if shares is None else None
    if brought is None:
        found = [split_of(name, unit, shares or USUAL_SHARES) for unit in units]
    else:
        tell("split kept as the source brings it")
        found = brought
    of_unit = {unit: standing.cases[case] for unit, case in zip(units, cases, strict=True) if case in standing.cases}
    found = [
        standing.pictures.get(image.name, standing.cases.get(case, of_unit.get(unit, split)))
        for image, case, unit, split in zip(images, cases, units, found, strict=True)
    ]
    _tell_of(units, found, tell)
    return found


def _brought(images: list[ImportedImage]) -> list[str] | None:
    splits = [image.split for image in images if image.split]
    if splits and len(splits) < len(images):
        first = next(image.name for image in images if not image.split)
        raise DataError(
            f"{len(images) - len(splits)} of {len(images)} images without a split, {first} first",
            expected="a split for all images or for none",
            remedy="complete the source's split, or cut a new one with --split 60/20/20",
        )
    return splits or None


def _tell_of(units: list[str], splits: list[str], tell: Callable[[str], None]) -> None:
    """Say which splits are empty, and which units lie in two."""
    seen: dict[str, set[str]] = {}
    for unit, split in zip(units, splits, strict=True):
        seen.setdefault(unit, set()).add(split)
    parted = [unit for unit, found in seen.items() if len(found) > 1]
    if parted:
        tell(f"{len(parted)} cases or groups stand in several splits, {parted[0]} first: `data validate` refuses that")
    message = empty_splits_text(dict(zip(units, splits, strict=True)))
    if message:
        tell(f"{message}. More cases will fill it; or give splits yourself (--splits FILE or --split a/b/c)")


def _bad_list(path: Path, got: str) -> DataError:
    return DataError(
        f"{path}: {got}",
        expected="a CSV file with the columns case and split (train, val or test), each case once",
        remedy="correct the list",
    )
