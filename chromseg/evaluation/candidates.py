"""Outlines, right and wrong ones, that the explanations of a cascade give of a metaphase whose truth is known."""

from __future__ import annotations

import numpy as np

from chromseg.annotations import Sample
from chromseg.arrays import F32, Bool
from chromseg.evaluation.judging import as_coarse_as
from chromseg.inference.cascade import CascadePredictor
from chromseg.inference.outline_views import new_outlines, outline_views
from chromseg.inference.verifying import figures_of
from chromseg.metrics import mask_ious
from chromseg.training.verifier import Candidates


def candidates_of(predictor: CascadePredictor, sample: Sample, stain: str) -> Candidates:
    """Each outline of each explanation once, beside the others of its explanation, with its IoU.

    Args:
        predictor: A cascade; whether it has a verifier does not matter.
        sample: A metaphase with instances.
        stain: Of its picture.
    """
    assert sample.masks is not None
    who, picture, answer, closer = predictor.heard(sample.image)
    debate, seen = who.explanations(picture, *answer), who.seen(picture)
    truth = as_coarse_as(seen.shape, sample, closer).masks
    assert truth is not None
    maps = np.stack([debate.chromosome, debate.crossing])
    views, figures, ious = [], [], []
    known: set[bytes] = set()
    for explanation, beside in zip(debate.explanations, figures_of(debate.explanations), strict=True):
        new, names = new_outlines(explanation.masks, known)
        known.update(names)
        views.append(outline_views(explanation.masks, seen, maps, who.view_width, new))
        figures.append(beside[new])
        ious.append(_best(explanation.masks[new], truth))
    stains = np.full(sum(map(len, ious)), stain)
    return Candidates(np.concatenate(views), np.concatenate(figures), np.concatenate(ious), stains)


def _best(masks: Bool, truth: Bool) -> F32:
    """The IoU of each mask with the chromosome that it shares most with."""
    return np.asarray(mask_ious(masks, truth).max(axis=1, initial=0), dtype=np.float32)
