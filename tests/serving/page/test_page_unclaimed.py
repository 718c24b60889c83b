"""Pieces that may be chromosomes and belong to none: framed, listed, taken; gone once chromosomes cover them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from overlooking import overlooking_predictor
from page_driver import CUT, Page, clean_page
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from serving_app import cell_file, running_server
from test_page_access import look_everywhere
from test_page_documents import kept_as_draft
from test_page_list import states

from chromseg.serving import routes

TAKE = "Take it as a chromosome"
# outlines of two thirds of the smaller one, a bar of 11 × 60 px from (40, 120)
UPPER, MIDDLE = [(36, 116), (55, 116), (55, 140), (36, 140)], [(36, 140), (55, 140), (55, 160), (36, 160)]


@pytest.fixture(scope="module")
def overlooking(corrections: Path) -> Iterator[str]:
    """The address of a server whose model overlooks two chromosomes."""
    with running_server(overlooking_predictor(), corrections=str(corrections), rate=0) as url:
        yield url


@pytest.fixture
def page(browser: webdriver.Chrome, overlooking: str) -> Iterator[Page]:
    with clean_page(browser, overlooking) as found:
        yield found


def frames(page: Page) -> list[list[int]]:
    """The frames around pieces in the picture: x, y, width, height, rounded."""
    sides = "['x', 'y', 'width', 'height'].map((side) => Math.round(frame.getAttribute(side)))"
    return list(page.js(f"return [...document.querySelectorAll('#marks .unclaimed')].map((frame) => {sides})"))


def buttons(page: Page) -> list[str]:
    """What stands under "Look here"."""
    return [" ".join(button.text.split()) for button in page.all("#look-here button")]


def take(page: Page, which: int = 0) -> None:
    page.all("#look-here [aria-describedby]")[which].click()


def test_a_piece_is_framed_and_listed(cell: Page) -> None:
    cell.heard("cell 7.png: 5 chromosomes found, 5 to look at.")
    assert frames(cell) == [[98, 118, 74, 15], [38, 118, 15, 64]], "the larger first"
    style = "const {stroke, strokeDasharray} = getComputedStyle(document.querySelector('#marks .unclaimed'));"
    assert cell.js(f"{style} return [stroke, strokeDasharray === 'none']") == ["rgb(213, 94, 0)", False]
    pieces = [[f"A piece of {size} px that belongs to no chromosome", TAKE] for size in (770, 660)]
    assert buttons(cell)[3:] == [*pieces[0], *pieces[1]]
    assert cell.text("#look-count") == "5"


def test_a_piece_is_taken_by_a_click_and_given_back_by_undo(cell: Page) -> None:
    take(cell, 1)
    cell.heard("Took a piece as chromosome 6.")
    assert cell.labels()[6] == "Chromosome 6, 660 pixels, added by hand"
    assert cell.selected() == [6]
    assert cell.focused().startswith("Chromosome 6"), "where the keys work"
    assert (len(frames(cell)), cell.text("#look-count"), cell.text("#count")) == (1, "4", "6")
    cell.act("undo")
    cell.heard("Undone: took a piece as chromosome 6.")
    assert (len(frames(cell)), cell.text("#look-count"), cell.text("#count")) == (2, "5", "5")
    cell.act("redo")
    assert (len(frames(cell)), cell.text("#count")) == (1, "6")


def test_what_is_half_covered_by_chromosomes_is_no_piece_any_more(cell: Page) -> None:
    before = frames(cell)
    for outline, left in ((UPPER, 2), (MIDDLE, 1)):  # a third is too little
        cell.act("add")
        cell.drag(*outline)
        cell.wait(lambda left=left: len(frames(cell)) == left, f"not {left} frames")
    assert TAKE in buttons(cell)
    cell.keys("r")
    cell.heard("Rejected chromosome 7.")
    assert len(frames(cell)) == 1, "what is no chromosome is settled too"
    for _ in range(3):
        cell.act("undo")
    assert frames(cell) == before


def test_next_goes_to_pieces_too_and_enter_takes_them(cell: Page) -> None:
    cell.keys("f", "f", "f")
    assert cell.selected() == [5], "the last one that is flagged"
    ring = "return document.querySelector('#marks .ring').getAttribute('d')"
    seen = set()
    for _ in range(2):
        cell.keys("f")
        assert (cell.selected(), cell.focused()) == ([], TAKE)
        seen.add(cell.js(ring))
    assert len(seen) == 2
    cell.keys("f")
    assert cell.selected() == [3], "round the end"
    cell.keys("f", "f", "f", Keys.ENTER)
    cell.heard("Took a piece as chromosome 6.")
    cell.keys("f", Keys.ENTER)
    cell.heard("Took a piece as chromosome 7.")
    assert frames(cell) == []
    cell.keys("3", "g", "g", "g")
    assert cell.text("#look-none") == "Nothing is left to look at."


def test_good_goes_on_to_a_piece(cell: Page) -> None:
    cell.keys("f", "g", "g", "g")
    cell.wait(lambda: cell.focused() == TAKE, "the piece is not gone to")
    cell.keys(Keys.ESCAPE)
    cell.wait(lambda: cell.focused().startswith("Chromosome 5"), "not back in the picture")


def test_a_piece_that_is_chosen_in_the_list_comes_before_the_eye(cell: Page) -> None:
    cell.pick(1)
    cell.act("look")
    cell.act("larger")
    cell.act("larger")
    view = cell.one("#stage").rect

    def place() -> float:
        """How far down the view the smaller piece begins; 1 is its lower border."""
        return float((cell.all("#marks .unclaimed")[1].rect["y"] - view["y"]) / view["height"])

    assert place() > 1
    next(button for button in cell.all("#look-here button") if "660 px" in button.text).click()
    assert cell.selected() == []
    assert cell.one("#look-here [aria-current=true]").text.startswith("A piece of 660 px")
    assert place() < 1
    cell.act("look")
    assert 0 < place() < 0.5, "zoomed to"


def test_on_a_telephone_what_is_chosen_in_the_list_scrolls_up_to_the_picture(cell: Page) -> None:
    cell.size(390, 844)
    for selector in ("#look-here [data-id]", "#piece-0"):
        cell.js("document.querySelector(arguments[0]).scrollIntoView({block: 'start'})", selector)
        assert not cell.seen("stage")
        cell.one(selector).click()
        cell.wait(lambda: cell.seen("stage"), "the picture stays outside the window")


def test_a_right_count_is_no_all_clear_while_a_piece_is_left(
    page: Page, pictures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "EXPECTED_COUNT", 5)
    page.open()
    page.choose(pictures.cell)
    page.keys("f", "g", "g", "g")
    assert page.text("#count-said") == "As many as expected, but 2 still to be looked at."
    assert "off" in page.one("#count-card").get_attribute("class").split()


def test_a_picture_with_a_piece_is_doubtful_until_it_is_corrected(page: Page, tmp_path: Path) -> None:
    page.give(cell_file(tmp_path), cell_file(tmp_path, "other.png"))
    page.wait(lambda: states(page) == {"cell.png": "doubtful", "other.png": "doubtful"}, "not doubtful")
    assert [buttons(page)[at] for at in (1, 3)] == [TAKE] * 2, "pieces are all that there is to look at"
    page.js("URL.createObjectURL = (blob) => { blob.text().then((text) => (window.handed = text)); return '' }")
    page.one("#all-counts").click()
    page.wait(lambda: bool(page.js("return window.handed")), "not handed out")
    assert [row["to look at"] for row in csv.DictReader(page.js("return window.handed").splitlines())] == ["2", "2"]
    take(page)
    assert states(page)["cell.png"] == "corrected"
    page.keys(".")
    page.wait(lambda: page.text("#file-name") == "other.png", "not the next")
    assert len(frames(page)) == 2
    page.keys(",")
    page.wait(lambda: page.text("#file-name") == "cell.png", "not the one before")
    assert len(frames(page)) == 1, "as it was put aside"


def test_what_was_taken_is_taken_in_a_draft_too(cell: Page) -> None:
    take(cell)
    kept_as_draft(cell)
    cell.one("#left button").click()
    cell.wait(lambda: bool(cell.js(CUT)) and cell.text("#count") == "6", "not taken up")
    assert len(frames(cell)) == 1
    cell.act("undo")
    assert len(frames(cell)) == 2


def test_an_answer_without_pieces_has_none(page: Page, pictures: Any) -> None:
    page.js(
        """const real = window.fetch;
        window.fetch = async (url, given) => {
            const response = await real(url, given);
            if (!String(url).startsWith("v1/segment")) return response;
            const { unclaimed, ...answer } = await response.json();
            return Response.json(answer);
        }"""
    )
    page.choose(pictures.cell)
    assert (frames(page), page.text("#look-count")) == ([], "3")
    page.pick(1)
    page.act("delete")
    assert page.text("#count") == "4"


def test_axe_finds_nothing_beside_pieces(cell: Page) -> None:
    look_everywhere(cell)
    cell.keys("f", "f", "f", "f")
    assert cell.focused() == TAKE
    look_everywhere(cell)
