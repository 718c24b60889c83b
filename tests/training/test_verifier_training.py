"""A verifier learns what is wrong with an outline by looking at it."""

from __future__ import annotations

import numpy as np
import torch

from chromseg.inference.verifying import OutlineVerifier
from chromseg.models.verifier import FIGURES, PLANES, SIZE
from chromseg.training.candidates import Candidates
from chromseg.training.verifier import train_verifier


def outlines(count: int, seed: int) -> Candidates:
    """Bars on bars, which are right, and bars on a picture of two, which are wrong; figures say nothing."""
    draw = np.random.default_rng(seed)
    views = draw.integers(0, 30, (count, PLANES, *SIZE)).astype(np.uint8)
    right = np.arange(count) % 2 == 0
    views[:, [0, 1, 3], 20:76, 20:29] += 200
    views[~right, :2, 20:76, 29:38] += 200  # the other half of what the picture shows
    figures = draw.normal(size=(count, FIGURES)).astype(np.float32)
    ious = np.where(right, 0.95, 0.4).astype(np.float32)
    return Candidates(views, figures, ious, views[:, 1], np.full(count, "q-band"))


def test_it_tells_an_outline_that_leaves_half_out_from_a_whole_one() -> None:
    torch.set_num_threads(1)
    verifier = OutlineVerifier(train_verifier(outlines(400, seed=0)))
    unseen = outlines(40, seed=1)
    judged = verifier.judge(unseen.views, unseen.figures)
    assert judged.shape == (40, 2)
    assert (judged[::2].min(axis=0) > judged[1::2].max(axis=0) + 0.05).all(), "more probably right, and of a higher IoU"


def test_the_same_seed_gives_the_same_verifier() -> None:
    torch.set_num_threads(1)
    lessons = outlines(64, seed=0)
    one, two = (train_verifier(lessons, seed=3).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_stain_with_few_outlines_is_not_drowned() -> None:
    lessons = outlines(500, seed=0)
    lessons.stains[:400] = "g-band"
    often = lessons.how_often
    assert np.isclose(often.sum(), 1) and np.isclose(often[:400].sum(), 2 * often[400:].sum())
