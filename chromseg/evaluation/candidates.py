"""Outlines, right and wrong ones, that the explanations of a cascade give of a metaphase whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chromseg.annotations import Sample
from chromseg.arrays import F32, Bool
from chromseg.evaluation.judging import as_coarse_as
from chromseg.inference.cascade import CascadePredictor
from chromseg.inference.choice import PARTITION, Debate
from chromseg.inference.outline_views import laid_as, new_outlines, outline_views
from chromseg.inference.unclaimed import with_unclaimed
from chromseg.inference.verifying import figures_of
from chromseg.metrics import mask_ious
from chromseg.training.candidates import Candidates


def candidates_of(predictor: CascadePredictor, sample: Sample, stain: str) -> Candidates:
    """Each outline of each explanation once, beside the others of its explanation, with the chromosome nearest to it.

    And the pieces of the map that an explanation leaves over: chromosomes, parts of them, debris.

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
    for outlines, beside in _outlines(debate):
        new, names = new_outlines(outlines, known)
        known.update(names)
        views.append(outline_views(outlines, seen, debate.maps, who.view_width, new))
        figures.append(beside[new])
        shared = mask_ious(outlines[new], truth)
        ious.append(shared.max(axis=1, initial=0).astype(np.float32))
        truths.append(laid_as(outlines[new], truth[shared.argmax(axis=1)], who.view_width))
    return Candidates(
        np.concatenate(views),
        np.concatenate(figures),
        np.concatenate(ious),
        np.concatenate(truths),
        np.full(sum(map(len, ious)), stain),
    )


def _outlines(debate: Debate) -> Iterator[tuple[Bool, F32]]:
    """The outlines of each explanation, and again with the pieces that it leaves over, with the figures of each."""
    maps = debate.explanations[PARTITION].maps
    for explanation, figures in zip(debate.explanations, figures_of(debate.explanations), strict=True):
        yield explanation.masks, figures
        every = with_unclaimed(replace(explanation, maps=maps), debate.chromosome)
        yield every.masks, figures_of([*debate.explanations[:2], every])[-1]
