"""Pictures that stand in a dataset already: a correction takes over case and split of the picture it corrects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from chromseg.annotations.dataset import Dataset, ImageRecord, read_dataset
from chromseg.annotations.identity import pixel_hash
from chromseg.errors import DataError
from chromseg.images.pictures import read_grey
from chromseg.importers.source import ImportedImage
from chromseg.importers.splitting import Standing


@dataclass(frozen=True)
class Known:
    """A picture that stands in a dataset."""

    dataset: str
    image: ImageRecord

    def __str__(self) -> str:
        return f"{self.dataset}/{self.image.file_name} ({self.image.split}, case {self.image.case_id})"


def find_known(
    images: Collection[ImportedImage], data_root: Path, name: str, tell: Callable[[str], None]
) -> dict[str, list[Known]]:
    """Which of the images about to become the dataset `name` another dataset has already, pixel for pixel.

    Args:
        images: About to be imported.
        data_root: Folder of all datasets.
        name: Of the new one, which is not searched.
        tell: Called with how many were found where, and which dataset could not be searched.

    Returns:
        File name → where it stands, by name of the datasets; images that stand nowhere are left out.
    """
    wanted = {(image.height, image.width) for image in images}
    standing: dict[str, list[Known]] = defaultdict(list)
    for dataset in _others(data_root, name, tell):
        for image in dataset.images:
            if (image.height, image.width) in wanted:  # the others need not be read
                standing[_hash(dataset, image)].append(Known(dataset.card.name, image))
    hashes = {image.name: pixel_hash(image.grey()) for image in images} if standing else {}
    found = {name: standing[digest] for name, digest in hashes.items() if digest in standing}
    for dataset_name, count in Counter(known[0].dataset for known in found.values()).items():
        tell(f"{count} of {len(images)} pictures stand in {data_root.name}/{dataset_name}: they keep case and split")
    return found


def with_cases(images: Collection[ImportedImage], known: Mapping[str, list[Known]]) -> list[ImportedImage]:
    """The images, each that is known under the case that it has there."""
    cases = _cases(known)
    return [replace(image, case_id=cases.get(image.name, image.case_id)) for image in images]


def with_splits(standing: Standing, known: Mapping[str, list[Known]]) -> Standing:
    """What stands, and the splits of known pictures, which hold for all pictures of their cases.

    Raises:
        DataError: A picture stands in two splits already.
    """
    cases = _cases(known)
    splits = {name: _one_split(places) for name, places in known.items()}
    groups = {cases[name]: places[0].image.group for name, places in known.items() if places[0].image.group}
    of_case = {cases[name]: split for name, split in reversed(splits.items())}
    return Standing({**splits, **standing.pictures}, {**of_case, **standing.cases}, {**groups, **standing.groups})


def _cases(known: Mapping[str, list[Known]]) -> dict[str, str]:
    """File name → case; with its dataset's name where two datasets have known pictures of one case number."""
    firsts = {name: places[0] for name, places in known.items()}
    datasets: dict[str, set[str]] = defaultdict(set)
    for each in firsts.values():
        datasets[each.image.case_id].add(each.dataset)
    return {
        name: each.image.case_id if len(datasets[each.image.case_id]) == 1 else f"{each.dataset}/{each.image.case_id}"
        for name, each in firsts.items()
    }


def _others(data_root: Path, name: str, tell: Callable[[str], None]) -> Iterator[Dataset]:
    for card in sorted(data_root.glob("*/dataset.yaml")):
        if card.parent.name == name:
            continue
        try:
            yield read_dataset(card.parent)
        except DataError as error:
            tell(f"not searched for the same pictures: {error.got}")


def _hash(dataset: Dataset, image: ImageRecord) -> str:
    """Hash of a picture's pixels; of one that cannot be read, which is for `data validate` to tell, none."""
    try:
        return pixel_hash(read_grey(dataset.root / "images" / image.file_name))
    except DataError:
        return ""


def _one_split(places: list[Known]) -> str:
    first = places[0]
    for other in places[1:]:
        if other.image.split != first.image.split:
            raise DataError(
                f"{first} and {other} are the same picture",
                expected="one split for the picture that a correction takes it over from",
                remedy="correct the splits of these datasets first, or say --split for this one",
            )
    return first.image.split
