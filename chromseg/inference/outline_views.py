"""An outline as verifier and corrector see it: laid along its longest direction, with what lies around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from chromseg.arrays import F32, F64, U8, Bool
from chromseg.boxes import grown, window_of
from chromseg.models.verifier import PLANES, SIZE

_WIDTH = 9.0  # columns that a chromosome takes in a view: 96 rows are 10 widths, and few chromosomes are longer
_BRIGHTEST = 2.0  # tones from which on a picture is no darker
_FULL = 255


def outline_views(masks: Bool, absorbance: F32, maps: F32, width: float, which: Sequence[int] | None = None) -> U8:
    """How outlines of an explanation look to the verifier.

    Args:
        masks: bool (N, H, W), all outlines of one explanation of a picture, none empty.
        absorbance: float32 (H, W), the picture.
        maps: float32 (2, H, W), the probabilities of chromosome and crossing.
        width: Of chromosomes in these pixels.
        which: Indices of those to be seen; None for all.

    Returns:
        uint8 (N, PLANES, *SIZE), 0–255: picture, both maps, the outline, and the others of the explanation.
    """
    shown = masks if which is None else masks[list(which)]
    views = np.zeros((len(shown), PLANES, *SIZE), dtype=np.uint8)
    if not len(shown):
        return views
    tone = max(float(np.median(absorbance[masks.any(axis=0)])), 1e-3)
    seen = [_as_bytes(plane) for plane in (absorbance / (_BRIGHTEST * tone), *maps)]
    depth = masks.sum(axis=0, dtype=np.uint8)
    for view, mask in zip(views, shown, strict=True):
        frame = Frame.of(mask, width)
        own = mask[frame.window]
        near = (*(plane[frame.window] for plane in seen), _FULL * own, _FULL * (depth[frame.window] > own))
        for plane, target in zip(near, view, strict=True):
            target[:] = frame.laid(plane.astype(np.uint8))
    return views


def laid_as(masks: Bool, others: Bool, width: float) -> U8:
    """Other masks bool (N, H, W), each as the view of its mask of (N, H, W) shows it: uint8 (N, *SIZE), 0–255."""
    views = np.zeros((len(masks), *SIZE), dtype=np.uint8)
    for view, mask, other in zip(views, masks, others, strict=True):
        frame = Frame.of(mask, width)
        view[:] = frame.laid((_FULL * other[frame.window]).astype(np.uint8))
    return views


def batches(views: U8, at_once: int, device: str) -> Iterator[tuple[slice, Tensor]]:
    """Views uint8 (N, PLANES, *SIZE) as networks take them, so many at once: which they are, and float 0–1."""
    for start in range(0, len(views), at_once):
        part = slice(start, start + at_once)
        shown = torch.from_numpy(views[part]).to(device).float() / _FULL
        yield part, shown.contiguous(memory_format=torch.channels_last)


def new_outlines(masks: Bool, known: set[bytes]) -> tuple[list[int], list[bytes]]:
    """Which masks bool (N, H, W) are not among the known ones, and what each is known by.

    Explanations of a picture agree on most of it, and an outline need not be seen twice.
    """
    names = [_name(mask) for mask in masks]
    return [index for index, name in enumerate(names) if name not in known], names


def _name(mask: Bool) -> bytes:
    window = window_of(mask)
    return repr(window).encode() + mask[window].tobytes()


@dataclass(frozen=True)
class Frame:
    """Where the view of an outline lies in its picture.

    Attributes:
        window: Rows and columns around it.
        middle: Of the outline, row and column in the window, float64 (2,).
        way: Its longest direction, of length 1, downwards, float64 (2,).
        step: Pixels of the picture to one of the view.
    """

    window: tuple[slice, slice]
    middle: F64
    way: F64
    step: float

    @classmethod
    def of(cls, mask: Bool, width: float) -> Frame:
        """Of a mask bool (H, W) in a picture whose chromosomes are so wide."""
        middle, way = _lie(mask)
        row, col = middle.astype(int)
        reach = int(np.hypot(*SIZE) * width / _WIDTH / 2) + 2
        rows, cols = grown((slice(row, row + 1), slice(col, col + 1)), reach)
        return cls((rows, cols), middle - (rows.start, cols.start), way, width / _WIDTH)

    def laid(self, plane: U8) -> U8:
        """A plane of the window (h, w) as the view shows it: uint8 `SIZE`, bilinear, 0 outside."""
        turn = self.step * np.stack([self.way, self._across], axis=1)
        return _read(plane, SIZE, turn, self.middle + 0.5 - turn @ np.array(SIZE) / 2)

    def back(self, view: U8, shape: tuple[int, int]) -> U8:
        """What the view uint8 `SIZE` shows, in the window of `shape`: uint8 (h, w), bilinear, 0 outside."""
        turn = np.stack([self.way, self._across]) / self.step
        return _read(view, shape, turn, np.array(SIZE) / 2 - turn @ (self.middle + 0.5))

    @property
    def _across(self) -> F64:
        return np.array([-self.way[1], self.way[0]])


def _lie(mask: Bool) -> tuple[F64, F64]:
    """The middle of a mask and its longest direction, downwards: rows and columns, float64 (2,) each."""
    window = window_of(mask)
    places = np.argwhere(mask[window]).astype(np.float64)
    middle = places.mean(axis=0)
    _, ways = np.linalg.eigh((places - middle).T @ (places - middle))
    way = ways[:, 1]
    corner = [side.start for side in window]
    return middle + corner, way if way[0] >= 0 else -way


def _read(plane: U8, shape: tuple[int, int], turn: F64, start: F64) -> U8:
    """A plane uint8 (h, w) at `turn` (2, 2) times row and column plus `start` (2,): uint8 of `shape`, bilinear."""
    (down_down, down_across), (across_down, across_across) = turn
    affine = (across_across, across_down, start[1], down_across, down_down, start[0])
    read = Image.fromarray(plane).transform(shape[::-1], Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    return np.asarray(read)


def _as_bytes(plane: F32) -> U8:
    return np.asarray(np.rint(_FULL * plane.clip(0, 1)), dtype=np.uint8)
