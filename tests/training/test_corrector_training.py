"""A corrector learns what an outline lacks by looking at it."""

from __future__ import annotations

import numpy as np
import torch

from chromseg.inference.correcting import OutlineCorrector
from chromseg.metrics import mask_ious
from chromseg.models.verifier import FIGURES, OUTLINE, PLANES, SIZE
from chromseg.training.candidates import Candidates
from chromseg.training.corrector import train_corrector


def outlines(count: int, seed: int, *, meant: float = 0.6) -> Candidates:
    """Bars of which the outline lacks one side; the picture shows all of them."""
    draw = np.random.default_rng(seed)
    views = draw.integers(0, 30, (count, PLANES, *SIZE)).astype(np.uint8)
    truths = np.zeros((count, *SIZE), dtype=np.uint8)
    truths[:, 20:76, 20:29] = 255
    views[:, :2, 20:76, 20:29] += 200
    views[:, OUTLINE] = 0
    for view, side in zip(views, draw.integers(0, 2, count), strict=True):
        view[OUTLINE, 20:76, 20 + 4 * side : 25 + 4 * side] = 255
    ious = np.full(count, meant, dtype=np.float32)
    return Candidates(views, np.zeros((count, FIGURES), np.float32), ious, truths, np.full(count, "q-band"))


def test_it_draws_what_an_outline_lacks() -> None:
    torch.set_num_threads(1)
    corrector = OutlineCorrector(train_corrector(outlines(400, seed=0)))
    unseen = outlines(20, seed=1)
    drawn, truths = corrector.draw(unseen.views) > 127, unseen.truths > 127
    assert np.diag(mask_ious(unseen.views[:, OUTLINE] > 127, truths)).max() < 0.6
    assert np.diag(mask_ious(drawn, truths)).min() > 0.7


def test_an_outline_that_means_no_chromosome_teaches_nothing() -> None:
    """Half of them say that the outline is to vanish, and mean nothing."""
    torch.set_num_threads(1)
    right, wrong = outlines(64, seed=0), outlines(64, seed=1, meant=0.2)
    wrong.truths[:] = 0
    one, two = (train_corrector(each, seed=3).state_dict() for each in (right, Candidates.joined([right, wrong])))
    assert all(torch.equal(one[name], two[name]) for name in one), "and the same seed gives the same corrector"
