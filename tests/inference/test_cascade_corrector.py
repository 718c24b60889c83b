"""A cascade that draws anew what it has chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from drawn_cells import drawn_cascade, drawn_cell
from torch import Tensor
from torch.nn.functional import max_pool2d

from chromseg.inference.cascade import CascadePredictor
from chromseg.inference.choice import Debate
from chromseg.inference.correcting import OutlineCorrector
from chromseg.inference.exports import to_coco
from chromseg.inference.result import Result
from chromseg.inference.verifying import OutlineVerifier
from chromseg.metrics import mask_ious
from chromseg.models.corrector import Corrector
from chromseg.models.verifier import OUTLINE, SIZE, Verifier

PICTURE, MASKS = drawn_cell()
ABSORBANCE = (255 - PICTURE).astype(np.float32) / 255


class Wider(Corrector):
    """Draws two pixels of a view more all around."""

    def forward(self, views: Tensor) -> Tensor:
        return 20 * (max_pool2d(views[:, OUTLINE], 5, stride=1, padding=2) - 0.5)


class Shorter(Corrector):
    """Leaves out what lies far up or down."""

    def forward(self, views: Tensor) -> Tensor:
        drawn = views[:, OUTLINE].clone()
        far = (drawn.amax(dim=2) > 0.5).sum(dim=1) // 3
        for each, reach in zip(drawn, far, strict=True):
            each[: SIZE[0] // 2 - int(reach)] = each[SIZE[0] // 2 + int(reach) :] = 0
        return 20 * (drawn - 0.5)


def correcting(network: Corrector | None = None) -> CascadePredictor:
    cascade = drawn_cascade(MASKS)
    maps = replace(cascade.maps, card=replace(cascade.maps.card, preprocessing={"scaled": True}))
    return replace(cascade, maps=maps, corrector=OutlineCorrector((network or Wider()).eval()))


def test_what_is_chosen_is_drawn_anew() -> None:
    plain, corrected = drawn_cascade(MASKS).find(ABSORBANCE), correcting().find(ABSORBANCE)
    assert len(corrected.masks) == len(plain.masks) == 4
    shares = mask_ious(corrected.masks, plain.masks).max(axis=1)
    assert (shares > 0.5).all() and (shares < 0.9).all()
    first = [mask.argmax() for mask in corrected.masks]
    assert first == sorted(first), "in reading order again"


def test_the_measures_of_sureness_are_those_of_the_outlines_handed_out() -> None:
    found, _, measures = correcting().measured(ABSORBANCE)
    assert np.array_equal(found.masks, correcting().find(ABSORBANCE).masks)
    assert not np.allclose(measures, drawn_cascade(MASKS).measured(ABSORBANCE)[2][:, : measures.shape[1]])


def test_an_end_that_nobody_else_claims_stays() -> None:
    """The corrector cuts a third off each; what is left of the map belongs to nobody else."""
    plain, corrected = drawn_cascade(MASKS).find(ABSORBANCE), correcting(Shorter()).find(ABSORBANCE)
    assert mask_ious(corrected.masks, plain.masks).max(axis=1).min() > 0.95


class Believing(Verifier):
    """Expects the same of every outline, whatever it is."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, views: Tensor, figures: Tensor) -> tuple[Tensor, Tensor]:
        logits = torch.full((len(views),), self.logit)
        return logits - 5, logits


def test_a_chromosome_of_the_map_that_no_explanation_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is not handed out, whatever a verifier believes."""
    explain = CascadePredictor.explanations

    def without_the_last(self: CascadePredictor, *asked: Any) -> Debate:
        debate = explain(self, *asked)
        kept = [each.subset(list(range(len(each.masks) - 1))) for each in debate.explanations]
        return replace(debate, explanations=kept)

    def rules_broken_by(result: Result) -> set[str]:
        return {failure["rule"] for failure in result.validation["result"]["failures"]}

    cascade = replace(correcting(), verifier=OutlineVerifier(Believing(2.0).eval()))
    whole = cascade.predict(PICTURE)
    assert len(whole.instances) == 4 and whole.unclaimed == () and "nothing-unclaimed" not in rules_broken_by(whole)
    monkeypatch.setattr(CascadePredictor, "explanations", without_the_last)
    result = cascade.predict(PICTURE)
    (piece,) = result.unclaimed or ()
    assert len(result.instances) == 3 and mask_ious(piece.mask[None], MASKS).max() > 0.8
    assert "nothing-unclaimed" in rules_broken_by(result)


def test_of_a_model_without_a_map_nobody_says_that_nothing_is_left_over() -> None:
    result = drawn_cascade(MASKS).detector.predict(PICTURE)
    assert len(result.instances) == 4 and result.unclaimed is None and to_coco(result)["unclaimed"] is None
    (check,) = (check for check in result.validation["result"]["checks"] if check["rule"] == "nothing-unclaimed")
    assert check["n_checked"] == 0


def test_what_a_verifier_is_sure_of_is_not_drawn_anew() -> None:
    sure = replace(correcting(), verifier=OutlineVerifier(Believing(10.0).eval()))
    np.testing.assert_array_equal(sure.find(ABSORBANCE).masks, drawn_cascade(MASKS).find(ABSORBANCE).masks)


def test_a_picture_without_chromosomes_has_nothing_to_draw() -> None:
    cascade = replace(correcting(), detector=drawn_cascade(np.zeros((0, *MASKS.shape[1:]), bool)).detector)
    assert len(cascade.find(np.zeros_like(ABSORBANCE)).masks) == 0
