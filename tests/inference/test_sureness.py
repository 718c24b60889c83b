"""What tells right outlines from wrong ones, and what follows for flags."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from chromseg.arrays import F32, Bool
from chromseg.evaluation.sureness import Outlines, fit_sureness
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.inference.splicing import Splicer
from chromseg.inference.sureness import MEASURES, Sureness, measures_of


def _bars(*boxes: tuple[int, int, int, int], size: int = 120) -> Bool:
    masks = np.zeros((len(boxes), size, size), dtype=bool)
    for mask, (top, bottom, left, right) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True
    return masks


def _maps(masks: Bool, chromosome: float = 0.95) -> F32:
    planes = np.full((3, *masks.shape[1:]), 0.02, dtype=np.float32)
    planes[0][masks.any(axis=0)] = chromosome
    planes[1][masks.sum(axis=0) > 1] = 0.9
    return planes


ALIKE = _bars((10, 50, 10, 20), (10, 50, 30, 40), (10, 50, 50, 60), (60, 100, 10, 20))


def _column(name: str, masks: Bool, maps: F32, confidence: tuple[float, ...] | None = None) -> list[float]:
    absorbance = np.where(masks.any(axis=0), np.float32(0.5), np.float32(0))
    values = measures_of(masks, confidence or (1.0,) * len(masks), maps, absorbance)
    assert values.shape == (len(masks), len(MEASURES)) and np.isfinite(values).all()
    return values[:, MEASURES.index(name)].round(3).tolist()


def test_one_of_twice_the_size_stands_out_by_area_and_length() -> None:
    masks = np.concatenate([ALIKE, _bars((60, 70, 30, 110))])
    assert _column("area", masks, _maps(masks)) == [0, 0, 0, 0, pytest.approx(np.log(2), abs=0.01)]
    assert _column("length", masks, _maps(masks))[-1] == pytest.approx(np.log(2), abs=0.02)
    assert _column("area2", masks, _maps(masks))[-1] == pytest.approx(np.log(2) ** 2, abs=0.02)


def test_a_vague_rim_a_seam_unused_and_a_crossing_unused_are_seen() -> None:
    maps = _maps(ALIKE)
    assert len(set(_column("vague", ALIKE, maps))) == 1
    maps[0][8:52, 6:10] = 0.5
    vague = _column("vague", ALIKE, maps)
    assert vague[0] > 1.5 * max(vague[1:])
    maps[2][28:32, 30:40] = 0.9
    seam = _column("seam", ALIKE, maps)
    assert seam[1] > 0.8 and max(seam[0], *seam[2:]) < 0.1
    maps[1][20:30, 50:60] = 0.8
    knot = _column("knot", ALIKE, maps)
    assert knot[2] > 0.7 and max(knot[0], knot[1], knot[3]) < 0.1


def test_what_lies_beside_and_across_is_seen() -> None:
    masks = np.concatenate([ALIKE, _bars((10, 50, 20, 26), (70, 80, 0, 50))])
    assert _column("beside", masks, _maps(masks))[0] > 0.3 > _column("beside", masks, _maps(masks))[2]
    crossed = _column("crossed", masks, _maps(masks))
    assert crossed[3] == pytest.approx(0.25) and crossed[1] == 0


def test_confidence_and_certainty_are_log_odds_with_an_end() -> None:
    assert _column("confidence", ALIKE, _maps(ALIKE), (0.5, 1.0, 0.0, 0.9))[0] == 0
    assert _column("confidence", ALIKE, _maps(ALIKE), (0.5, 1.0, 0.0, 0.9))[1] == pytest.approx(np.log(49), abs=0.01)
    assert _column("certainty", ALIKE, _maps(ALIKE, 0.5)) == [0, 0, 0, 0]
    assert measures_of(ALIKE[:0], (), _maps(ALIKE), np.zeros((120, 120), np.float32)).shape == (0, len(MEASURES))


def _outlines(rng: np.random.Generator, n: int = 2000) -> Outlines:
    measures = rng.normal(size=(n, len(MEASURES)))
    stains = np.where(np.arange(n) % 4 == 0, "g-band", "q-band")
    right = rng.random(n) < 1 / (1 + np.exp(-(2 * measures[:, 0] - 3 * measures[:, 4] + 1)))
    return Outlines(measures, right, right, stains, np.zeros((3, 4)))


def test_the_fit_finds_the_weights_is_calibrated_and_spares_the_right_of_every_stain() -> None:
    known, fresh = _outlines(np.random.default_rng(0)), _outlines(np.random.default_rng(1), 4000)
    fitted = fit_sureness(known)
    assert fitted.weights[0] == pytest.approx(2, abs=0.5) and fitted.weights[4] == pytest.approx(-3, abs=0.7)
    assert max(abs(weight) for index, weight in enumerate(fitted.weights) if index not in (0, 4)) < 0.3
    probability = fitted.probabilities(fresh.measures)
    for low in (0.0, 0.25, 0.5, 0.75):
        part = (probability >= low) & (probability < low + 0.25)
        assert fresh.right[part].mean() == pytest.approx(probability[part].mean(), abs=0.05)
    for stain in ("g-band", "q-band"):
        own = known.right & (known.stains == stain)
        probabilities = fitted.probabilities(known.measures)[own]
        assert (probabilities < fitted.doubtful).mean() <= 0.13
        assert (probabilities < fitted.doubtful_in[stain]).mean() == pytest.approx(0.12, abs=0.01)
    assert fitted.doubtful == min(fitted.doubtful_in.values()) < max(fitted.doubtful_in.values())


def test_review_goes_by_the_probability_and_other_flags_stay() -> None:
    sureness = Sureness((0.0,) * len(MEASURES), 0.0, 0.6)
    flags = sureness.flagged([("needs-review", "three-at-crossing"), (), ()], np.array([0.9, 0.5, 0.7]))
    assert flags == (("three-at-crossing",), ("needs-review",), ())
    stricter = replace(sureness, doubtful_in={"q-band": 0.8})
    asked = {stain: stricter.flagged([(), ()], np.array([0.5, 0.7]), stain) for stain in ("q-band", "dapi", None)}
    assert [len(asked["q-band"][1]), len(asked["dapi"][1]), len(asked[None][1])] == [1, 0, 0]


def test_splicing_says_how_probable_each_outline_is_and_without_a_fit_says_nothing() -> None:
    absorbance = np.where(ALIKE.any(axis=0), np.float32(0.5), np.float32(0.01))
    plain = Splicer(PostprocessSettings(max_apart=0.0))
    assert plain.splice(absorbance, _maps(ALIKE)).probability == (None,) * 4
    weights = [0.0] * len(MEASURES)
    weights[MEASURES.index("seam")] = -20.0
    own = replace(plain, sureness=Sureness(tuple(weights), 3.0, 0.5))
    maps = _maps(ALIKE)
    maps[2][28:32, 30:40] = 0.9
    found = own.splice(absorbance, maps)
    assert [flags == ("needs-review",) for flags in found.flags] == [False, True, False, False]
    assert found.probability[1] is not None and found.probability[1] < 0.01
    assert found.resized((60, 60)).probability == found.probability
    np.testing.assert_array_equal(found.masks, plain.splice(absorbance, maps).masks)
    assert "needs-review" in found.subset([1]).flags[0] and asdict(own)["sureness"]["bias"] == 3.0


def test_what_is_small_and_improbable_is_debris_and_what_is_large_is_shown() -> None:
    masks = np.concatenate([ALIKE, _bars((95, 101, 60, 66), (70, 80, 30, 119))])  # a speck, and two run together
    absorbance = np.where(masks.any(axis=0), np.float32(0.5), np.float32(0.01))
    weights = [0.0] * len(MEASURES)
    weights[MEASURES.index("area2")] = -10.0
    plain = Splicer(PostprocessSettings(max_apart=0.0, min_chromosome=10, mean=0.5))
    usual = Sureness(tuple(weights), 3.0, 0.5, tuple(np.log([396, 38, 9, 0.5])))
    shown = replace(plain, sureness=usual).splice(absorbance, _maps(masks))
    cleaned = replace(plain, sureness=replace(usual, debris=0.1)).splice(absorbance, _maps(masks))
    assert len(shown.masks) == len(cleaned.masks) + 1
    assert min(mask.sum() for mask in shown.masks) < 40 < min(mask.sum() for mask in cleaned.masks)
    assert max(mask.sum() for mask in cleaned.masks) > 800 and min(p or 0 for p in cleaned.probability) < 0.1


def test_of_what_is_taken_for_debris_no_more_than_an_eighth_is_of_chromosomes() -> None:
    measures = np.random.default_rng(0).normal(size=(4000, len(MEASURES)))
    small = measures[:, MEASURES.index("area")] < 0
    right = measures[:, 0] + 0.3 * np.random.default_rng(1).normal(size=4000) > 0
    known = Outlines(measures, right, right, np.full(4000, "q-band"), np.zeros((3, 4)))
    fitted = fit_sureness(known)
    dropped = np.ones(4000, dtype=bool)
    dropped[fitted.chromosomes(measures, fitted.probabilities(measures))] = False
    assert 0.05 < right[dropped].mean() <= 0.125 and not (dropped & ~small).any()
    assert right[small & ~dropped].mean() > 0.9
    pure = replace(known, near=np.ones(4000, dtype=bool))
    assert fit_sureness(pure).debris == 0
