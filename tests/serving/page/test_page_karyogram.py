"""The karyogram in the page: named, placed, changed with keys and by dragging, kept with corrections, taken along."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn_cells import threshold_predictor
from page_driver import Page
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from serving_app import running_server

from chromseg.config import KaryotypeConfig
from chromseg.models import build_model
from chromseg.models.package import ModelCard, save_model


@pytest.fixture(scope="module")
def naming_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server whose names are guesses, and where it keeps corrections."""
    folder = tmp_path_factory.mktemp("naming")
    torch.manual_seed(0)
    config = KaryotypeConfig("karyotype", width=4, blocks=1)
    save_model(folder / "names", build_model(config), ModelCard("names", config))
    with running_server(
        threshold_predictor(), karyotype=str(folder / "names"), corrections=str(folder / "kept"), rate=0
    ) as url:
        yield url, folder / "kept"


@pytest.fixture
def placed(browser: webdriver.Chrome, naming_server: tuple[str, Path], pictures: Any) -> Iterator[Page]:
    """The page with the karyogram of the drawn cell open."""
    found = Page(browser, naming_server[0])
    found.open()
    found.choose(pictures.cell)
    found.js("document.getElementById('karyogram-open').click()")
    found.wait(lambda: places(found), "no karyogram")
    yield found
    found.close()
    assert found.complaints() == []


def places(page: Page) -> dict[int, str]:
    """The place of each chromosome of the picture."""
    script = """return [...document.querySelectorAll('#karyogram-rows button')].map(
        (one) => [parseInt(one.querySelector('.sign').innerText), one.closest('.place').dataset.name])"""
    return {int(number): name for number, name in page.js(script)}


def strip(page: Page, number: int) -> Any:
    return page.js(
        """return [...document.querySelectorAll('#karyogram-rows button')].find(
        (one) => parseInt(one.querySelector('.sign').innerText) === arguments[0])""",
        number,
    )


def settled(page: Page, number: int, name: str) -> None:
    page.wait(lambda: places(page).get(number) == name, f"chromosome {number} is not in place {name}")


def test_every_chromosome_has_a_place_and_there_are_all_places(placed: Page) -> None:
    assert sorted(places(placed)) == [1, 2, 3, 4, 5, 6, 7]
    assert len(placed.all("#karyogram-rows .place")) == 24
    assert placed.text("#karyogram-count").startswith("7,")
    assert "not a diagnosis" in placed.text("#karyogram-dialog")


def test_keys_move_turn_and_confirm_and_undo_takes_it_back(placed: Page) -> None:
    before = places(placed)
    order = placed.js("return [...document.querySelectorAll('#karyogram-rows .place')].map((one) => one.dataset.name)")
    after = order[(order.index(before[2]) + 1) % 24]
    placed.js("arguments[0].focus()", strip(placed, 2))
    ActionChains(placed.browser).send_keys("+").perform()
    settled(placed, 2, after)
    assert "✓" in strip(placed, 2).text
    placed.js("arguments[0].focus()", strip(placed, 2))
    turned = placed.js("return arguments[0].querySelector('img').className", strip(placed, 2))
    ActionChains(placed.browser).send_keys("t").perform()
    placed.wait(
        lambda: placed.js("return arguments[0].querySelector('img').className", strip(placed, 2)) != turned,
        "it was not turned",
    )
    for _ in range(2):
        placed.js("document.getElementById('karyogram-undo').click()")
    placed.wait(lambda: places(placed) == before, "it was not undone")


def test_a_chromosome_is_dragged_to_another_place(placed: Page) -> None:
    target = next(name for name in ("2", "9", "21") if name not in places(placed).values())
    script = """const [from, to] = arguments; const data = new DataTransfer();
        for (const [kind, at] of [['dragstart', from], ['dragover', to], ['drop', to]])
            at.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data}));"""
    placed.js(script, strip(placed, 1), placed.one(f'.place[data-name="{target}"]'))
    settled(placed, 1, target)


def test_what_a_person_placed_is_saved_with_the_correction(placed: Page, naming_server: tuple[str, Path]) -> None:
    placed.js("arguments[0].focus()", strip(placed, 3))
    own = places(placed)[3]
    ActionChains(placed.browser).send_keys("a").perform()
    placed.wait(lambda: "✓" in strip(placed, 3).text, "it was not confirmed")
    ActionChains(placed.browser).send_keys(Keys.ESCAPE).perform()
    placed.js("document.getElementById('reviewer').value = 'Ada'; document.querySelector('#save-form button').click()")
    placed.wait(lambda: placed.text("#save-note").startswith("Saved"), "nothing was saved")
    (kept,) = (naming_server[1] / "corrected").glob("*.json")
    annotations = json.loads(kept.read_text())["annotations"]
    assert [one.get("chromosome") for one in annotations] == [None, None, own, None, None, None, None]


def test_files_are_made_of_it(placed: Page) -> None:
    script = """window.taken = []; const click = HTMLAnchorElement.prototype.click;
        HTMLAnchorElement.prototype.click = function () { window.taken.push(this.download); };"""
    placed.js(script)
    for format in ("png", "pdf", "json"):
        placed.js("document.querySelector(`#karyogram-files [data-format=${arguments[0]}]`).click()", format)
    wanted = {f"cell 7-karyogram.{format}" for format in ("png", "pdf", "json")}
    placed.wait(lambda: set(placed.js("return window.taken")) == wanted, "not all files were made")
