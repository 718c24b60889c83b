"""How sure a cascade is of an outline: by its shape, and by how far each witness agrees."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from drawn_cells import drawn_cascade, drawn_cell

from chromseg.annotations import Sample
from chromseg.evaluation.judging import judge_cutout
from chromseg.inference.cascade import DISPUTED, WITNESSES, CascadePredictor
from chromseg.inference.sureness import MEASURES, Sureness
from chromseg.partition.cluster import NEEDS_REVIEW


def relying_on(cascade: CascadePredictor, witness: str, **limits: Any) -> CascadePredictor:
    """A cascade whose sureness is one witness's agreement: 0.05 where it saw nothing, 0.95 where it saw the same."""
    names = (*MEASURES, *WITNESSES)
    weights = tuple(6.0 if name == witness else 0.0 for name in names)
    usual = (np.log(730), np.log(65), np.log(11), np.log(0.5))  # of a drawn bar
    sureness = Sureness(weights, -3.0, typical=usual, **({"doubtful": 0.5} | limits))
    return replace(cascade, card=replace(cascade.card, preprocessing={"sureness": asdict(sureness)}))


def test_what_the_detector_did_not_see_is_doubted_and_nothing_else() -> None:
    picture, masks = drawn_cell()
    instances = relying_on(drawn_cascade(masks[:3]), "detector").predict(picture).instances
    assert len(instances) == 4
    sure = sorted(instances, key=lambda each: each.probability or 0.0)
    assert sure[0].probability == pytest.approx(0.05, abs=0.01) and NEEDS_REVIEW in sure[0].flags
    assert sure[1].probability is not None and sure[1].probability > 0.9
    assert all(each.flags == () for each in sure[1:])


def test_in_pictures_of_a_stain_that_is_surer_more_is_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, masks = drawn_cell()
    cascade = relying_on(drawn_cascade(masks), "detector", doubtful_in={"q-band": 1.0})
    for stain, count in (("q-band", 4), ("dapi", 0)):
        monkeypatch.setattr("chromseg.inference.cascade.nearest", lambda *_, stain=stain: (stain, 0.5))
        flagged = [NEEDS_REVIEW in each.flags for each in cascade.predict(picture).instances]
        assert flagged.count(True) == count


def test_a_choice_in_dispute_is_flagged_only_where_the_outline_is_doubted() -> None:
    picture, masks = drawn_cell()
    cascade = drawn_cascade(masks[:3])
    cascade = replace(cascade, rule=replace(cascade.rule, doubt=1.0))  # every choice without both witnesses is disputed
    assert [DISPUTED in each.flags for each in cascade.predict(picture).instances].count(True) == 1
    trusting = relying_on(cascade, "partition").predict(picture).instances
    assert len(trusting) == 4 and not any(DISPUTED in each.flags for each in trusting)
    doubting = relying_on(cascade, "detector").predict(picture).instances
    assert [each.flags for each in doubting if each.flags] == [(NEEDS_REVIEW, DISPUTED)]


def test_what_is_small_and_hardly_probable_is_taken_for_debris() -> None:
    picture, masks = drawn_cell()
    cascade = drawn_cascade(masks[[0, 1, 3]])  # of four it is the smallest that the detector did not see
    assert len(relying_on(cascade, "detector").predict(picture).instances) == 4
    assert len(relying_on(cascade, "detector", debris=0.2).predict(picture).instances) == 3
    large = drawn_cascade(masks[1:])
    assert len(relying_on(large, "detector", debris=0.2).predict(picture).instances) == 4, "it is shown, and flagged"


def test_the_measures_of_an_outline_that_both_saw_and_of_one_that_the_maps_alone_did() -> None:
    picture, masks = drawn_cell()
    cascade = drawn_cascade(masks[:3], scores=[0.8] * 3)
    found, _, measures = cascade.measured((255 - picture).astype(np.float32) / 255)
    assert measures.shape == (4, len(MEASURES) + len(WITNESSES))
    partition, detector, believed = measures[:, -3:].T
    assert partition.min() > 0.9
    missed = int(detector.argmin())
    assert detector[missed] == 0 and np.delete(detector, missed).min() > 0.9
    assert believed == pytest.approx(0.8 * detector)
    assert found.masks[missed][120:131, 100:170].mean() > 0.9


def test_a_cluster_alone_is_judged_by_how_it_was_spliced_however_sure_the_cascade_is() -> None:
    picture, masks = drawn_cell()
    image = (255 - picture).astype(np.float32) / 255
    cluster = Sample.from_masks("cross", "drawn/1", "test", "cutout", np.where(image < 0.2, 0, image), masks)
    sure, doubting = drawn_cascade(masks), relying_on(drawn_cascade(masks), "detector", doubtful=1.0)
    assert all(NEEDS_REVIEW in each.flags for each in doubting.predict(picture).instances)
    assert judge_cutout(doubting, cluster).score.splice == judge_cutout(sure, cluster).score.splice > 0.7
    parents = replace(sure, maps=replace(sure.maps, card=doubting.card))
    assert parents.without_sureness().maps.sureness is None
