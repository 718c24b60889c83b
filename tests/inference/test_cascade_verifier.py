"""A cascade that looks at every outline before it chooses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_cells import drawn_cascade, drawn_cell
from torch import Tensor

from chromseg.annotations import Sample
from chromseg.evaluation.candidates import candidates_of
from chromseg.inference.cascade import WITNESSES, CascadePredictor
from chromseg.inference.choice import worth
from chromseg.inference.found import Verdict
from chromseg.inference.sureness import MEASURES
from chromseg.inference.verifying import OutlineVerifier, figures_of
from chromseg.metrics import mask_ious
from chromseg.models.verifier import FIGURES, OUTLINE, PLANES, SIZE, Verifier

PICTURE, MASKS = drawn_cell()
ABSORBANCE = (255 - PICTURE).astype(np.float32) / 255
FUSED = np.concatenate([(MASKS[0] | MASKS[1])[None], MASKS[2:]])


class Slim(Verifier):
    """Holds for right what is slim: its outline takes less than a seventh of the view. Or the other way round."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, views: Tensor, figures: Tensor) -> tuple[Tensor, Tensor]:
        share = views[:, 3].mean(dim=(1, 2))
        logits = self.sign * 200 * (0.15 - share)
        return logits, logits / 2


def verifying(told: np.ndarray, sign: float, weight: float = 20.0) -> CascadePredictor:
    cascade = drawn_cascade(told)
    maps = replace(cascade.maps, card=replace(cascade.maps.card, preprocessing={"scaled": True}))
    return replace(
        cascade, maps=maps, rule=replace(cascade.rule, verified=weight), verifier=OutlineVerifier(Slim(sign).eval())
    )


def test_the_explanation_wins_whose_outlines_are_held_for_right() -> None:
    """The detector takes the cross for one chromosome, the maps for two: the verifier decides."""
    for sign, count in ((1.0, 4), (-1.0, 3)):
        found = verifying(FUSED, sign).find(ABSORBANCE)
        assert len(found.masks) == count
    assert len(verifying(FUSED, -1.0, weight=0.0).find(ABSORBANCE).masks) == 4, "without a weight it has no say"


def test_what_it_says_is_a_measure_of_how_sure_the_cascade_is() -> None:
    cascade = verifying(MASKS, 1.0)
    found, _, measures = cascade.measured(ABSORBANCE)
    assert measures.shape == (4, len(MEASURES) + len(WITNESSES) + 1)
    right = np.array([verdict.right for verdict in found.verdicts if verdict is not None])
    assert len(right) == 4 and right.min() > 0.5
    sure = right.clip(0.002, 0.998)
    assert measures[:, -1] == pytest.approx(np.log(sure / (1 - sure)), abs=1e-6)
    found, _, measures = drawn_cascade(MASKS).measured(ABSORBANCE)
    assert measures.shape == (4, len(MEASURES) + len(WITNESSES)) and found.verdicts == (None,) * 4


def test_figures_say_who_saw_the_same() -> None:
    """The detector missed the last of four."""
    cascade = drawn_cascade(MASKS[:3], scores=[0.8] * 3)
    debate = cascade.explanations(ABSORBANCE, cascade.infer(ABSORBANCE))
    by_maps, detected, _ = figures_of(debate.explanations)
    assert by_maps.shape == (4, FIGURES) and detected.shape == (3, FIGURES)
    missed = int(mask_ious(debate.explanations[0].masks, MASKS[3:]).argmax())
    assert by_maps[:, 2] == pytest.approx(1) and by_maps[missed, 3] == by_maps[missed, 4] == 0
    assert np.delete(by_maps[:, 3], missed).min() > 0.9
    assert by_maps[:, 4] == pytest.approx(0.8 * by_maps[:, 3])
    assert detected[:, 0] == pytest.approx(np.log(0.8 / 0.2), abs=1e-5)


def test_an_outline_is_worth_what_it_has_more_than_half_of_a_chromosome() -> None:
    whole, half, none = (Verdict(right=0.3, iou=iou) for iou in (1.0, 0.5, 0.0))
    assert worth([whole, whole]) == 2 and worth([none]) == -1 and worth([half]) == 0
    assert worth([]) == worth([None, None]) == 0


def test_candidates_are_all_outlines_once_with_their_iou() -> None:
    cascade = verifying(FUSED, 1.0)
    sample = Sample.from_masks("cell", "drawn/1", "train", "metaphase", ABSORBANCE, MASKS)
    found = candidates_of(cascade, sample, "q-band")
    assert found.views.shape[1:] == (PLANES, *SIZE) and found.figures.shape[1:] == (FIGURES,)
    assert set(found.stains) == {"q-band"} and len(found.ious) == len(found.views) < 10
    wrong = found.ious < 0.8
    assert wrong.sum() == 1 and found.ious[wrong] == pytest.approx(0.5, abs=0.1), "the cross as one chromosome"
    outlines, truths = found.views[:, OUTLINE] > 127, found.truths > 127
    assert np.diag(mask_ious(outlines, truths)) == pytest.approx(found.ious, abs=0.05)


def test_a_picture_without_chromosomes_has_no_outlines_to_look_at() -> None:
    empty = np.zeros_like(ABSORBANCE)
    assert len(verifying(np.zeros((0, *MASKS.shape[1:]), bool), 1.0).find(empty).masks) == 0
