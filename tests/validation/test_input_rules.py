"""The input rules: good pages pass, every defect fires its rule alone, nothing raises but the refusal."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from drawn_dataset import SIDE
from input_corpus import BAD, GOOD, Drawn, blur, chromosomes, enlarged

from chromseg.errors import InputRefusedError
from chromseg.validation import ImageLimits, InputCheck, check_facts, check_input, image_facts, unreadable_facts
from chromseg.validation.rules import image_rules


@pytest.mark.parametrize("name", GOOD)
def test_good_pages_pass(name: str) -> None:
    page = GOOD[name]()
    report = check_input(page.grey, page.rgb, page.bit_depth)
    assert report.failures == ()
    assert report.ok


@pytest.mark.parametrize(("rule", "number"), [(rule, k) for rule, pages in BAD.items() for k in range(len(pages))])
def test_each_defect_fires_its_rule_alone(rule: str, number: int) -> None:
    page = BAD[rule][number]()
    report = check_input(page.grey, page.rgb, page.bit_depth, name="cell.png")
    (failure,) = report.failures
    assert (failure.rule, failure.file) == (rule, "cell.png")
    assert report.ok == (rule in {"sharp", "focused"})


def test_large_pages_are_refused_by_their_size() -> None:
    huge = np.broadcast_to(np.uint8(0), (20_000, 20_000))  # takes no memory
    limits = ImageLimits(max_megapixels=0.005)
    (failure,) = check_input(chromosomes(), limits=limits).failures
    assert (failure.rule, failure.value) == ("not-too-large", 0.009216)
    assert {f.rule for f in check_input(huge).failures} == {"not-too-large"}


def test_unreadable_files_have_their_reason_as_value() -> None:
    (failure,) = check_facts([unreadable_facts("a.png", "truncated")], "a.png").failures
    assert (failure.rule, failure.value) == ("readable", "truncated")


def test_little_ground_is_told() -> None:
    (failure,) = check_input(chromosomes(), limits=ImageLimits(soft_foreground=0.05)).failures
    assert (failure.rule, failure.severity) == ("shows-ground", "warning")


def test_every_rule_has_its_plant() -> None:
    elsewhere = {"not-too-large", "readable", "shows-ground"}
    assert {rule.name for rule in image_rules(ImageLimits())} == BAD.keys() | elsewhere


def test_refusal_has_every_reason_and_remedy() -> None:
    with pytest.raises(InputRefusedError) as refusal:
        InputCheck(ImageLimits(depths=(16,), max_clipped=-1))(Drawn(chromosomes()), "cell.png")
    text = str(refusal.value)
    assert text.startswith("cell.png: ")
    for word in ("depth-allowed", "not-saturated", "bit_depth 8", "expose less", "save it with 8 or 16 bits"):
        assert word in text


def test_check_returns_warnings() -> None:
    report = InputCheck()(Drawn(blur(enlarged(4), 8)), "cell.png")
    assert [failure.rule for failure in report.warnings] == ["focused"]


@pytest.mark.parametrize(("times", "rule"), [(1, "sharp"), (2, "in-focus"), (4, "in-focus")])
def test_focus_is_judged_against_the_width_of_the_chromosomes(times: int, rule: str) -> None:
    """More than half a width of blur is told at every magnification, a tenth at none: no scaling takes it away.

    Where chromosomes are 9 px wide it is a warning, since real pictures have edges as wide.
    """
    width = 9 * times
    told = check_input(blur(enlarged(times), width / 2 + 1))
    assert [failure.rule for failure in told.failures] == [rule]
    assert check_input(blur(enlarged(times), width / 10)).failures == ()


def test_a_large_page_is_judged_like_a_small_one() -> None:
    """It is made smaller before it is measured."""
    page = np.pad(np.kron(chromosomes(), np.ones((20, 20), np.uint8)), 100, mode="edge")
    small, large = image_facts(chromosomes()), image_facts(page)
    assert large["megapixels"] > 4
    assert large["contrast"] == pytest.approx(small["contrast"], rel=0.2)
    assert (large["polarity"], large["n_objects"]) == (small["polarity"], small["n_objects"])


@pytest.mark.parametrize("sides", [(1, 5000), (12, 12), (13, 40), (64, 13), (2, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.bool_])
def test_any_shape_and_type_gives_a_report(sides: tuple[int, int], dtype: type) -> None:
    values = np.random.default_rng(0).integers(0, 2, sides).astype(dtype)
    assert check_input(values, np.zeros((*sides, 3), np.uint8)).n_checked == 1


def test_input_is_left_as_it_was() -> None:
    page = chromosomes()
    before = page.copy()
    check_input(page)
    np.testing.assert_array_equal(page, before)


def test_light_path_loads_neither_great_expectations_nor_pandas() -> None:
    code = (
        "import sys, numpy, chromseg.validation as v\n"
        f"v.check_input(numpy.zeros(({SIDE}, {SIDE}), 'uint8'))\n"
        "assert not {'great_expectations', 'pandas', 'torch', 'mlflow'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
