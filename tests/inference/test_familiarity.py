"""Whether a picture looks like those that a model was trained on."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from drawn_cells import threshold_predictor

from chromseg.arrays import F32, F64, Bool
from chromseg.errors import InputRefusedError, ModelError
from chromseg.evaluation.looks import fit_looks
from chromseg.inference.familiarity import MEASURES, StainLook, clearly, look_of, nearest
from chromseg.inference.found import Found
from chromseg.inference.prepared import Prepared
from chromseg.inference.result import ModelIdentity
from chromseg.inference.view import View
from chromseg.validation.limits import ResultLimits
from chromseg.validation.rules import FAMILIAR


def _picture(rng: np.random.Generator, *, bands: float = 0.1, halo: float = 0.0, number: int = 12) -> tuple[F32, Bool]:
    masks = np.zeros((number, 160, 200), dtype=bool)
    for index, mask in enumerate(masks):
        row, col = 10 + 50 * (index // 6), 10 + 30 * (index % 6)
        mask[row : row + int(rng.integers(30, 42)), col : col + 10] = True
    found = masks.any(axis=0)
    striped = 0.5 + bands * np.sin(np.arange(160) / 2)[:, None]
    image = np.where(found, striped, 0.02) + rng.normal(0, 0.01, found.shape)
    if halo:
        for shift in (1, -1):
            image = np.where(np.roll(found, shift, axis=1) & ~found, halo, image)
    return np.clip(image, 0, 1).astype(np.float32), masks


def _look(rng: np.random.Generator, **kind: float) -> F64:
    image, masks = _picture(rng, **kind)  # type: ignore[arg-type]
    look = look_of(image, masks, (0.9,) * len(masks))
    assert look is not None and look.shape == (len(MEASURES),) and np.isfinite(look).all()
    return look


@pytest.fixture(scope="module")
def looks() -> dict[str, StainLook]:
    rng = np.random.default_rng(0)
    known = {
        "dapi": [_look(rng, bands=rng.uniform(0.03, 0.05)) for _ in range(40)],
        "g-band": [_look(rng, bands=rng.uniform(0.2, 0.24)) for _ in range(40)],
    }
    return fit_looks(known)


@pytest.mark.parametrize(
    ("own", "other", "stain"), [(0.5, 0.8, "dapi"), (0.5, 0.7, None), (1.1, 3.0, None), (0.0, 0.2, "dapi")]
)
def test_a_picture_is_clearly_of_a_stain_where_the_other_is_half_as_far_again(
    own: float, other: float, stain: str | None
) -> None:
    unit = tuple(map(tuple, np.eye(len(MEASURES))))
    centres = (own, *(0.0,) * (len(MEASURES) - 1)), (0.0, other, *(0.0,) * (len(MEASURES) - 2))
    known = {name: StainLook(centre, unit, 1.0) for name, centre in zip(("dapi", "g-band"), centres, strict=True)}
    assert clearly(known, np.zeros(len(MEASURES))) == stain
    assert clearly(known, None) is None and clearly({}, np.zeros(len(MEASURES))) is None


def test_a_fresh_picture_of_a_known_stain_is_familiar_and_is_told_from_the_other(looks: dict[str, StainLook]) -> None:
    rng = np.random.default_rng(1)
    for stain, bands in (("dapi", 0.04), ("g-band", 0.22)):
        told = [nearest(looks, _look(rng, bands=bands)) for _ in range(20)]
        assert {each[0] for each in told if each} == {stain}
        assert sum(each[1] > 1 for each in told if each) <= 1


@pytest.mark.parametrize("kind", [{"bands": 0.4}, {"halo": 0.3}, {"bands": 0.12}])
def test_a_picture_of_another_kind_is_strange(looks: dict[str, StainLook], kind: dict[str, float]) -> None:
    told = nearest(looks, _look(np.random.default_rng(2), **kind))
    assert told is not None and told[1] > 1.5


def test_where_too_little_is_known_nothing_is_said(looks: dict[str, StainLook]) -> None:
    image, masks = _picture(np.random.default_rng(0), number=4)
    assert look_of(image, masks, (0.9,) * 4) is None
    assert nearest(looks, None) is None and nearest({}, np.zeros(len(MEASURES))) is None
    assert fit_looks({"few": [np.zeros(len(MEASURES))] * 5}) == {}


def test_a_look_survives_its_card(looks: dict[str, StainLook]) -> None:
    for look in looks.values():
        assert StainLook.of_json(asdict(look)) == look


def _prepared(image: F32, looks: dict[str, StainLook]) -> Prepared:
    return Prepared(
        view=View("light-on-dark", image, 1.0),
        scaled=image,
        validation={},
        image_sha256="0",
        page=0,
        name="the image",
        model=ModelIdentity("m", None, None, {}, None, {}, "0"),
        looks=looks,
    )


def test_a_strange_picture_is_warned_of_in_words(looks: dict[str, StainLook]) -> None:
    rng = np.random.default_rng(3)
    for kind, strange in (({"bands": 0.04}, False), ({"halo": 0.3}, True)):
        image, masks = _picture(rng, **kind)  # type: ignore[arg-type]
        found = Found(masks, (0.9,) * len(masks), ((),) * len(masks), (None,) * len(masks))
        failures = _prepared(image, looks).result(found).validation["result"]["failures"]
        own = [failure for failure in failures if failure["rule"] == FAMILIAR]
        assert bool(own) == strange
        if own:
            assert own[0]["severity"] == "warning" and own[0]["value"] > ResultLimits().most_strange
            assert "(nearest: dapi)" in own[0]["meaning"] or "(nearest: g-band)" in own[0]["meaning"]
        silent = replace(_prepared(image, looks), looks={}).result(found).validation["result"]
        assert FAMILIAR not in {check["rule"] for check in silent["checks"]}


def test_strict_refuses_it_and_lets_the_familiar_pass(looks: dict[str, StainLook]) -> None:
    rng = np.random.default_rng(4)
    image, masks = _picture(rng, halo=0.3)
    found = Found(masks, (0.9,) * len(masks), ((),) * len(masks), (None,) * len(masks))
    with pytest.raises(InputRefusedError, match="familiar"):
        replace(_prepared(image, looks), strict=True).result(found)
    image, masks = _picture(rng, bands=0.04)
    assert replace(_prepared(image, looks), strict=True).result(replace(found, masks=masks)).instances


def test_a_model_that_does_not_know_what_it_has_seen_cannot_be_strict() -> None:
    with pytest.raises(ModelError, match="does not say how the pictures look"):
        threshold_predictor().predict(np.zeros((64, 64), np.uint8), strict=True)


def test_a_whole_field_without_chromosomes_is_strange_and_a_cut_out_is_not(looks: dict[str, StainLook]) -> None:
    image, masks = _picture(np.random.default_rng(5), number=2)
    found = Found(masks, (0.9,) * 2, ((),) * 2, (None,) * 2)
    for picture, strange in ((image, True), (np.where(masks.any(axis=0), image, np.float32(0)), False)):
        result = _prepared(picture, looks).result(found).validation["result"]
        assert (FAMILIAR in {failure["rule"] for failure in result["failures"]}) == strange


def test_reversed_bands_are_strange_by_their_skew_and_their_tips() -> None:
    rng = np.random.default_rng(6)

    def banded(sign: int) -> F64:
        image, masks = _picture(rng, bands=0.0)
        found = masks.any(axis=0)
        narrow = np.maximum(np.sin(np.arange(160) / 2), 0.6)[:, None] - 0.6
        image = np.where(found, image + np.float32(sign) * narrow.astype(np.float32), image)
        look = look_of(image, masks, (0.9,) * len(masks))
        assert look is not None
        return look

    own = fit_looks({"g-band": [banded(1) for _ in range(40)]})
    same, other = nearest(own, banded(1)), nearest(own, banded(-1))
    assert same is not None and other is not None and same[1] < 1.2 < 3 < other[1]
    skew = MEASURES.index("skew")
    assert banded(1)[skew] > 0 > banded(-1)[skew]
