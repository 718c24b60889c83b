"""Outlines, right and wrong ones, that the explanations of a cascade give of a metaphase whose truth is known."""

from __future__ import annotations

import numpy as np

from chromseg.annotations import Sample
from chromseg.evaluation.judging import as_coarse_as
from chromseg.inference.cascade import CascadePredictor
from chromseg.inference.outline_views import laid_as, new_outlines, outline_views
from chromseg.inference.verifying import figures_of
from chromseg.metrics import mask_ious
from chromseg.training.candidates import Candidates


def candidates_of(predictor: CascadePredictor, sample: Sample, stain: str) -> Candidates:
    """Each outline of each explanation once, beside the others of its explanation, with the chromosome nearest to it.

    Args:
        predictor: A cascade; whether it has a verifier does not matter.
        sample: A metaphase with instances.
        stain: Of its picture.
    """
    assert sample.masks is not None
    who, picture, answer, closer = predictor.heard(sample.image)
    debate, seen = who.explanations(picture, answer), who.seen(picture)
    masks = as_coarse_as(seen.shape, sample, closer).masks
    assert masks is not None
    truth = np.concatenate([np.zeros((1, *seen.shape), dtype=bool), masks])  # the first: no chromosome
    views, figures, ious, truths = [], [], [], []
    known: set[bytes] = set()
    for explanation, beside in zip(debate.explanations, figures_of(debate.explanations), strict=True):
        new, names = new_outlines(explanation.masks, known)
        known.update(names)
        views.append(outline_views(explanation.masks, seen, debate.maps, who.view_width, new))
        figures.append(beside[new])
        shared = mask_ious(explanation.masks[new], truth)
        ious.append(shared.max(axis=1, initial=0).astype(np.float32))
        truths.append(laid_as(explanation.masks[new], truth[shared.argmax(axis=1)], who.view_width))
    return Candidates(
        np.concatenate(views),
        np.concatenate(figures),
        np.concatenate(ious),
        np.concatenate(truths),
        np.full(sum(map(len, ious)), stain),
    )
