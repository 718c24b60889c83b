"""How well do annotators agree with themselves? Some metaphases of a set were photographed, and outlined, twice.

    python -m benchmarks.annotator_agreement [--data data/bioimlab] [--model bundled/chromseg]     # four minutes

Two pictures show one metaphase if, one shifted over the other, they correlate by `--correlation` or more and five
chromosomes or more were outlined in both. Of those that were, wholly in view of both pictures:

- `agree`: the share whose two outlines have IoU ≥ 0.8;
- `mean_hand`: the share that somebody would find who knew the annotators' mean outline of each chromosome. If drawings
  differ from the mean independently and alike, two differ by √2 times as much, so the mean is stood in for by the
  outline 1/√2 of the way from one drawing to the other (by their signed distances), and judged against the former;
- `log_size`: the log of the ratio of their areas, median of a pair of pictures.

Beside them the same of the model's outlines in the two pictures, for what pictures and their alignment account for.
Shares are of all pairs of outlines, and means over cases, since some metaphases come thrice.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from benchmarks.outline_size import signed_distance
from chromseg import load_predictor
from chromseg.annotations import Dataset, load_image, load_masks, rasterize, read_dataset
from chromseg.annotations.records import ImageRecord
from chromseg.arrays import F32, Bool
from chromseg.boxes import window_of
from chromseg.dvc import folder_md5
from chromseg.files import write_json
from chromseg.inference.predictor import Predictor
from chromseg.metrics import SPLICE_IOU, bootstrap_by_case, iou, match_instances
from chromseg.registry.lineage.gather import git_state

Shift = tuple[float, float]

_SAME = 0.5  # IoU from which two outlines are of one chromosome
_COARSE = 4  # pictures are first compared at a quarter of their size
_FINE = 4  # parts of a pixel between two drawings
_FIELD = 0.2  # least share of a picture that the other must show too
_FEW = 5  # chromosomes in both, below which two pictures are alike by chance: mostly a nucleus on a nucleus
_MARGIN = 2  # pixels between a chromosome in view and the border


@dataclass(frozen=True)
class Twins:
    """Two pictures of one metaphase.

    Attributes:
        names: Their files.
        case_id: The case of the first.
        correlation: Of their common field.
        drawn: Chromosomes of the first that are wholly in view of both.
        both: Those that the second annotation has too.
        agree: Those of them whose two outlines have IoU ≥ 0.8.
        mean_hand: Those of them that the mean outline finds, mean of judging it against either annotation.
        log_size: Median log of the second's area over the first's; 0 without any in both.
        model_both: Chromosomes that the model finds in both pictures.
        model_agree: Those of them whose two outlines have IoU ≥ 0.8.
        model_log_size: As `log_size`.
    """

    names: tuple[str, str]
    case_id: str
    correlation: float
    drawn: int
    both: int
    agree: int
    mean_hand: float
    log_size: float
    model_both: int
    model_agree: int
    model_log_size: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/bioimlab"))
    parser.add_argument("--model", default="bundled/chromseg")
    parser.add_argument("--correlation", type=float, default=0.9)
    parser.add_argument("--out", type=Path, default=Path("reports/annotator_agreement.json"))
    arguments = parser.parse_args()
    dataset, predictor = read_dataset(arguments.data), load_predictor(arguments.model)
    pairs = []
    for first, second, shift, correlation in same_metaphases(dataset, arguments.correlation):
        pair = compare(dataset, first, second, shift, correlation, predictor)
        if pair.both >= _FEW:
            pairs.append(pair)
            print(pair)
    report = summary(pairs) | {
        "weights_sha256": predictor.card.weights_sha256,
        "data_md5": folder_md5(dataset.root),
        "git_commit": git_state()[0],
        "pairs": [asdict(pair) for pair in pairs],
    }
    write_json(arguments.out, report)
    print({key: value for key, value in report.items() if key != "pairs"})


def same_metaphases(dataset: Dataset, least: float) -> Iterator[tuple[ImageRecord, ImageRecord, Shift, float]]:
    """Pairs of pictures of one metaphase, how far the second is to be moved (row, col), and their correlation."""
    images = {record.id: load_image(dataset, record) for record in dataset.images}
    coarse = {key: ndimage.zoom(image, 1 / _COARSE, order=1) for key, image in images.items()}
    for first, second in combinations(dataset.images, 2):
        if images[first.id].shape != images[second.id].shape:
            continue
        _, roughly = best_shift(coarse[first.id], coarse[second.id], fine=1)
        if roughly < least - 0.2:
            continue
        shift, correlation = best_shift(images[first.id], images[second.id], fine=10)
        if correlation >= least:
            yield first, second, shift, correlation


def best_shift(image: F32, other: F32, fine: int) -> tuple[Shift, float]:
    """How far `other` is to be moved to lie best on `image`, to 1/`fine` of a pixel, and how they then correlate."""
    found, _, _ = phase_cross_correlation(image, other, upsample_factor=fine, normalization=None)
    turns = [(float(step), float(step - np.sign(step) * size)) for step, size in zip(found, image.shape, strict=True)]
    candidates = [(row, col) for row in turns[0] for col in turns[1]]  # a shift is found up to whole turns
    return max(((shift, overlaid(image, other, shift)) for shift in candidates), key=lambda found: found[1])


def overlaid(image: F32, other: F32, shift: Shift) -> float:
    """Correlation of the common field with `other` moved; -1 where that is too small or blank."""
    common = ndimage.shift(np.ones_like(other), shift, order=0) > 0.5
    if common.mean() < _FIELD:
        return -1.0
    ours, theirs = image[common], ndimage.shift(other, shift, order=1)[common]
    return float(np.corrcoef(ours, theirs)[0, 1]) if ours.std() and theirs.std() else -1.0


def compare(
    dataset: Dataset, first: ImageRecord, second: ImageRecord, shift: Shift, correlation: float, predictor: Predictor
) -> Twins:
    """The two annotations of one metaphase, the second moved onto the first."""
    ours = load_masks(dataset, first)
    ours = ours[in_view(ours, shift)]
    drawn, agree = matched(ours, moved_outlines(dataset, second, shift))
    found, found_then = (predictor.find(load_image(dataset, image)).masks for image in (first, second))
    by_model, model_agree = matched(found[in_view(found, shift)], moved(found_then, shift))
    return Twins(
        (first.file_name, second.file_name),
        first.case,
        round(correlation, 3),
        len(ours),
        len(drawn),
        agree,
        sum(found_by_mean_hand(mask, other) for mask, other in drawn),
        log_size(drawn),
        len(by_model),
        model_agree,
        log_size(by_model),
    )


def moved_outlines(dataset: Dataset, image: ImageRecord, shift: Shift) -> Bool:
    """The instances of an image with their outlines moved by (row, col): bool (N, H, W)."""
    masks = []
    for instance in dataset.instances_of[image.id]:
        assert isinstance(instance.segmentation, list), "outlines are polygons"
        outline = [(np.reshape(each, (-1, 2)) + shift[::-1]).ravel().tolist() for each in instance.segmentation]
        masks.append(rasterize(outline, image.height, image.width))
    return np.array(masks, dtype=bool).reshape(-1, image.height, image.width)


def moved(masks: Bool, shift: Shift) -> Bool:
    """Masks bool (N, H, W) moved by (row, col), and not grown by it: just half a pixel would count on either side."""
    nearly = tuple(step + 1e-3 for step in shift)
    found = [ndimage.shift(mask.astype(np.float32), nearly, order=1) >= 0.5 for mask in masks]
    return np.array(found, dtype=bool).reshape(masks.shape)


def in_view(masks: Bool, shift: Shift) -> list[bool]:
    """Which of bool (N, H, W) lie wholly in the field of the picture that was moved."""
    shape = masks.shape[1:]
    field = ndimage.shift(np.ones(shape), shift, order=0) > 0.5
    field = ndimage.binary_erosion(field, iterations=_MARGIN, border_value=0)
    return [bool(mask.any() and not (mask & ~field).any()) for mask in masks]


def matched(masks: Bool, others: Bool) -> tuple[list[tuple[Bool, Bool]], int]:
    """The chromosomes that are in both, as pairs of masks by the best assignment, and how many of them agree."""
    pairs, ious = match_instances(masks, others)
    same = pairs[ious >= _SAME]
    return [(masks[index], others[other]) for index, other in same], int((ious >= SPLICE_IOU).sum())


def found_by_mean_hand(mask: Bool, other: Bool) -> float:
    """Against how many of two drawings, bool (H, W) both, the mean outline of a chromosome has IoU ≥ 0.8: 0, ½ or 1.

    It is stood in for by the outline 1/√2 of the way from the drawing that it is judged against to the other, in
    quarters of a pixel.
    """
    window = window_of(mask | other)
    ours, theirs = (np.kron(np.pad(each[window], 1), np.ones((_FINE, _FINE), dtype=bool)) for each in (mask, other))
    way = 1 / math.sqrt(2)
    towards = (1 - way) * signed_distance(ours) + way * signed_distance(theirs) > 0
    back = (1 - way) * signed_distance(theirs) + way * signed_distance(ours) > 0
    return ((iou(towards, ours) >= SPLICE_IOU) + (iou(back, theirs) >= SPLICE_IOU)) / 2


def log_size(pairs: list[tuple[Bool, Bool]]) -> float:
    """Median log of the second's area over the first's; 0 without any."""
    logs = [math.log(other.sum() / mask.sum()) for mask, other in pairs]
    return round(float(np.median(logs)), 3) if logs else 0.0


def summary(pairs: list[Twins]) -> dict[str, Any]:
    """Shares and sizes over all pairs, with 95 % intervals by case, and means over cases."""
    return {
        "pairs_of_pictures": len(pairs),
        "cases": len({pair.case_id for pair in pairs}),
        "drawn": sum(pair.drawn for pair in pairs),
        "both": sum(pair.both for pair in pairs),
        "agree": share(pairs, "agree", "both"),
        "agree_of_drawn": share(pairs, "agree", "drawn"),
        "mean_hand": share(pairs, "mean_hand", "both"),
        "log_size": size(pairs, "log_size"),
        "model_agree": share(pairs, "model_agree", "model_both"),
        "model_log_size": size(pairs, "model_log_size"),
    }


def share(pairs: list[Twins], of: str, among: str) -> dict[str, Any]:
    """How many of `among` are `of`."""

    def ratio(chosen: list[Twins]) -> float | None:
        whole = sum(getattr(pair, among) for pair in chosen)
        return float(sum(getattr(pair, of) for pair in chosen) / whole) if whole else None

    return figure(pairs, ratio)


def size(pairs: list[Twins], of: str) -> dict[str, Any]:
    """Root mean square of the logs: differences are as often above as below 0."""
    return figure(pairs, lambda chosen: float(np.sqrt(np.mean([getattr(pair, of) ** 2 for pair in chosen]))))


def figure(pairs: list[Twins], statistic: Callable[[list[Twins]], float | None]) -> dict[str, Any]:
    """A figure of all pairs, its interval when cases are drawn again, and its mean over cases."""
    cases = [pair.case_id for pair in pairs]
    interval = bootstrap_by_case(pairs, cases, statistic)
    each = [statistic([pair for pair in pairs if pair.case_id == case]) for case in dict.fromkeys(cases)]
    known = [value for value in each if value is not None]
    return {
        "all": rounded(statistic(pairs)),
        "interval": None if interval is None else [rounded(end) for end in interval],
        "mean_over_cases": rounded(float(np.mean(known)) if known else None),
    }


def rounded(value: float | None) -> float | None:
    """To four places."""
    return None if value is None else round(value, 4)


if __name__ == "__main__":
    main()
