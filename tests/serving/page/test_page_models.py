"""Which model cuts, chosen in words, and what it was not measured on."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drawn_cells import threshold_predictor
from page_driver import Page, clean_page
from selenium import webdriver
from selenium.webdriver.support.ui import Select
from serving_app import MemorySource, running_server
from test_page_access import too_wide, violations

import chromseg
from chromseg.inference.predictor import Predictor

STAIN = "test/slice/stain/"
CERTAIN = {
    f"{STAIN}g-band/n_images": 622,
    f"{STAIN}g-band/n_metaphases": 94,
    f"{STAIN}g-band/recovered_80": 0.687,
    f"{STAIN}q-band/n_images": 27,
}


def known(name: str, metrics: dict[str, Any]) -> Predictor:
    certain = threshold_predictor()
    identity = replace(certain.identity, name=name, weights_sha256=name[0] * 64)
    return replace(certain, card=replace(certain.card, name=name, metrics=metrics), identity=identity)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of two models, and the folder where it keeps corrections."""
    chosen = {"model": "models:/chromseg@champion", "also": ("models:/cascade/1",)}
    folder = tmp_path_factory.mktemp("kept")
    others = [MemorySource(known("cascade", {}))]
    with running_server(known("chromseg", CERTAIN), others=others, rate=0, corrections=str(folder), **chosen) as url:
        yield url


@pytest.fixture
def choosing(browser: webdriver.Chrome, two: str) -> Iterator[Page]:
    with clean_page(browser, two) as page:
        yield page


def model_of(page: Page) -> Select:
    return Select(page.one("#options [name=model]"))


def test_a_model_is_chosen_in_words(choosing: Page, pictures: Any) -> None:
    assert choosing.text("#cut-by") == "Cut by chromseg, version 1; “Reading options” has others."
    choosing.one("#start [data-opens=options-dialog]").click()
    offered = [option.text for option in model_of(choosing).options]
    assert offered == ["chromseg, version 1: for G-band and Q-band", "cascade, version 1: not measured"]
    assert choosing.text("#model-said").startswith("Measured on G-band (69 % of chromosomes right, in 94 metaphases)")
    assert violations(choosing) == []
    model_of(choosing).select_by_index(1)
    assert choosing.text("#model-said").startswith("This model has not been measured on anything")
    choosing.one("#options button").click()
    assert choosing.text("#cut-by").startswith("Cut by cascade, version 1;")
    choosing.choose(pictures.cell)
    assert choosing.text("#model-name") == "cascade, version 1"
    assert not choosing.shown("model-served")
    assert choosing.one("#model-card").get_attribute("href").endswith("/v1/model/card?model=cascade%2F1")


def test_the_same_picture_is_cut_again_by_another(choosing: Page, pictures: Any) -> None:
    choosing.choose(pictures.cell)
    assert choosing.text("#model-name") == "chromseg, version 1"
    assert "not been measured" not in choosing.text("#measured")
    choosing.one("#work .title-row [data-opens=options-dialog]").click()
    model_of(choosing).select_by_index(1)
    choosing.one("#cut-again").click()
    choosing.wait(lambda: choosing.text("#model-name") == "cascade, version 1", "not cut by the other")
    choosing.wait(lambda: "has not been measured on anything" in choosing.text("#measured"), "not told")


def test_each_result_in_the_list_tells_of_its_own_model(choosing: Page, pictures: Any, tmp_path: Path) -> None:
    second = tmp_path / "second.png"
    second.write_bytes(pictures.cell.read_bytes() + b" ")
    choosing.choose(pictures.cell)
    choosing.js("document.querySelector('#options [name=model]').selectedIndex = 1")
    choosing.give(second)
    choosing.heard("second.png: 7 chromosomes found")
    assert choosing.text("#model-name") == "cascade, version 1"
    choosing.keys(",")
    choosing.wait(lambda: choosing.text("#model-name") == "chromseg, version 1", "the first is by the first")
    assert not choosing.shown("model-served")


