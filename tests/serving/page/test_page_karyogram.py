"""The karyogram in the page: named, placed, changed with keys and by dragging, kept with corrections, taken along."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn_cells import threshold_predictor
from page_driver import Page, clean_page
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from serving_app import running_server
from test_page_access import look_everywhere
from test_page_documents import reopen, save, saved

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
    """The page with the karyogram of the drawn cell open, of which the server keeps nothing yet."""
    shutil.rmtree(naming_server[1], ignore_errors=True)
    with clean_page(browser, naming_server[0]) as found:
        found.choose(pictures.cell)
        found.js("document.getElementById('karyogram-open').click()")
        found.wait(lambda: places(found), "no karyogram")
        yield found


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


def test_axe_finds_nothing_and_nothing_is_cut_off(placed: Page) -> None:
    press(placed, 2, "a")
    placed.wait(lambda: "✓" in strip(placed, 2).text, "it was not confirmed")
    look_everywhere(placed)
    lines = """return [...document.querySelectorAll('#karyogram-rows .row')].map(
        (row) => new Set([...row.querySelectorAll('.place p')].map((one) => one.getBoundingClientRect().top)).size)"""
    assert placed.js(lines) == [1, 1, 1, 1], "the names of a row stand in one line"
    placed.size(1280, 500)
    for number in places(placed):
        placed.js("arguments[0].focus()", strip(placed, number))
        free = """const box = arguments[0].getBoundingClientRect();
            const [form] = document.querySelectorAll('#karyogram-dialog form');
            return box.bottom <= form.getBoundingClientRect().top"""
        assert placed.js(free, strip(placed, number)), f"chromosome {number} has the focus below the buttons"


def order(page: Page) -> list[str]:
    """All places, in reading order."""
    return list(
        page.js("return [...document.querySelectorAll('#karyogram-rows .place')].map((one) => one.dataset.name)")
    )


def press(page: Page, number: int, *keys: str) -> None:
    """Keys on a chromosome, of which the next comes before the server has answered about the first."""
    script = """for (const key of arguments[1]) {
        arguments[0].dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }"""
    page.js(script, strip(page, number), keys)


def turned(page: Page, number: int) -> bool:
    return bool(page.js("return arguments[0].querySelector('img.turned') !== null", strip(page, number)))


def test_keys_that_come_before_the_answer_all_count(placed: Page) -> None:
    before, way, names = places(placed), turned(placed, 3), order(placed)
    press(placed, 2, "+", "+", "+")
    settled(placed, 2, names[(names.index(before[2]) + 3) % 24])
    press(placed, 3, "t", "t", "t")
    placed.wait(lambda: turned(placed, 3) != way, "it was not turned")
    assert placed.js("return document.getElementById('karyogram-dialog').ariaBusy") == "false"
    for _ in range(6):
        placed.one("#karyogram-undo").click()
    placed.wait(lambda: places(placed) == before and turned(placed, 3) == way, "it was not undone")


NUMBERED = """[...document.querySelectorAll('#karyogram-rows button')].find(
    (one) => parseInt(one.querySelector('.sign').innerText) === arguments[0])"""


def tap(page: Page, number: int) -> None:
    page.js(f"{NUMBERED}.click()", number)


def tapped(page: Page, number: int) -> bool:
    return bool(page.js(f"return {NUMBERED}.ariaPressed === 'true'", number))


def test_a_finger_taps_a_chromosome_and_then_its_place(placed: Page) -> None:
    before = places(placed)
    target = next(name for name in order(placed) if name != before[2])
    tap(placed, 2)
    assert tapped(placed, 2)
    tap(placed, 2)
    assert not tapped(placed, 2), "put down where it was"
    placed.hold_back("v1/karyogram")
    press(placed, 3, "a")
    tap(placed, 2)
    placed.let_go()
    placed.wait(lambda: confirmed(placed) == [3], "what was done before is not shown")
    assert tapped(placed, 2), "an answer that comes meanwhile takes nothing out of the hand"
    there = "document.querySelector(`#karyogram-rows .place[data-name='${arguments[0]}'] p`).click()"
    placed.js(f"{there}; {there}", target)
    settled(placed, 2, target)
    assert not any(tapped(placed, number) for number in places(placed))
    placed.one("#karyogram-undo").click()
    placed.wait(lambda: places(placed)[2] != target, "tapped twice, it was put there twice")


def test_an_answer_that_is_overtaken_or_comes_after_closing_changes_nothing(placed: Page) -> None:
    before = places(placed)
    placed.hold_back("v1/karyogram")
    press(placed, 2, "+")
    placed.one("#karyogram-undo").click()
    placed.let_go()
    assert places(placed) == before
    placed.js("window.fetch = () => new Promise((_, reject) => (window.lose = () => reject(new TypeError('lost'))))")
    press(placed, 2, "+")
    placed.js("document.getElementById('karyogram-dialog').close()")
    placed.js("window.lose()")
    assert not placed.js("return document.getElementById('problem-dialog').open")


def test_what_is_done_is_told_where_a_person_is(placed: Page) -> None:
    press(placed, 2, "a")
    placed.heard("Put chromosome 2 into place")
    assert placed.seen("said")
    assert placed.js("return document.getElementById('said').closest('dialog')?.id") == "karyogram-dialog", "not inert"
    ActionChains(placed.browser).send_keys(Keys.ESCAPE).perform()
    placed.act("delete")
    placed.heard("Deleted chromosome")
    assert placed.seen("said")


def test_places_are_not_saved_over_those_of_another_unasked(
    placed: Page, naming_server: tuple[str, Path], pictures: Any
) -> None:
    """The second has what the model says before them, not what the first has saved."""
    place_and_save(placed, 2, "Grace Tester")
    saved(placed)
    reopen(placed, pictures.cell)
    place_and_save(placed, 3, "Ada Tester")
    placed.wait(lambda: bool(placed.js("return document.getElementById('conflict-dialog').open")), "not asked")
    assert "Saved by Grace Tester on" in placed.text("#conflict-dialog")
    assert kept_places(naming_server[1]).keys() == {2}
    placed.one("#conflict-dialog [value=theirs]").click()
    placed.heard("Opened the correction by Grace Tester")
    placed.js("document.getElementById('karyogram-open').click()")
    placed.wait(lambda: confirmed(placed) == [2], "theirs is not shown")
    placed.one("#karyogram-undo").click()
    placed.wait(lambda: confirmed(placed) == [3], "mine is lost")


def place_and_save(page: Page, number: int, reviewer: str) -> None:
    """Confirm the place of a chromosome, close the karyogram, and save."""
    page.js("document.getElementById('karyogram-dialog').open || document.getElementById('karyogram-open').click()")
    page.wait(lambda: bool(places(page)), "no karyogram")
    press(page, number, "a")
    page.wait(lambda: "✓" in strip(page, number).text, "it was not confirmed")
    page.js("document.getElementById('karyogram-dialog').close()")
    save(page, reviewer)


def confirmed(page: Page) -> list[int]:
    """The chromosomes that a person has placed, counted anew in each result."""
    script = """return [...document.querySelectorAll('#karyogram-rows button')]
        .filter((one) => one.innerText.includes('✓')).map((one) => Number(one.dataset.number))"""
    return list(page.js(script))


def kept_places(folder: Path) -> dict[int, str]:
    """What people have said of places, by number, as the server keeps it."""
    (kept,) = (folder / "corrected").glob("*.json")
    annotations = json.loads(kept.read_text(encoding="utf-8"))["annotations"]
    return {one["id"]: one["chromosome"] for one in annotations if "chromosome" in one}


def test_keys_move_turn_and_confirm_and_undo_takes_it_back(placed: Page) -> None:
    before, names = places(placed), order(placed)
    placed.js("arguments[0].focus()", strip(placed, 2))
    placed.keys("+")
    settled(placed, 2, names[(names.index(before[2]) + 1) % 24])
    assert "✓" in strip(placed, 2).text
    assert placed.focused().startswith("Chromosome 2 "), "the focus goes with it"
    way = turned(placed, 2)
    placed.keys("t")
    placed.wait(lambda: turned(placed, 2) != way, "it was not turned")
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
    assert kept_places(naming_server[1]) == {3: own}


def test_files_are_made_of_it(placed: Page) -> None:
    script = """window.taken = []; const click = HTMLAnchorElement.prototype.click;
        HTMLAnchorElement.prototype.click = function () { window.taken.push(this.download); };"""
    placed.js(script)
    for format in ("png", "pdf", "json"):
        placed.js("document.querySelector(`#karyogram-files [data-format=${arguments[0]}]`).click()", format)
    wanted = {f"cell 7-karyogram.{format}" for format in ("png", "pdf", "json")}
    placed.wait(lambda: set(placed.js("return window.taken")) == wanted, "not all files were made")
