"""The cascade: a detector and ChromSeg look at the same picture; where they disagree, the better explanation is kept.

The detector finds and separates; crossing-partition rebuilds the clusters from ChromSeg's maps, once by itself and once
with the seams that the detector sees between touching chromosomes (docs/cascade.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import numpy as np
from scipy import ndimage
from scipy.special import logit

from chromseg.annotations.contact import contact_map
from chromseg.arrays import F32, F64, Bool
from chromseg.boxes import window_of
from chromseg.images.scale import ALWAYS, AS_IT_IS, coarse_shape, extent_of, factor_between, resize, resized_shape
from chromseg.inference.choice import DETECTOR, PARTITION, Debate, Group, alike
from chromseg.inference.correcting import OutlineCorrector
from chromseg.inference.familiarity import clearly, look_of, nearest
from chromseg.inference.found import Found, in_reading_order, joined, median_width
from chromseg.inference.instance_predictor import InstancePredictor, InstanceSettings
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.predictor import Predictor
from chromseg.inference.splicing import Decided
from chromseg.inference.sureness import Sureness, measures_of
from chromseg.inference.unclaimed import with_unclaimed_ends
from chromseg.inference.verifying import OutlineVerifier, figures_of
from chromseg.metrics import mask_ious
from chromseg.models.cascade import CascadeRule
from chromseg.models.ucrd_net import Detections
from chromseg.partition.cluster import NEEDS_REVIEW

DISPUTED = "disputed"
WITNESSES = ("partition", "detector", "believed")  # measures of sureness beside those of networks of maps
_LEAST_SURE = 0.002  # probabilities of a verifier are taken no closer to 0 and 1
_TRACE = 0.3  # IoU from which a detection counts as known
_SURE = 0.8  # probability of being right from which an outline is not drawn anew: nothing is won by it
_MOSTLY = 0.5  # share of a detected mask that must lie on the chromosome map for its outline to follow the map's


class Answer(NamedTuple):
    """What both networks make of a picture.

    Attributes:
        decided: The maps, of the parent that draws them.
        detections: Of the detector.
        detected: What of them is listened to, as coarse as the maps.
        stain: What the picture looks most like; None where that cannot be said.
    """

    decided: Decided
    detections: Detections
    detected: Found
    stain: str | None = None


@dataclass(frozen=True)
class CascadePredictor(Predictor):
    """A loaded cascade.

    Attributes:
        maps: The parent that draws maps; the cascade's scale is its.
        detector: The parent that detects.
        rule: How the better explanation is found.
        experts: By stain, what draws the maps of pictures that look most like it; at the scale and fineness of `maps`.
        verifier: Looks at every outline, if there is one.
        corrector: Draws the chosen outlines anew, if there is one.
    """

    maps: MapPredictor = field(kw_only=True)
    detector: InstancePredictor = field(kw_only=True)
    rule: CascadeRule = field(kw_only=True, default=CascadeRule())
    experts: Mapping[str, MapPredictor] = field(kw_only=True, default_factory=dict)
    verifier: OutlineVerifier | None = field(kw_only=True, default=None)
    corrector: OutlineCorrector | None = field(kw_only=True, default=None)

    @property
    def fine(self) -> int:
        """As its parent that draws maps."""
        return self.maps.fine

    @property
    def sureness(self) -> Sureness | None:
        """How probable outlines are right, as fitted; None in a card without it."""
        given = self.card.preprocessing.get("sureness")
        return None if given is None else Sureness.of_json(given)

    def without_sureness(self) -> Self:
        """As every predictor, and its parents too."""
        experts = {stain: expert.without_sureness() for stain, expert in self.experts.items()}
        return replace(super().without_sureness(), maps=self.maps.without_sureness(), experts=experts)

    def find(self, absorbance: F32, most: int | None = None) -> Found:
        """As every predictor; what the detector sees says whether a second look is needed, and who draws the maps."""
        who, picture, answer, closer = self.heard(absorbance)
        return replace(who.solve(picture, answer, most), closer=closer)

    def find_all(self, absorbance: F32) -> tuple[Found, Found]:
        """As every predictor."""
        who, picture, answer, closer = self.heard(absorbance)
        found, everything = who.conclude(picture, answer)
        return replace(found, closer=closer), replace(everything, closer=closer)

    def heard(self, absorbance: F32) -> tuple[CascadePredictor, F32, Answer, float]:
        """Both networks' answer. The detector, which is the quicker, looks first.

        Args:
            absorbance: float32 (H, W), at the model's own scale as estimated.

        Returns:
            Who is to solve it, this cascade or one with an expert's maps; the picture it looked at last; its networks'
            answer to that; and by how much the picture was enlarged.
        """
        picture, (detections, detected) = absorbance, self.detect(absorbance)
        wanted = self.card.trained_width
        closer = self.closer_for(absorbance, median_width(detected.masks, self.fine) if wanted else None)
        if closer != 1.0:
            picture = resize(absorbance, closer)
            detections, detected = self.detect(picture)
        # how each stain looks was fitted by what the network of maps finds; what the detector finds looks alike
        look = look_of(self.seen(picture), detected.masks, detected.scores) if self.looks else None
        expert = self.experts.get(clearly(self.looks, look) or "")
        who = self if expert is None else replace(self, maps=expert, experts={})
        stain, _ = nearest(self.looks, look) or (None, None)
        return who, picture, Answer(who.maps.look(picture), detections, detected, stain), closer

    def solve(self, absorbance: F32, answer: Answer, most: int | None = None) -> Found:
        """Keep the better explanation of each group of competing masks."""
        debate = self.explanations(absorbance, answer, most)
        found = self.decide(debate, absorbance)
        sureness = self.sureness
        if sureness is None:
            return found
        measures = self.measures(absorbance, debate, found, sureness.typical)
        return _less_disputed(sureness.rated(found, measures, answer.stain))

    def measured(self, absorbance: F32) -> tuple[Found, F32, F64]:
        """What is found, the picture in which, as coarse as the masks, and the measures by which sureness is fitted."""
        who, picture, answer, closer = self.heard(absorbance)
        debate = who.explanations(picture, answer)
        found = replace(who.decide(debate, picture), closer=closer)
        return found, self.seen(picture), self.measures(picture, debate, found)

    def measures(self, absorbance: F32, debate: Debate, found: Found, typical: Sequence[float] | None = None) -> F64:
        """What tells right outlines from wrong ones: those of networks of maps, and how far each witness agrees.

        Returns:
            float64 (N, len(MEASURES) + len(WITNESSES)), and with a verifier its log-odds as one column more.
        """
        shapes = measures_of(found.masks, found.scores, debate.maps, self.seen(absorbance), typical)
        ious = [mask_ious(found.masks, debate.explanations[witness].masks) for witness in (PARTITION, DETECTOR)]
        believed = ious[1] * np.array(debate.explanations[DETECTOR].scores)
        witnesses = [each.max(axis=1, initial=0.0) for each in (*ious, believed)]
        if self.verifier is not None:
            right = np.array([each.right for each in found.verdicts if each is not None], dtype=np.float64)
            witnesses.append(logit(right.clip(_LEAST_SURE, 1 - _LEAST_SURE)))
        return np.concatenate([shapes, np.stack(witnesses, axis=1)], axis=1)

    def conclude(self, absorbance: F32, answer: Answer) -> tuple[Found, Found]:
        """What was decided, and with it the detections that it leaves no trace of."""
        found = self.solve(absorbance, answer)
        unsure = self.detected(answer.detections, absorbance.shape, replace(self._listened, score=0.0))
        ious = mask_ious(unsure.masks, found.masks)
        rest = unsure.subset([int(i) for i in np.flatnonzero(ious.max(axis=1, initial=0.0) < _TRACE)])
        alone = replace(rest, scores=tuple(score / 2 for score in rest.scores))  # nobody confirms them
        return found, joined([found, alone], found.masks.shape[1:])

    def decide(self, debate: Debate, absorbance: F32) -> Found:
        """The better explanation of each group, drawn anew where it is doubted."""
        parts = [choose(debate, group, self.rule) for group in debate.groups(self.rule)]
        by_maps = debate.explanations[PARTITION]
        found = replace(joined(parts, by_maps.masks.shape[1:]), maps=by_maps.maps)
        if self.corrector is None:
            return found
        doubted = [index for index, own in enumerate(found.verdicts) if own is None or own.right < _SURE]
        drawn = self.corrector.redraw(found.masks, self.seen(absorbance), debate.maps, self.view_width, doubted)
        return in_reading_order(replace(found, masks=with_unclaimed_ends(drawn, found.masks, found.chromosome)))

    def infer(self, absorbance: F32) -> Answer:
        """Run both networks."""
        return Answer(self.maps.look(absorbance), *self.detect(absorbance))

    def detect(self, absorbance: F32) -> tuple[Detections, Found]:
        """Run the detector, which sees the picture at its own scale: all detections, and what is listened to."""
        detections = self.detector.infer(resize(absorbance, self._to_detector))
        return detections, self.detected(detections, absorbance.shape)

    def explanations(self, absorbance: F32, answer: Answer, most: int | None = None) -> Debate:
        """Three explanations: the partition's, the detector's, and the partition's with the detector's seams."""
        seen, splicer, (decided, _, detected, _) = self.seen(absorbance), self.maps.splicer, answer
        by_maps = splicer.join(seen, decided, most=most)
        fitted = fit_to_map(detected.masks, by_maps.chromosome, self.rule.reach)
        detected = in_reading_order(replace(detected, masks=fitted))
        together = splicer.join(seen, decided, contact_map(detected.masks), most)
        explanations = self._verified((by_maps, detected, together), seen, decided)
        return Debate(explanations, *decided.probabilities[:2])

    @property
    def view_width(self) -> float:
        """How wide chromosomes are in the pixels of the masks."""
        return self.maps.card.trained_width / self.fine

    def _verified(self, explanations: Sequence[Found], seen: F32, decided: Decided) -> Sequence[Found]:
        """The same, with a verdict on each outline if there is a verifier."""
        if self.verifier is None:
            return explanations
        masks, figures = [each.masks for each in explanations], figures_of(explanations)
        verdicts = self.verifier.look(masks, figures, seen, decided.probabilities[:2], self.view_width)
        return [replace(each, verdicts=own) for each, own in zip(explanations, verdicts, strict=True)]

    def detected(
        self, detections: Detections, shape: tuple[int, int], settings: InstanceSettings | None = None
    ) -> Found:
        """The detector's instances in a picture of (H, W) = `shape`, as coarse as the maps."""
        own, seen = resized_shape(shape, self._to_detector), coarse_shape(shape, self.fine)
        found = self.detector.instances(detections, own, settings or self._listened)
        return found.resized(seen, extent_of(own, seen, shape))

    @property
    def _listened(self) -> InstanceSettings:
        """What counts as a detection here; masks are cut at one half, for where outlines end the map knows better."""
        own = replace(self.detector.settings, pixel=InstanceSettings.pixel)
        return own if self.rule.least is None else replace(own, score=self.rule.least)

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


def _less_disputed(found: Found) -> Found:
    """The same, `disputed` only where the outline is doubted too: the choice may be in doubt between two right ones."""
    kept = tuple(tuple(flag for flag in own if flag != DISPUTED or NEEDS_REVIEW in own) for own in found.flags)
    return replace(found, flags=kept)


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
    fitted = np.asarray(np.where(on_map[:, None, None], masks & chromosome, masks))
    if not on_map.any():
        return fitted
    covered = np.asarray(fitted.any(axis=0))
    inside = window_of(np.asarray(chromosome | covered))
    distance, (rows, cols) = ndimage.distance_transform_edt(~covered[inside], return_indices=True)
    more = chromosome[inside] & ~covered[inside] & (distance <= reach)
    nearest = fitted[:, *inside].argmax(axis=0)[rows, cols]
    for index in np.flatnonzero(on_map):
        fitted[index][inside] |= more & (nearest == index)
    return fitted
