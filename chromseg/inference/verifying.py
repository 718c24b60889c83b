"""What a verifier says of outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit, logit

from chromseg.arrays import F32, F64, U8, Bool
from chromseg.inference.found import Found, Verdict
from chromseg.inference.outline_views import batches, new_outlines, outline_views
from chromseg.metrics import mask_ious
from chromseg.models.verifier import Verifier

_AT_ONCE = 64  # views: what the network holds of so many is 40 MB
_LEAST = 0.002  # scores are taken no closer to 0 and 1


@dataclass(frozen=True)
class OutlineVerifier:
    """A loaded verifier.

    Attributes:
        network: In evaluation mode.
        device: Where it is.
    """

    network: Verifier
    device: str = "cpu"

    def look(
        self, explanations: Sequence[Bool], figures: Sequence[F32], absorbance: F32, maps: F32, width: float
    ) -> list[tuple[Verdict, ...]]:
        """What it says of each outline of each explanation.

        Args:
            explanations: bool (N, H, W) each. An outline that several give is seen once, in the first.
            figures: Of each, as of `figures_of`.
            absorbance: As of `outline_views`.
            maps: Likewise.
            width: Likewise.
        """
        known: dict[bytes, Verdict] = {}
        answers = []
        for masks, own in zip(explanations, figures, strict=True):
            new, names = new_outlines(masks, set(known))
            seen = self.judge(outline_views(masks, absorbance, maps, width, new), own[new])
            known |= {names[index]: Verdict(*each) for index, each in zip(new, seen.tolist(), strict=True)}
            answers.append(tuple(known[name] for name in names))
        return answers

    @torch.inference_mode()
    def judge(self, views: U8, figures: F32) -> F64:
        """Verdicts float64 (N, 2) on views uint8 (N, PLANES, *SIZE), each seen upright and turned by 180°.

        An outline has no upper end.
        """
        logits = [np.zeros((0, len(Verdict._fields)))]
        for part, upright in batches(views, _AT_ONCE, self.device):
            beside = torch.from_numpy(figures[part]).to(self.device)
            both = [torch.stack(self.network(seen, beside), dim=1) for seen in (upright, upright.flip(2, 3))]
            logits.append(torch.stack(both).mean(dim=0).double().cpu().numpy())
        return np.asarray(expit(np.concatenate(logits)))


def figures_of(explanations: Sequence[Found]) -> list[F32]:
    """What a view of an outline does not show, float32 (N, FIGURES) for each explanation of a picture.

    Log-odds of its score, its area beside the median of the explanation (natural logarithm), how far the first two
    explanations, those of the witnesses, have it too (IoU), and that of the second by its score.
    """
    first, second = explanations[:2]
    tables = []
    for each in explanations:
        scores, areas = np.array(each.scores, dtype=np.float64).clip(_LEAST, 1 - _LEAST), each.masks.sum(axis=(1, 2))
        ious = [mask_ious(each.masks, witness.masks) for witness in (first, second)]
        believed = ious[1] * np.array(second.scores)
        columns = (
            logit(scores),
            np.log(np.maximum(areas, 1) / max(float(np.median(areas)) if len(areas) else 1.0, 1.0)),
            *(table.max(axis=1, initial=0.0) for table in (*ious, believed)),
        )
        tables.append(np.stack(columns, axis=1).astype(np.float32))
    return tables
