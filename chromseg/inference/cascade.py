"""The cascade: a detector and ChromSeg look at the same picture; where they disagree, the better explanation is kept.

The detector finds and separates; crossing-partition rebuilds the clusters from ChromSeg's maps, once by itself and once
with the seams that the detector sees between touching chromosomes (docs/cascade.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from chromseg.annotations.contact import contact_map
from chromseg.arrays import F32, Bool
from chromseg.images.scale import ALWAYS, AS_IT_IS, coarse_shape, factor_between, resize
from chromseg.inference.choice import DETECTOR, PARTITION, Debate, Group, alike
from chromseg.inference.found import Found, in_reading_order, joined
from chromseg.inference.instance_predictor import InstancePredictor, InstanceSettings
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.predictor import Predictor
from chromseg.metrics import mask_ious
from chromseg.models.cascade import CascadeRule
from chromseg.models.ucrd_net import Detections

DISPUTED = "disputed"
_TRACE = 0.3  # IoU from which a detection counts as known
_MOSTLY = 0.5  # share of a detected mask that must lie on the chromosome map for its outline to follow the map's


@dataclass(frozen=True)
class CascadePredictor(Predictor):
    """A loaded cascade.

    Attributes:
        maps: The parent that draws maps; the cascade's scale is its.
        detector: The parent that detects.
        rule: How the better explanation is found.
    """

    maps: MapPredictor = field(kw_only=True)
    detector: InstancePredictor = field(kw_only=True)
    rule: CascadeRule = field(kw_only=True, default=CascadeRule())

    @property
    def fine(self) -> int:
        """As its parent that draws maps."""
        return self.maps.fine

    def solve(self, absorbance: F32, answer: tuple[F32, Detections], most: int | None = None) -> Found:
        """Keep the better explanation of each group of competing masks."""
        return self.decide(self.explanations(absorbance, *answer, most))

    def found_width(self, absorbance: F32, answer: tuple[F32, Detections]) -> float | None:
        """As the parent that draws maps sees them."""
        return self.maps.found_width(absorbance, answer[0])

    def conclude(self, absorbance: F32, answer: tuple[F32, Detections]) -> tuple[Found, Found]:
        """What was decided, and with it the detections that it leaves no trace of."""
        probabilities, detections = answer
        found = self.decide(self.explanations(absorbance, probabilities, detections))
        unsure = self.detected(detections, absorbance.shape, replace(self.detector.settings, score=0.0))
        ious = mask_ious(unsure.masks, found.masks)
        rest = unsure.subset([int(i) for i in np.flatnonzero(ious.max(axis=1, initial=0.0) < _TRACE)])
        alone = replace(rest, scores=tuple(score / 2 for score in rest.scores))  # nobody confirms them
        return found, joined([found, alone], found.masks.shape[1:])

    def decide(self, debate: Debate) -> Found:
        """The better explanation of each group."""
        parts = [choose(debate, group, self.rule) for group in debate.groups(self.rule)]
        by_maps = debate.explanations[PARTITION]
        return replace(joined(parts, by_maps.masks.shape[1:]), maps=by_maps.maps)

    def infer(self, absorbance: F32) -> tuple[F32, Detections]:
        """Run both networks; the detector sees the picture at its own scale."""
        return self.maps.infer(absorbance), self.detector.infer(resize(absorbance, self._to_detector))

    def explanations(
        self, absorbance: F32, probabilities: F32, detections: Detections, most: int | None = None
    ) -> Debate:
        """Three explanations: the partition's, the detector's, and the partition's with the detector's seams."""
        by_maps = self.maps.splice(absorbance, probabilities, most=most)
        detected = self.detected(detections, absorbance.shape)
        detected = in_reading_order(
            replace(detected, masks=fit_to_map(detected.masks, by_maps.chromosome, self.rule.reach))
        )
        together = self.maps.splice(absorbance, probabilities, contact_map(detected.masks), most)
        return Debate((by_maps, detected, together), probabilities[0], probabilities[1])

    def detected(
        self, detections: Detections, shape: tuple[int, int], settings: InstanceSettings | None = None
    ) -> Found:
        """The detector's instances in a picture of (H, W) = `shape`, as coarse as the maps."""
        own = tuple(max(1, round(side * self._to_detector)) for side in shape)
        return self.detector.instances(detections, own, settings).resized(coarse_shape(shape, self.fine))

    @property
    def _to_detector(self) -> float:
        as_it_is = ALWAYS if self.detector.card.trained_width else AS_IT_IS
        return factor_between(self.maps.card.chromosome_width, self.detector.card.chromosome_width, as_it_is)


def choose(debate: Debate, group: Group, rule: CascadeRule) -> Found:
    """The better explanation of one group.

    A chromosome that the other witness saw too scores higher and needs no review; one that is chosen with little
    confidence is flagged `disputed`. Its uncertainty is that of the detection it agrees with.
    """
    probabilities = group.probabilities(rule)
    best = int(probabilities.argmax())
    sure = sum(p for k, p in enumerate(probabilities) if alike(debate.ious(best, k, group), rule.same))
    kept = debate.explanations[best].subset(group.members[best])
    other = PARTITION if best == DETECTOR else DETECTOR
    ious = debate.ious(best, other, group)
    confirmed = ious.max(axis=1, initial=0.0) >= rule.same
    seen = (ious * debate.beliefs_of(other, group)).max(axis=1, initial=0.0)
    return replace(
        kept,
        scores=tuple(map(float, (np.array(kept.scores) + seen) / 2)),
        flags=tuple(
            () if is_confirmed else (*flags, *([DISPUTED] if sure < rule.doubt else []))
            for flags, is_confirmed in zip(kept.flags, confirmed, strict=True)
        ),
        uncertainty=_uncertainty(debate, group, best, rule.same),
    )


def _uncertainty(debate: Debate, group: Group, best: int, same: float) -> tuple[float | None, ...]:
    """Of the detection that is the same chromosome; None where there is none."""
    known = [debate.explanations[DETECTOR].uncertainty[index] for index in group.members[DETECTOR]]
    ious = debate.ious(best, DETECTOR, group)
    return tuple(known[int(row.argmax())] if row.max(initial=0.0) >= same else None for row in ious)


def fit_to_map(masks: Bool, chromosome: Bool, reach: float) -> Bool:
    """Give detected masks, which are coarse, the outline of the chromosome map.

    What lies off the map is cut away; what the map has more goes to the nearest mask within reach. A mask that lies
    mostly off the map, which then missed a chromosome, stays as it is.

    Args:
        masks: bool (N, H, W).
        chromosome: bool (H, W).
        reach: In pixels.

    Returns:
        bool (N, H, W).
    """
    areas = np.maximum(masks.sum(axis=(1, 2)), 1)
    on_map = (masks & chromosome).sum(axis=(1, 2)) >= _MOSTLY * areas
    fitted = np.where(on_map[:, None, None], masks & chromosome, masks)
    if not on_map.any():
        return np.asarray(fitted)
    covered = fitted.any(axis=0)
    distance, (rows, cols) = ndimage.distance_transform_edt(~covered, return_indices=True)
    more = chromosome & ~covered & (distance <= reach)
    nearest = fitted.argmax(axis=0)[rows, cols]
    for index in np.flatnonzero(on_map):
        fitted[index] |= more & (nearest == index)
    return np.asarray(fitted)