def test_what_the_model_was_not_measured_on_stands_above_the_result(choosing: Page, pictures: Any) -> None:
    choosing.choose(pictures.cell)
    told = "Measured on G-band (69 % of chromosomes right, in 94 metaphases) and Q-band"
    assert choosing.text("#measured").startswith(told)
    assert "Not measured on R-band, DAPI or any other stain." in choosing.text("#measured")
    assert "warns" not in choosing.one("#measured-card").get_attribute("class")
    stain = Select(choosing.one("[name=stain]"))
    stain.select_by_visible_text("DAPI")
    assert choosing.text("#measured").startswith("Not measured on DAPI: nobody knows how well this model cuts it.")
    assert "warns" in choosing.one("#measured-card").get_attribute("class")
    choosing.heard("Not measured on DAPI")
    assert violations(choosing) == []
    choosing.size(400)
    assert too_wide(choosing) == 0
    stain.select_by_visible_text("G-band")
    assert choosing.text("#measured") == "Measured on G-band: 69 % of chromosomes right, in 94 metaphases."
    above = "document.getElementById('measured-card').getBoundingClientRect().bottom"
    assert choosing.js(f"return {above} <= document.getElementById('stage').getBoundingClientRect().top")


def test_the_stain_is_saved_with_the_correction(choosing: Page, pictures: Any) -> None:
    choosing.choose(pictures.cell)
    Select(choosing.one("[name=stain]")).select_by_visible_text("Q-band")
    choosing.one("#reviewer").send_keys("Ada Tester")
    choosing.one("#save-form button").click()
    choosing.wait(lambda: choosing.text("#save-note").startswith("Saved at"), "not saved")
    key = hashlib.sha256(pictures.cell.read_bytes()).hexdigest()[:16]
    script = "return (await (await fetch(given[0])).json()).info.stain"
    assert choosing.module(script, f"/v1/corrections/{key}") == "q-band"


def test_one_model_asks_nothing(page: Page, pictures: Any) -> None:
    assert not page.shown("cut-by")
    page.one("#start [data-opens=options-dialog]").click()
    assert not page.shown("model-choice")
    page.one("#options button").click()
    asked = "window.asked = []; const real = fetch; window.fetch = (...given) => (asked.push(given[0]), real(...given))"
    page.js(asked)
    page.choose(pictures.cell)
    (cut,) = [path for path in page.js("return window.asked") if path.startswith("v1/segment")]
    assert "model=" not in cut


@pytest.mark.parametrize(
    ("measured", "stain", "said"),
    [
        ({}, "", "This model has not been measured on anything: look at every chromosome."),
        ({"q-band": (None, 27, None)}, "q-band", "Measured on Q-band: on 27 crossings cut out, not on whole pictures."),
        ({"q-band": (None, None, 0.5)}, "q-band", "Measured on Q-band: 50 % of chromosomes right."),
        (
            {"synthetic": (10, 4, 0.9), "dapi": (8, 6, 0.654)},
            "",
            "Measured on DAPI (65 % of chromosomes right, in 8 metaphases) and "
            "drawn pictures (90 % of chromosomes right, in 10 metaphases). "
            "Not measured on G-band, Q-band, R-band or any other stain.",
        ),
    ],
)
def test_what_was_measured_is_said_in_words(opened: Page, measured: dict[str, Any], stain: str, said: str) -> None:
    names = ("metaphases", "cut_outs", "recovered")
    given = {key: dict(zip(names, values, strict=True)) for key, values in measured.items()}
    script = "const {measuredSaid} = await load('base/measured'); return measuredSaid(given[0], given[1])"
    answer = opened.module(script, given, stain)
    assert answer == {"said": said, "warns": not measured}


AT_START = {"shard", "batch", "preflight", "listening", "supervisor", "keys", "names", "schemas", "predictor"}
NOT_TO_A_PERSON = "import |curl "  # of datasets, and to programs that send no picture


def option_texts() -> list[str]:
    """All that the code may say to a client of the server and that names an option of the command line."""
    folders = ("images", "validation", "inference", "partition", "serving")
    files = [file for folder in folders for file in (Path(chromseg.__file__).parent / folder).rglob("*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files if file.stem not in AT_START]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    said = [text for call in calls for text in [*call.args, *[word.value for word in call.keywords]]]
    found = [node.value for text in said for node in ast.walk(text) if isinstance(node, ast.Constant)]
    named = {text for text in found if isinstance(text, str) and re.search(r"(?<!\S)\(?--[a-z]", text)}
    return sorted(text for text in named if not re.search(NOT_TO_A_PERSON, text))


def test_no_option_of_the_command_line_is_named_to_a_person(opened: Page) -> None:
    texts = option_texts()
    assert len(texts) > 8
    script = "const {inWords} = await load('base/words'); return given[0].map(inWords)"
    told = opened.module(script, texts)
    assert [text for text in told if "--" in text] == []
    html = (Path(chromseg.__file__).parent / "serving" / "page" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"(?<![!<-])--[a-z][a-z-]+", html) == []
