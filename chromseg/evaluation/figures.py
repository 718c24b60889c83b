"""Pictures that compare detectors and show what region decomposition does (UCRD-Net Figs. 6 and 7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from chromseg.annotations.clusters import MIN_CROSSING_AREA, regions_of_at_least
from chromseg.annotations.maps import crossing_map, label_regions
from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, U8, Bool
from chromseg.boxes import Window, box_of
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.overlay import draw_overlay
from chromseg.inference.sheets import GalleryRow, gallery
from chromseg.metrics import match_instances
from chromseg.models.ucrd_net.region import REGIONS, place_parts

_MARGIN = 12  # pixels around what is shown
_SIDE = 220  # pixels of a tile
_BLUE, _WHITE, _RED = (np.array(colour, np.float32) for colour in ((33, 102, 172), (247, 247, 247), (178, 24, 43)))


class Shown(NamedTuple):
    """One image with what each variant made of it.

    Attributes:
        sample: With instances.
        masks: Variant → bool (N, H, W).
    """

    sample: Sample
    masks: Mapping[str, Bool]


def compare_variants(shown: Iterable[Shown], rows: int = 8) -> U8:
    """Fig. 6: the same clusters as each variant sees them.

    The clusters are those around a crossing where the variants differ most in how well they find its chromosomes.

    Args:
        shown: Images, each with the same variants; one is held at a time.
        rows: How many clusters at most.

    Returns:
        uint8 (H, W, 3), a column a variant, after the image and the truth; a note where there is nothing to show.
    """
    cases = nlargest(rows, (case for image in shown for case in _clusters(image)), key=lambda case: case.apart)
    table = []
    for case in cases:
        fits = ", ".join(f"{variant} {fit:.2f}" for variant, fit in case.fits.items())
        table.append(GalleryRow(f"{case.name}: mean IoU {fits}", case.pictures))
    variants = list(cases[0].fits) if cases else []
    note = "crossings where the variants differ most" if table else "no crossing in these images"
    return gallery(table, headings=["image", "truth", *variants], side=_SIDE, note=note)


def region_figure(predictor: InstancePredictor, sample: Sample, count: int = 4) -> U8:
    """Fig. 7: for chromosomes that cross another, each region, its features and weights, and the fused features.

    Args:
        predictor: A network with region decomposition.
        sample: A whole metaphase with instances.
        count: How many chromosomes.

    Returns:
        uint8 (H, W, 3). Per chromosome three rows, a column a region: what it shows of the image, its features (mean
        size over channels), its weights α (eq. 13); in the last column the outline, and the fused features.

    Raises:
        ModelError: The network is without region decomposition.
    """
    assert sample.masks is not None
    crossing = crossing_map(sample.masks)
    order = np.argsort([-int((mask & crossing).sum()) for mask in sample.masks], kind="stable")[:count]
    chosen = [int(index) for index in order if sample.masks[index].any()]
    boxes = torch.tensor([box_of(sample.masks[index]) for index in chosen], dtype=torch.float32).reshape(-1, 4)
    maps = predictor.network.region_maps(predictor.for_network(sample.image), boxes.to(predictor.device))
    features = maps.features.abs().mean(dim=2).cpu().numpy()  # 5, R, S, S
    fused = maps.fused.abs().mean(dim=1).cpu().numpy()  # R, S, S
    weights = maps.weights.cpu().numpy()
    placed = torch.cat([place_parts(maps.parts.cpu(), boxes), boxes[None]])  # 5, R, 4
    rows = []
    for row, index in enumerate(chosen):
        x0, y0, x1, y1 = box_of(sample.masks[index])
        outlined = _draw(sample.image[y0:y1, x0:x1], sample.masks[index][None], np.s_[y0:y1, x0:x1])
        shown = [_grey(_cut(sample.image, region)) for region in placed[:, row].tolist()]
        rows.append(GalleryRow(f"{sample.name}, chromosome {index + 1}: what each region shows", [*shown, outlined]))
        top = max(float(features[:, row].max()), float(fused[row].max()), 1e-9)
        rows.append(GalleryRow("features", [_grey(one / top) for one in (*features[:, row], fused[row])]))
        rows.append(GalleryRow("weights", [_shares(one) for one in weights[:, row]]))
    note = "weights: blue 0, white 1/5 (an even share), red 1; features: darker is larger, one scale a chromosome"
    return gallery(rows, headings=[*REGIONS, "together"], side=_SIDE // 2, note=note)


class _Case(NamedTuple):
    """One crossing cluster: how far the variants lie apart, how well each does there, and its pictures."""

    apart: float
    name: str
    window: Window
    fits: dict[str, float]
    pictures: list[U8]


def _clusters(image: Shown) -> Iterator[_Case]:
    truth = image.sample.masks
    if truth is None or not len(truth):
        return
    labels, count = label_regions(regions_of_at_least(crossing_map(truth), MIN_CROSSING_AREA))
    meeting = {tuple(np.flatnonzero(truth[:, labels == label].any(axis=1))) for label in range(1, count + 1)}
    for indices in sorted(meeting):
        own = truth[list(indices)]
        window = _around(np.asarray(own.any(axis=0)))
        fits = {variant: _fit(masks, own) for variant, masks in image.masks.items()}
        seen = (truth[:0], truth, *image.masks.values())
        pictures = [_draw(image.sample.image[window], masks, window) for masks in seen]
        yield _Case(max(fits.values()) - min(fits.values()), image.sample.name, window, fits, pictures)


def _fit(masks: Bool, own: Bool) -> float:
    """Mean IoU of some true chromosomes with the masks that suit them best."""
    return float(match_instances(masks, own)[1].sum() / len(own))


def _around(region: Bool) -> Window:
    x0, y0, x1, y1 = box_of(region)
    return slice(max(0, y0 - _MARGIN), y1 + _MARGIN), slice(max(0, x0 - _MARGIN), x1 + _MARGIN)


def _draw(picture: F32, masks: Bool, window: Window) -> U8:
    inside = masks[:, *window]
    return draw_overlay(picture, inside[inside.any(axis=(1, 2))])


def _cut(image: F32, region: list[float]) -> F32:
    """The pixels of an xyxy region, at least one."""
    x0, y0, x1, y1 = (round(edge) for edge in region)
    return image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]


def _grey(values: npt.NDArray[np.floating]) -> U8:
    """0 white, 1 black."""
    return np.asarray(np.rint(255 * (1 - np.clip(values, 0, 1))), dtype=np.uint8)


def _shares(weights: npt.NDArray[np.floating]) -> U8:
    """Weights (S, S) as colours: blue 0, white 1/5, red 1."""
    even = 1 / len(REGIONS)
    less = np.clip(weights / even, 0, 1)[..., None]
    more = np.clip((weights - even) / (1 - even), 0, 1)[..., None]
    colours = np.where(weights[..., None] < even, _BLUE + less * (_WHITE - _BLUE), _WHITE + more * (_RED - _WHITE))
    return np.asarray(np.rint(colours), dtype=np.uint8)
