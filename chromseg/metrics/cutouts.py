"""ChromSeg's own metrics, image by image on cut-outs and then over a set (contract §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chromseg.arrays import Bool
from chromseg.metrics.instances import InstanceScore, summarize_instances
from chromseg.metrics.segmentation import iou, mean_iou, well_detected
from chromseg.metrics.splicing import SPLICE_IOU


@dataclass(frozen=True)
class CutoutScore:
    """What one cut-out contributes; plain numbers, ready for a table of per-image results.

    Attributes:
        name: The cut-out.
        case_id: Its case.
        iou_crossing: 0–1, NaN when prediction and truth are empty.
        iou_chromosome: The same for the chromosome map.
        well_detected: Whether its crossings are all found and none invented.
        splice: `splice_quality` of the instances; None if the truth has no instances.
        splice_true_maps: The same of stage 2 fed with the true maps; None if that was not run.
        iou_foreground: As `iou_chromosome`, of what the network itself draws. The chromosome map of a cut-out is what
            is left where somebody removed the ground by the truth, so it says nothing of a network. None for a family
            without maps.
    """

    name: str
    case_id: str
    iou_crossing: float
    iou_chromosome: float
    well_detected: bool
    splice: float | None = None
    splice_true_maps: float | None = None
    iou_foreground: float | None = None

    @classmethod
    def from_maps(
        cls,
        name: str,
        case_id: str,
        *,
        pred_crossing: Bool,
        true_crossing: Bool,
        pred_chromosome: Bool,
        true_chromosome: Bool,
        splice: float | None = None,
        splice_true_maps: float | None = None,
        drawn_chromosome: Bool | None = None,
    ) -> CutoutScore:
        """Compare the two maps, bool (H, W) each, of one cut-out, and the chromosome map as the network draws it.

        Raises:
            MaskError: Maps that are not bool or differ in size.
        """
        return cls(
            name,
            case_id,
            iou(pred_crossing, true_crossing),
            iou(pred_chromosome, true_chromosome),
            well_detected(pred_crossing, true_crossing),
            splice,
            splice_true_maps,
            None if drawn_chromosome is None else iou(drawn_chromosome, true_chromosome),
        )


def overlap_acc(scores: Sequence[CutoutScore]) -> float | None:
    """Share of the images that are well-detected; None for no images."""
    return _share([score.well_detected for score in scores])


def sp_acc(scores: Sequence[CutoutScore], threshold: float = SPLICE_IOU) -> float | None:
    """Share of the well-detected images that are well-spliced; None if no image has instances."""
    return _share([s.splice >= threshold for s in scores if s.well_detected and s.splice is not None])


def sp_acc_true_maps(scores: Sequence[CutoutScore], threshold: float = SPLICE_IOU) -> float | None:
    """Share of all images that stage 2 splices well from the true maps; None if it was run on none."""
    return _share([s.splice_true_maps >= threshold for s in scores if s.splice_true_maps is not None])


def overall_acc(scores: Sequence[CutoutScore]) -> float | None:
    """OverlapAcc × SPAcc: 0 if no image is well-detected, None if the set has no instances."""
    if all(score.splice is None for score in scores):
        return None
    found, spliced = overlap_acc(scores), sp_acc(scores)
    return 0.0 if spliced is None or found is None else found * spliced


def summarize_cutouts(scores: Sequence[CutoutScore]) -> dict[str, float | None]:
    """The cut-out metrics of contract §4 over a set, fractions 0–1, None where undefined.

    `n_left_out` counts the images whose crossings are empty in truth and prediction.
    """
    crossing, n_left_out = mean_iou([score.iou_crossing for score in scores])
    return {
        "iou_crossing": crossing,
        "iou_chromosome": mean_iou([score.iou_chromosome for score in scores])[0],
        "iou_foreground": mean_iou([score.iou_foreground for score in scores if score.iou_foreground is not None])[0],
        "overlap_acc": overlap_acc(scores),
        "sp_acc": sp_acc(scores),
        "sp_acc_70": sp_acc(scores, 0.7),
        "sp_acc_90": sp_acc(scores, 0.9),
        "sp_acc_true_maps": sp_acc_true_maps(scores),
        "overall_acc": overall_acc(scores),
        "n_images": len(scores),
        "n_left_out": n_left_out,
    }


def summarize(
    cutouts: Sequence[CutoutScore], instances: Sequence[InstanceScore] = (), *, prefix: str = "test"
) -> dict[str, float | None]:
    """All metrics of a set under the keys of contract §4: `test/iou_crossing`, …, `test/n_left_out`.

    Args:
        cutouts: One score per cut-out; may be empty for a detector that has no maps.
        instances: One score per image whose instances are judged: whole metaphases, or the cut-outs themselves.
        prefix: "test" or "val".

    Returns:
        Every key, fractions 0–1, None where undefined. `n_images` counts the cut-outs, without any the images judged
        by instances.
    """
    metrics = summarize_cutouts(cutouts) | summarize_instances(instances)
    if not cutouts:
        metrics["n_images"] = len(instances)
    return {f"{prefix}/{key}": value for key, value in metrics.items()}


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None
