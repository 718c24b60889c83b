"""The index of prepared samples: which there are, and which picture each was made of."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal

from chromseg.annotations.leakage import Placed
from chromseg.annotations.splits import SPLITS, assign_fold
from chromseg.errors import DataError

KINDS = ("cutout", "metaphase")
INDEX = "index.json"


@dataclass(frozen=True)
class SampleEntry:
    """One sample without its pixels.

    Attributes:
        name: Unique within a prepared set.
        case_id: `<dataset>/<case>` its picture came from.
        split: train, val or test.
        kind: "cutout" (a crossing cluster alone) or "metaphase" (a whole image).
        picture: `identity.pixel_hash` of the picture it was made of.
        scene: That of the first picture which shows the same metaphase.
        outlines: Dataset that its outlines come from, a later one if that holds the picture too.
    """

    name: str
    case_id: str
    split: str
    kind: Literal["cutout", "metaphase"]
    picture: str = ""
    scene: str = ""
    outlines: str = ""

    @property
    def dataset(self) -> str:
        """Name of the dataset that its picture is of."""
        return dataset_of_case(self.case_id)

    @property
    def placed(self) -> Placed:
        """Where it stands."""
        return Placed(self.name, self.case_id, self.split, self.scene)


def dataset_of_case(case_id: str) -> str:
    """The dataset of a case `<dataset>/<case>`."""
    return case_id.partition("/")[0]


def write_index(folder: Path, entries: Iterable[SampleEntry]) -> None:
    """Write the index into a folder of samples."""
    (folder / INDEX).write_text(json.dumps([asdict(entry) for entry in entries], indent=1) + "\n")


def read_index(
    folder: Path,
    *,
    splits: tuple[str, ...] = SPLITS,
    kinds: tuple[str, ...] = KINDS,
    datasets: Collection[str] = (),
    fold: tuple[int, int] | None = None,
) -> list[SampleEntry]:
    """The entries of a prepared set, or of part of it, in the order they were written; arguments as `read_samples`.

    Raises:
        DataError: The folder holds no prepared set, or one of another version.
    """
    entries = _all(folder)
    turn = assign_fold((entry.case_id for entry in entries), *fold) if fold else {}
    placed = [replace(entry, split=turn.get(entry.case_id, entry.split)) for entry in entries]
    chosen = [entry for entry in placed if entry.split in splits and entry.kind in kinds]
    return [entry for entry in chosen if not datasets or entry.dataset in datasets]


def _all(folder: Path) -> list[SampleEntry]:
    try:
        values = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _unusable(f"no prepared samples in {folder}", "run `dvc repro prepare` first") from error
    wanted = {field.name for field in fields(SampleEntry)}
    if any(value.keys() != wanted for value in values):
        raise _unusable(f"{folder / INDEX} of another version", "run the stage `prepare` again")
    return [SampleEntry(**value) for value in values]


def _unusable(got: str, remedy: str) -> DataError:
    return DataError(got, expected="the output of the stage `prepare`", remedy=remedy)
