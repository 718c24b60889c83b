"""ChromSeg: a network draws two maps, crossing-partition splices them into chromosomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from scipy import ndimage

from chromseg.annotations.maps import label_regions
from chromseg.arrays import F32, F64
from chromseg.config import ModelConfig
from chromseg.images.field import field_of
from chromseg.images.scale import filled_up
from chromseg.images.tone import toned
from chromseg.inference.found import Found, median_width
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.inference.predictor import Predictor
from chromseg.inference.prepared import CloserLook, Remainder
from chromseg.inference.splicing import Decided, Splicer, SplicingLeft
from chromseg.inference.sureness import Sureness
from chromseg.inference.view import MOST_CHROMOSOMES
from chromseg.models.maps import MapNetwork
from chromseg.partition.seams import WITH_CONTACT, SeamWeights

_UNKNOWN_ONCE = {"smooth_chromosome": 0.0, "max_apart": 0.0}


@dataclass(frozen=True)
class MapPredictor(Predictor):
    """A loaded network of maps, in evaluation mode, with the settings of its stage 2."""

    network: MapNetwork = field(kw_only=True)

    @property
    def fine(self) -> int:
        """As its network was made."""
        return self.card.architecture.fine if isinstance(self.card.architecture, ModelConfig) else 1

    @property
    def _coarsest(self) -> int:
        """Pixels of a picture beside one of its network's deepest level."""
        return self.fine * 2**self.card.architecture.depth if isinstance(self.card.architecture, ModelConfig) else 1

    def look(self, absorbance: F32) -> Decided:
        """What the network draws, and the maps of its thresholds."""
        return self.decided(absorbance, self.infer(absorbance))

    def decided(self, absorbance: F32, probabilities: F32) -> Decided:
        """The maps of what `infer` drew."""
        return self.splicer.decide(self.seen(absorbance), probabilities)

    def solve(self, absorbance: F32, answer: Decided, most: int | None = None) -> Found:
        """Splice."""
        return self.splicer.join(self.seen(absorbance), answer, most=most)

    def found_width(self, answer: Decided) -> float | None:
        """The median width of the regions of the chromosome map, of whole fields with eight or more."""
        labels, _ = label_regions(answer.maps.chromosome)
        windows = enumerate(ndimage.find_objects(labels), start=1)
        return median_width((labels[window] == label for label, window in windows), self.fine)

    def _begun(self, images: Sequence[F32]) -> list[Remainder | CloserLook]:
        """Run the network, on an accelerator on all at once; splicing is left.

        On a CPU one after another: a batch would save a tenth of the time, and round in the seventh digit differently
        from `find`, so that now and then a pixel would depend on who else sent a picture at that moment.
        """
        alone = torch.device(self.device).type == "cpu"
        maps = [self.infer(image) for image in images] if alone else self.infer_batch(np.stack(images))
        return [
            self._unless_closer(image, partial(self._spliced_later, drawn=drawn))
            for image, drawn in zip(images, maps, strict=True)
        ]

    def _spliced_later(self, image: F32, drawn: F32) -> Remainder:
        """Look again if need be; splicing is left.

        Args:
            image: float32 (H, W), at the model's own scale as estimated.
            drawn: float32 (M, h, w), what the network made of it.
        """
        picture, answer, closer = self.second_look(image, self.decided(image, drawn))
        return SplicingLeft(self.splicer, self.seen(picture), answer, MOST_CHROMOSOMES, closer)

    def infer(self, absorbance: F32) -> F32:
        """Run the network: float32 (H, W) → (M, h, w) of chromosome, crossing and, if the model has it, contact.

        (h, w) is (H, W) divided by how much finer than its maps the network sees.
        """
        return np.asarray(self.infer_batch(absorbance[None])[0])

    @torch.inference_mode()
    def infer_batch(self, images: F32) -> F32:
        """The same for pictures of one size: float32 (B, H, W) → (B, M, h, w)."""
        images = self._for_network(images)
        drawn = self._drawn(images)
        if not self.seen_turned(images[0].size):
            return drawn
        return np.asarray((drawn + self._drawn_turned(images)) / 2, dtype=np.float32)

    def conclude(self, absorbance: F32, answer: Decided) -> tuple[Found, Found]:
        """What splicing gives; nothing is held back."""
        found = self.solve(absorbance, answer)
        return found, found

    def measured(self, absorbance: F32) -> tuple[Found, F32, F64]:
        """What is found, the picture in which, as coarse as the masks, and the measures by which sureness is fitted."""
        picture, answer, closer = self.second_look(absorbance, self.look(absorbance))
        seen = self.seen(picture)
        found, measures = self.splicer.measured(seen, answer)
        return replace(found, closer=closer), seen, measures

    @property
    def splicer(self) -> Splicer:
        """Stage 2 with the card's settings."""
        return Splicer(self.postprocess, self.card.partition, self.sureness, self.seams)

    @property
    def seams(self) -> SeamWeights:
        """By what seams are judged, as fitted on this network's maps; the usual weights in a card without it."""
        given = self.card.preprocessing.get("seams")
        return WITH_CONTACT if given is None else SeamWeights(tuple(given["weights"]), given["bias"])

    @property
    def sureness(self) -> Sureness | None:
        """How probable outlines are right, as fitted; None in a card without it."""
        given = self.card.preprocessing.get("sureness")
        return None if given is None else Sureness.of_json(given)

    def _for_network(self, images: F32) -> F32:
        """Pictures float32 (B, H, W) in the model's tone, with sides that the network can make coarser."""
        return np.stack([filled_up(toned(image, self.tone), self.fine) for image in images])

    def _drawn_turned(self, images: F32) -> F32:
        """As `_drawn`, of the pictures turned by 180°, turned back."""
        return self._drawn(images[:, ::-1, ::-1])[..., ::-1, ::-1]

    def _drawn(self, images: F32) -> F32:
        """What the network draws of pictures (B, H, W) as of `_for_network`: float32 (B, M, h, w), 0 off the field."""
        rows, cols = field_of(images.max(axis=0), self.tone, self._coarsest)
        x = torch.from_numpy(np.ascontiguousarray(images[:, None, rows, cols]))
        maps = self.network(x.to(self.device, memory_format=torch.channels_last))
        inside = torch.sigmoid(torch.cat([logits for logits in maps if logits is not None], dim=1)).float()
        drawn = np.zeros((*inside.shape[:2], *(side // self.fine for side in images.shape[1:])), dtype=np.float32)
        top, left = rows.start // self.fine, cols.start // self.fine
        drawn[..., top : top + inside.shape[2], left : left + inside.shape[3]] = inside.cpu().numpy()
        return drawn

    @property
    def postprocess(self) -> PostprocessSettings:
        """How probabilities become maps: the card's settings; what an older card does not know is off."""
        given = self.card.preprocessing.get("postprocess")
        return PostprocessSettings() if given is None else PostprocessSettings(**(_UNKNOWN_ONCE | given))
