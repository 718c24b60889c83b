"""Crossing-partition: chromosome map and crossing map in, one mask per chromosome out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.annotations.maps import label_regions
from chromseg.arrays import F32, Bool
from chromseg.boxes import Window, box_of
from chromseg.errors import InputRefusedError, MaskError
from chromseg.partition.cluster import Piece, chromosome_width, partition_cluster
from chromseg.partition.paper import partition_cluster_as_published
from chromseg.partition.parts import SeamMap
from chromseg.partition.seams import WITH_CONTACT, SeamWeights

_SPECK_AREA = 0.15  # squared chromosome widths; a smaller island is an error of the map, not a chromosome


@dataclass(frozen=True)
class Partition:
    """One mask per chromosome.

    Attributes:
        masks: bool (N, H, W), ordered by first pixel in row-major order; N may be 0. Masks overlap only on crossings.
        flags: Per mask, names of what made it doubtful: "three-at-crossing" (more than two chromosomes seem to meet),
            "needs-review" (where the confidence is below 0.3, with three below 0.5); empty for most.
        confidence: Per mask, 0–1: probability of the least probable pairing or cut that made it; 1 for a chromosome
            alone. Always 1 from the published algorithm, which knows none.
    """

    masks: Bool
    flags: tuple[tuple[str, ...], ...]
    confidence: tuple[float, ...]


def partition_crossings(
    chromosome: Bool,
    crossing: Bool,
    image: F32 | None = None,
    *,
    contact: SeamMap | None = None,
    algorithm: str = "chromseg-ops",
    radius: int = 10,
    seam_weights: SeamWeights = WITH_CONTACT,
    most: int | None = None,
) -> Partition:
    """Split every cluster of an image into a mask per chromosome (ChromSeg §II-D, and beyond it).

    Works on whole metaphases and on cut-outs of any size. Every pixel of the chromosome map goes to a mask, except
    islands too small to be a chromosome (< 0.15 squared chromosome widths), which predicted maps are full of.
    A predicted crossing map may leave the chromosome map: intersect the two first.

    Args:
        chromosome: bool (H, W). True on any chromosome, crossings included.
        crossing: bool (H, W). True where two chromosomes overlap; within `chromosome`.
        image: float32 (H, W) absorbance, 0 = background, or None. Where chromosomes touch without a crossing, only
            the image shows the seam.
        contact: (H, W) or None. Seams between touching chromosomes: bool, as somebody knows them, alone decide what is
            cut; float32, as probable as a network finds them, are weighed together with the shape. Pixels outside
            `chromosome` are ignored.
        algorithm: "chromseg-ops", or "paper" for the published algorithm, which uses neither image nor contact.
        radius: How far around a crossing arms are looked at, in pixels; the default algorithm looks at 1.6 chromosome
            widths where that is more.
        seam_weights: How probable seams are weighed with the shape: as fitted on the maps of the network that saw them.
        most: Chromosomes that are drawn; as soon as there are more, all is refused. None draws any number.

    Returns:
        Masks, flags and confidences; none for empty maps.

    Raises:
        MaskError: Shapes or dtypes are wrong, a crossing lies outside the chromosomes, the radius is below 1 or the
            algorithm unknown.
        InputRefusedError: There are more than `most` chromosomes.
    """
    _check(chromosome, crossing, image, contact, algorithm, radius)
    split = ALGORITHMS[algorithm]
    found: list[tuple[Window, Piece]] = []
    for window, region in _components(chromosome, most):
        own = None if image is None else image[window]
        seams = None if contact is None else np.where(region, contact[window], contact.dtype.type(0))
        found += [
            (window, piece) for piece in split(region, crossing[window] & region, own, seams, radius, seam_weights)
        ]
        _refuse_more(len(found), most)
    return _assemble(found, chromosome.shape)


def _refuse_more(count: int, most: int | None) -> None:
    if most is not None and count > most:
        raise InputRefusedError(
            f"more than {most} objects that look like chromosomes",
            expected=f"at most {most}: no metaphase has more",
            remedy="cut the picture to one metaphase, or check --scale",
        )


def _components(chromosome: Bool, most: int | None) -> Iterator[tuple[Window, Bool]]:
    """Bounding box and mask of each 8-connected component that may be a chromosome; refused if more than `most`."""
    left, top, right, bottom = box_of(chromosome)
    if not right:
        return
    filled = chromosome[top:bottom, left:right]
    labels, count = label_regions(filled)
    if count == 1:
        yield (slice(top, top + filled.shape[0]), slice(left, left + filled.shape[1])), filled
        return
    areas = np.bincount(labels.ravel())[1:]
    least = _SPECK_AREA * chromosome_width(filled) ** 2
    _refuse_more(int((areas >= min(least, areas.max())).sum()), most)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if areas[label - 1] < min(least, areas.max()):
            continue
        window = (slice(box[0].start + top, box[0].stop + top), slice(box[1].start + left, box[1].stop + left))
        yield window, labels[box] == label


def _assemble(found: list[tuple[Window, Piece]], shape: tuple[int, ...]) -> Partition:
    """Paint the pieces at their place and order them by first pixel."""

    def first_pixel(item: tuple[Window, Piece]) -> tuple[int, int]:
        (rows, cols), piece = item
        row, col = divmod(int(piece.mask.argmax()), piece.mask.shape[1])
        return rows.start + row, cols.start + col

    ordered = sorted(found, key=first_pixel)
    masks = np.zeros((len(ordered), *shape), dtype=bool)
    for mask, (window, piece) in zip(masks, ordered, strict=True):
        mask[window] = piece.mask
    return Partition(masks, tuple(piece.flags for _, piece in ordered), tuple(piece.confidence for _, piece in ordered))


def _check(chromosome: Any, crossing: Any, image: Any | None, contact: Any | None, algorithm: str, radius: int) -> None:
    for name, array in (("chromosome map", chromosome), ("crossing map", crossing)):
        if array is not None:
            _check_array(name, array, np.dtype(bool), np.shape(chromosome))
    if image is not None:
        _check_array("image", image, np.dtype(np.float32), np.shape(chromosome))
    if contact is not None:
        kind = np.float32 if getattr(contact, "dtype", None) == np.float32 else bool
        _check_array("contact map", contact, np.dtype(kind), np.shape(chromosome))
    outside = np.count_nonzero(crossing > chromosome)
    if outside:
        raise MaskError(
            f"{outside} crossing pixels outside the chromosome map",
            expected="crossings within chromosomes",
            remedy="pass `crossing & chromosome`, or unite the two maps",
        )
    if algorithm not in ALGORITHMS:
        raise MaskError(
            f"algorithm {algorithm!r}", expected=f"one of {', '.join(ALGORITHMS)}", remedy="choose one of these"
        )
    if radius < 1:
        raise MaskError(f"radius {radius}", expected="1 pixel or more", remedy="use the default, 10")


def _check_array(name: str, array: Any, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> None:
    got_dtype, got_shape = getattr(array, "dtype", type(array).__name__), np.shape(array)
    if got_dtype != dtype or len(got_shape) != 2 or got_shape != shape:
        raise MaskError(
            f"a {name} of {got_dtype} {got_shape}",
            expected=f"{dtype} (H, W)" + (f" {shape}" if len(shape) == 2 else ""),
            remedy="give all maps and the image the same rows and columns, as one plane each",
        )


_Split: TypeAlias = Callable[[Bool, Bool, F32 | None, SeamMap | None, int, SeamWeights], list[Piece]]
ALGORITHMS: dict[str, _Split] = {
    "chromseg-ops": partition_cluster,
    "paper": partition_cluster_as_published,
}
