"""What changed between two versions of a dataset, or between two sets: pictures, outlines, splits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from chromseg.annotations.dataset import Dataset, InstanceRecord, load_maps
from chromseg.annotations.identity import pixel_hash
from chromseg.annotations.rasterize import rasterize
from chromseg.images.pictures import read_grey

_SAME_OUTLINE = 0.5  # IoU from which two outlines are of one chromosome
Outline = tuple[str, InstanceRecord]  # its category's name


@dataclass(frozen=True)
class PictureState:
    """One picture of a version, without its pixels."""

    name: str
    pixels: str
    size: tuple[int, int]  # rows, columns
    case: str
    split: str
    outlines: tuple[Outline, ...]
    maps: tuple[str, ...]


@dataclass(frozen=True)
class OutlineChanges:
    """How many outlines of a picture are new, are other ones now, and are gone."""

    added: int = 0
    changed: int = 0
    gone: int = 0


@dataclass(frozen=True)
class Move:
    """A picture or a case that stands in another split."""

    picture: str
    case: str
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """From one version to the next.

    Attributes:
        added: Names of pictures that are new.
        gone: Names of pictures that are no more.
        renamed: By their new name, pictures that had another one.
        repainted: Pictures whose name stayed, with other pixels.
        remapped: Pictures whose crossing or chromosome map is another one.
        outlines: By picture, where outlines differ; all outlines of pictures added and gone count.
        moved: Pictures that stand in another split than before.
    """

    added: tuple[str, ...]
    gone: tuple[str, ...]
    renamed: Mapping[str, str]
    repainted: tuple[str, ...]
    remapped: tuple[str, ...]
    outlines: Mapping[str, OutlineChanges]
    moved: tuple[Move, ...]

    @property
    def total(self) -> OutlineChanges:
        """All outlines together."""
        each = self.outlines.values()
        return OutlineChanges(*(sum(getattr(one, key) for one in each) for key in ("added", "changed", "gone")))

    @property
    def changed(self) -> tuple[str, ...]:
        """Pictures that stayed, and of which pixels, maps or outlines are others."""
        other = {*self.repainted, *self.remapped, *self.outlines} - {*self.added, *self.gone}
        return tuple(sorted(other))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "pictures": {
                "added": list(self.added),
                "changed": list(self.changed),
                "gone": list(self.gone),
                "renamed": [{"before": before, "after": after} for after, before in self.renamed.items()],
                "other_pixels": list(self.repainted),
                "other_maps": list(self.remapped),
            },
            "outlines": {
                **asdict(self.total),
                "by_picture": {name: asdict(one) for name, one in self.outlines.items()},
            },
            "moved_splits": [asdict(move) for move in self.moved],
        }


def pictures_of(dataset: Dataset) -> list[PictureState]:
    """All pictures of a version, each decoded once.

    Raises:
        DataError: One cannot be read.
    """
    found = []
    for image in dataset.images:
        maps = load_maps(dataset, image) if dataset.has_maps else ()
        outlines = tuple(
            (dataset.categories.get(one.category_id, str(one.category_id)), one)
            for one in dataset.instances_of[image.id]
        )
        pixels = pixel_hash(read_grey(dataset.root / "images" / image.file_name, image.file_name))
        size = (image.height, image.width)
        found.append(
            PictureState(image.file_name, pixels, size, image.case, image.split, outlines, tuple(map(pixel_hash, maps)))
        )
    return found


def compare(before: Iterable[PictureState], after: Iterable[PictureState]) -> Changes:
    """What changed; a picture is known again by its name, else by its pixels."""
    old = {picture.name: picture for picture in before}
    new = {picture.name: picture for picture in after}
    renamed = _renamed(old, new)
    pairs = [(old[renamed.get(name, name)], one) for name, one in new.items() if renamed.get(name, name) in old]
    added = tuple(name for name in new if name not in old and name not in renamed)
    gone = tuple(name for name in old if name not in new and name not in renamed.values())
    outlines = {now.name: _outline_changes(was, now) for was, now in pairs}
    outlines |= {name: OutlineChanges(added=len(new[name].outlines)) for name in added}
    outlines |= {name: OutlineChanges(gone=len(old[name].outlines)) for name in gone}
    return Changes(
        added=added,
        gone=gone,
        renamed=renamed,
        repainted=_named(pairs, lambda was, now: was.pixels != now.pixels),
        remapped=_named(pairs, lambda was, now: was.maps != now.maps),
        outlines={name: one for name, one in outlines.items() if one != OutlineChanges()},
        moved=tuple(Move(now.name, now.case, was.split, now.split) for was, now in pairs if was.split != now.split),
    )


def _renamed(old: Mapping[str, PictureState], new: Mapping[str, PictureState]) -> dict[str, str]:
    """Old name by new one of pictures that only their pixels tell."""
    lost: dict[str, list[str]] = {}
    for name, picture in old.items():
        if name not in new:
            lost.setdefault(picture.pixels, []).append(name)
    found = {}
    for name, picture in new.items():
        if name not in old and lost.get(picture.pixels):
            found[name] = lost[picture.pixels].pop(0)
    return found


def _named(
    pairs: list[tuple[PictureState, PictureState]], differ: Callable[[PictureState, PictureState], bool]
) -> tuple[str, ...]:
    return tuple(now.name for was, now in pairs if differ(was, now))


def _outline_changes(was: PictureState, now: PictureState) -> OutlineChanges:
    """Outlines that are not there in both, paired where they lie on one another."""
    here = {_content(outline): outline for outline in now.outlines}
    there = {_content(outline): outline for outline in was.outlines}
    before = [outline for key, outline in there.items() if key not in here]
    after = [outline for key, outline in here.items() if key not in there]
    if not before or not after or was.size != now.size:
        return OutlineChanges(added=len(after), gone=len(before))
    overlaps = np.array([[_overlap(one, other, now.size) for other in after] for one in before])
    rows, cols = linear_sum_assignment(-overlaps)
    paired = [(row, col) for row, col in zip(rows, cols, strict=True) if overlaps[row, col] >= _SAME_OUTLINE]
    same = sum(overlaps[row, col] == 1 and _kind(before[row]) == _kind(after[col]) for row, col in paired)
    return OutlineChanges(len(after) - len(paired), len(paired) - same, len(before) - len(paired))


def _kind(outline: Outline) -> tuple[str, int]:
    category, instance = outline
    return category, instance.iscrowd


def _content(outline: Outline) -> str:
    instance = outline[1]
    return repr((_kind(outline), instance.segmentation or instance.bbox))


def _overlap(one: Outline, other: Outline, size: tuple[int, int]) -> float:
    """IoU of two outlines by their pixels; of their boxes where either has no outline."""
    first, second = one[1], other[1]
    box = _box_iou(first.bbox, second.bbox)
    if not box or not (first.segmentation and second.segmentation):
        return box
    ours, theirs = (rasterize(each.segmentation, *size) for each in (first, second))
    return float((ours & theirs).sum() / max((ours | theirs).sum(), 1))


def _box_iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """IoU of two xywh boxes."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared) if shared else 0.0
