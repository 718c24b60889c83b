"""ChromSeg: a network draws two maps, crossing-partition splices them into chromosomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from chromseg.annotations.maps import label_regions
from chromseg.arrays import F32, F64, Bool
from chromseg.config import ModelConfig
from chromseg.images.scale import filled_up
from chromseg.images.tone import toned
from chromseg.inference.found import Found
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.inference.predictor import Predictor
from chromseg.inference.prepared import Remainder
from chromseg.inference.splicing import Splicer, SplicingLeft
from chromseg.inference.sureness import Sureness
from chromseg.inference.view import MOST_CHROMOSOMES
from chromseg.models.maps import MapNetwork
from chromseg.partition.cluster import chromosome_width
from chromseg.partition.seams import WITH_CONTACT, SeamWeights

_A_FIELD = 8  # regions from which their width says how large the picture is
_UNKNOWN_ONCE = {"smooth_chromosome": 0.0, "max_apart": 0.0}


@dataclass(frozen=True)
class MapPredictor(Predictor):
    """A loaded network of maps, in evaluation mode, with the settings of its stage 2."""

    network: MapNetwork = field(kw_only=True)

    @property
    def fine(self) -> int:
        """As its network was made."""
        return self.card.architecture.fine if isinstance(self.card.architecture, ModelConfig) else 1

    def solve(self, absorbance: F32, answer: F32, most: int | None = None) -> Found:
        """Splice."""
        return self.splice(absorbance, answer, most=most)

    def found_width(self, absorbance: F32, answer: F32) -> float | None:
        """The median width of the regions of the chromosome map, of whole fields with eight or more."""
        _, maps = self.splicer.decide(self.seen(absorbance), answer)
        labels, count = label_regions(maps.chromosome)
        if count < _A_FIELD:
            return None
        windows = enumerate(ndimage.find_objects(labels), start=1)
        widths = [chromosome_width(np.pad(labels[window] == label, 1)) for label, window in windows]
        return self.fine * float(np.median(widths))

    def begin(self, images: Sequence[F32]) -> list[Remainder]:
        """Run the network, on an accelerator on all at once; splicing is left.

        On a CPU one after another: a batch would save a tenth of the time, and round in the seventh digit differently
        from `find`, so that now and then a pixel would depend on who else sent a picture at that moment.
        """
        splicer = self.splicer
        alone = torch.device(self.device).type == "cpu"
        maps = [self.infer(image) for image in images] if alone else self.infer_batch(np.stack(images))
        looks = (self.second_look(image, own) for image, own in zip(images, maps, strict=True))
        return [
            SplicingLeft(splicer, self.seen(picture), own, MOST_CHROMOSOMES, closer) for picture, own, closer in looks
        ]

    def infer(self, absorbance: F32) -> F32:
        """Run the network: float32 (H, W) → (M, h, w) of chromosome, crossing and, if the model has it, contact.

        (h, w) is (H, W) divided by how much finer than its maps the network sees.
        """
        return np.asarray(self.infer_batch(absorbance[None])[0])

    @torch.inference_mode()
    def infer_batch(self, images: F32) -> F32:
        """The same for pictures of one size: float32 (B, H, W) → (B, M, h, w)."""
        images = np.stack([filled_up(toned(image, self.tone), self.fine) for image in images])
        x = torch.from_numpy(images)[:, None].to(self.device, memory_format=torch.channels_last)
        probabilities = self._probabilities(x)
        if self.half_turn:
            probabilities = (probabilities + self._probabilities(x.flip(2, 3)).flip(2, 3)) / 2
        return np.asarray(probabilities.cpu().numpy())

    def conclude(self, absorbance: F32, answer: F32) -> tuple[Found, Found]:
        """What splicing gives; nothing is held back."""
        found = self.splice(absorbance, answer)
        return found, found

    def measured(self, absorbance: F32) -> tuple[Found, F32, F64]:
        """What is found, the picture in which, as coarse as the masks, and the measures by which sureness is fitted."""
        picture, answer, _ = self.second_look(absorbance, self.infer(absorbance))
        seen = self.seen(picture)
        found, measures = self.splicer.measured(seen, answer)
        return found, seen, measures

    def splice(
        self,
        absorbance: F32,
        probabilities: F32,
        seams: Bool | None = None,
        most: int | None = None,
    ) -> Found:
        """Stage 2 on what `infer` found in `absorbance`, with the card's settings; arguments as of `Splicer.splice`."""
        return self.splicer.splice(self.seen(absorbance), probabilities, seams, most)

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

    def _probabilities(self, x: Tensor) -> Tensor:
        maps = [logits for logits in self.network(x) if logits is not None]
        return torch.sigmoid(torch.cat(maps, dim=1)).float()

    @property
    def half_turn(self) -> bool:
        """Whether probabilities are the mean of the picture's and those of the picture turned by 180°.

        A chromosome has no upper side, the network's errors do: on 24 validation metaphases the mean raised the share
        found at IoU ≥ 0.8 from 0.826 to 0.844. Three more orientations added nothing to that.
        """
        return bool(self.card.preprocessing.get("half_turn", False))

    @property
    def postprocess(self) -> PostprocessSettings:
        """How probabilities become maps: the card's settings; what an older card does not know is off."""
        given = self.card.preprocessing.get("postprocess")
        return PostprocessSettings() if given is None else PostprocessSettings(**(_UNKNOWN_ONCE | given))
