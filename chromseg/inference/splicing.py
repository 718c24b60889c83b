"""Stage 2 of ChromSeg by itself: from probabilities to chromosomes, without the network and without torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from chromseg.arrays import F32, F64, Bool
from chromseg.inference.found import Found
from chromseg.inference.postprocess import BinaryMaps, PostprocessSettings, binarize, smoothed
from chromseg.inference.sureness import Sureness, measures_of
from chromseg.partition import Partition, partition_crossings
from chromseg.partition.seams import WITH_CONTACT, SeamWeights


class Decided(NamedTuple):
    """The first half of stage 2: what a network drew, and the maps of its thresholds.

    Attributes:
        probabilities: float32 (M, H, W) of chromosome, crossing and perhaps contact, smoothed.
        maps: What is chromosome, crossing and seam.
    """

    probabilities: F32
    maps: BinaryMaps


@dataclass(frozen=True)
class Splicer:
    """Stage 2 with a model's settings.

    Attributes:
        postprocess: How probabilities become maps.
        partition: Keyword settings of `partition_crossings`.
        sureness: How probable outlines are right, if that was fitted; what it takes for debris is not handed out.
        seams: By what seams are judged where the network sees contact.
    """

    postprocess: PostprocessSettings
    partition: dict[str, Any] = field(default_factory=dict)
    sureness: Sureness | None = None
    seams: SeamWeights = WITH_CONTACT

    def splice(
        self,
        absorbance: F32,
        probabilities: F32,
        seams: Bool | None = None,
        most: int | None = None,
    ) -> Found:
        """Thresholds and crossing-partition on what a network found in `absorbance`.

        Args:
            absorbance: float32 (H, W).
            probabilities: float32 (M, H, W) of chromosome, crossing and perhaps contact.
            seams: bool (H, W), where touching chromosomes part, if somebody knows better than network and image.
            most: Chromosomes, as of `partition_crossings`.

        Raises:
            InputRefusedError: There are more.
        """
        return self.join(absorbance, self.decide(absorbance, probabilities), seams, most)

    def decide(self, absorbance: F32, probabilities: F32) -> Decided:
        """The first half of `splice`."""
        probabilities = smoothed(probabilities, self.postprocess)
        return Decided(probabilities, binarize(probabilities, self.postprocess, absorbance))

    def join(self, absorbance: F32, decided: Decided, seams: Bool | None = None, most: int | None = None) -> Found:
        """The second half, most of the time: partition what `decide` gave; arguments and errors as of `splice`."""
        found, parts = self._partitioned(absorbance, decided, seams, most)
        if self.sureness is None:
            return found
        seen = (decided.probabilities, absorbance, self.sureness.typical)
        return self.sureness.rated(found, measures_of(parts.masks, parts.confidence, *seen))

    def measured(self, absorbance: F32, decided: Decided) -> tuple[Found, F64]:
        """What `join` finds, and the measures by which the sureness of each outline is fitted."""
        found, parts = self._partitioned(absorbance, decided)
        return found, measures_of(parts.masks, parts.confidence, decided.probabilities, absorbance)

    def _partitioned(
        self,
        absorbance: F32,
        decided: Decided,
        seams: Bool | None = None,
        most: int | None = None,
    ) -> tuple[Found, Partition]:
        """The chromosomes without what is said of their sureness, and the partition that they are of."""
        probabilities, maps = decided
        contact = maps.contact if seams is None else seams & maps.chromosome & ~maps.crossing
        parts = partition_crossings(
            maps.chromosome,
            maps.crossing,
            absorbance,
            contact=contact,
            seam_weights=self.seams,
            most=most,
            **self.partition,
        )
        scores = tuple(instance_scores(parts, probabilities[0]))
        both = (maps.chromosome, maps.crossing)
        return Found(parts.masks, scores, parts.flags, (None,) * len(scores), both), parts


@dataclass(frozen=True)
class SplicingLeft:
    """The remainder of a network of maps: splicing.

    Attributes:
        splicer: With the model's settings.
        absorbance: float32 (H, W) that the network saw.
        decided: Of what it drew there.
        most: Chromosomes.
        closer: By how much the picture was enlarged for a second look.
    """

    splicer: Splicer
    absorbance: F32
    decided: Decided
    most: int | None = None
    closer: float = 1.0

    def __call__(self) -> Found:
        """Splice."""
        found = self.splicer.join(self.absorbance, self.decided, most=self.most)
        return replace(found, closer=self.closer)


def instance_scores(partition: Partition, chromosome: F32) -> list[float]:
    """Mean chromosome probability inside each mask × its pairing confidence (contract §5)."""
    return [
        float(chromosome[mask].mean()) * confidence
        for mask, confidence in zip(partition.masks, partition.confidence, strict=True)
    ]
