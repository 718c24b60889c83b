"""The pictures of several datasets that are used together: each counts once, under the latest outlines.

A set of corrections holds pictures that another set has too, under other names and in other files. They are known by
their pixels. Of datasets in order, the first that holds a picture gives it name, case and split, and the last that has
outlines of it says where its chromosomes are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chromseg.annotations.copies import LOOK_ALIKE, find_look_alikes, thumbnail
from chromseg.annotations.dataset import Dataset, ImageRecord
from chromseg.annotations.identity import pixel_hash
from chromseg.annotations.leakage import Placed, refuse_leaks
from chromseg.images.pictures import read_grey

_REMEDY = (
    "import corrections anew without --split, which then take over case and split of the picture they correct; give "
    "one metaphase one case; or leave one of the sets out (`chromseg-ops data validate` lists every pair)"
)


@dataclass(frozen=True)
class CollectedPicture:
    """One picture, however many of the datasets hold it.

    Attributes:
        dataset: The first that holds it: it goes by that one's name, case and split.
        image: Its record there.
        outlined: The dataset whose outlines (or maps, or boxes) hold: the last that has outlines, if any has.
        outlines: Its record there.
        key: `pixel_hash` of it.
        scene: `key` of the first picture that shows the same metaphase; its own for nearly all.
    """

    dataset: Dataset
    image: ImageRecord
    outlined: Dataset
    outlines: ImageRecord
    key: str
    scene: str


def collect(datasets: Sequence[Dataset], look_alike: float = LOOK_ALIKE) -> list[CollectedPicture]:
    """The pictures of datasets, in the order of their first appearance.

    Args:
        datasets: In order: where two outline one picture, the later one is right.
        look_alike: Correlation of thumbnails from which two pictures show one metaphase.

    Raises:
        DataError: A picture cannot be read; or a case, a picture or one that looks like it is in two splits.
    """
    held = [(dataset, image) for dataset in datasets for image in dataset.images]
    keys, scenes = _recognise(held, look_alike)
    refuse_leaks((_placed(*each, scene) for each, scene in zip(held, scenes, strict=True)), _REMEDY)
    holders: dict[str, list[tuple[Dataset, ImageRecord]]] = {}
    for each, key in zip(held, keys, strict=True):
        holders.setdefault(key, []).append(each)
    scene_of = dict(zip(keys, scenes, strict=True))
    return [CollectedPicture(*own[0], *_latest(own), key, scene_of[key]) for key, own in holders.items()]


def _recognise(held: Sequence[tuple[Dataset, ImageRecord]], look_alike: float) -> tuple[list[str], list[str]]:
    """Key and scene of each picture; a single one is decoded at a time."""
    keys, looks = [], []
    for dataset, image in held:
        grey = read_grey(dataset.root / "images" / image.file_name)
        keys.append(pixel_hash(grey))
        looks.append(thumbnail(grey))
    scene_of = {key: key for key in keys}  # blank pictures have no look, but equal pixels
    for first, second in find_look_alikes(looks, look_alike):
        one, other = scene_of[keys[first]], scene_of[keys[second]]
        if one != other:
            scene_of |= {key: one for key, scene in scene_of.items() if scene == other}
    return keys, [scene_of[key] for key in keys]


def _placed(dataset: Dataset, image: ImageRecord, scene: str) -> Placed:
    name = dataset.card.name
    return Placed(f"{name}/{image.file_name}", f"{dataset.card.cases_of}/{image.case}", image.split, scene)


def _latest(holders: Sequence[tuple[Dataset, ImageRecord]]) -> tuple[Dataset, ImageRecord]:
    outlined = [(dataset, image) for dataset, image in holders if dataset.has_masks or dataset.has_maps]
    return (outlined or holders)[-1]
