"""Axes through a tangle, brush and eraser, small ones, accept and go on; keys as soon as the picture is there."""

from __future__ import annotations

import pytest
from page_driver import Page
from selenium.webdriver.common.keys import Keys

BAR, UPRIGHT, SHARED = 11 * 80, 11 * 70, 11 * 11  # px of chromosomes 1 and 2, and of their crossing
STAR = (140, 162)  # where chromosomes 5, 6 and 7 meet


def near(size: int, share: float = 0.05) -> object:
    return pytest.approx(size, rel=share)


def test_one_axis_parts_two_that_cross(cell: Page) -> None:
    cell.pick(1, 2)
    cell.act("join")
    assert cell.sizes()[1] == near(BAR + UPRIGHT - SHARED, 0.01)
    cell.act("axes")
    cell.drag((22, 36), (60, 34), (98, 35))
    cell.heard("Made chromosomes 1 and 8 of chromosome 1.")
    assert sorted([cell.sizes()[1], cell.sizes()[8]]) == [near(UPRIGHT), near(BAR)]
    assert "crosses 8" in cell.labels()[1]
    cell.keys(Keys.ENTER)
    cell.heard("Done with the axes.")
    cell.act("undo")
    assert 8 not in cell.labels()


def test_another_axis_in_the_same_tangle_is_one_step_with_the_first(cell: Page) -> None:
    before = cell.sizes()
    cell.keys("x")
    cell.drag((22, 35), (98, 35))
    cell.heard("Made chromosomes 1 and 2 of chromosomes 1 and 2.")
    cell.drag((55, 12), (56, 45), (55, 78))
    cell.wait(lambda: len(cell.all("#pen-earlier polyline")) == 2, "the axes are not shown")
    assert cell.sizes() == {number: near(size) for number, size in before.items()}
    cell.drag((45, 122), (45, 178))  # elsewhere: another step
    cell.heard("Made chromosome 3 of chromosome 3.")
    assert len(cell.all("#pen-earlier polyline")) == 1
    cell.keys(Keys.ENTER)
    cell.act("undo")
    cell.act("undo")
    assert cell.one("[data-action=undo]").get_attribute("aria-disabled") == "true"


def test_an_axis_along_all_of_it_joins_pieces(cell: Page) -> None:
    cell.pick(3)
    cell.act("split")
    cell.drag((34, 150), (57, 150))
    cell.heard("Split chromosome 3")
    cell.js("document.getElementById('stage').focus()")
    cell.keys(Keys.ESCAPE, "x")
    cell.drag((45, 122), (45, 178))
    cell.heard("Made chromosome 3 of chromosomes 3 and 8.")
    assert cell.sizes()[3] == 11 * 60


def test_an_axis_by_clicks_and_one_by_keyboard(cell: Page) -> None:
    cell.keys("x")
    cell.click(45, 122)
    cell.click(45, 178)
    cell.keys(Keys.ENTER)
    cell.heard("Made chromosome 3")
    cell.keys(*[Keys.ARROW_UP] * 2, Keys.ENTER, *[Keys.ARROW_UP] * 8, Keys.ENTER, Keys.ENTER)
    cell.wait(lambda: len(cell.all("#pen-earlier polyline")) == 2, "not drawn")
    cell.keys(Keys.ESCAPE)
    cell.heard("Done with the axes.")


def test_an_axis_beside_everything_is_explained(cell: Page) -> None:
    cell.act("axes")
    cell.drag((150, 20), (190, 20))
    cell.heard("The axis runs through no chromosome")


def test_an_axis_that_the_server_refuses_changes_nothing(cell: Page) -> None:
    before = cell.sizes()
    cell.pick(3)
    cell.act("axes")
    cell.js("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
    cell.drag((45, 122), (45, 178))
    cell.wait(lambda: cell.text("#problem-dialog").startswith("No connection"), "not told")
    assert cell.sizes() == before


def test_brush_and_eraser_go_on_until_they_are_ended(cell: Page) -> None:
    cell.js("document.getElementById('brush').value = 10")
    cell.pick(3)
    cell.act("brush")
    cell.drag((45, 178), (45, 190))
    cell.heard("Added to chromosome 3.")
    grown = cell.sizes()[3]
    assert grown == near(11 * 60 + 10 * 12, 0.08)
    cell.click(60, 150)
    assert cell.sizes()[3] == near(grown + 75, 0.02), "a click is a dot"
    cell.keys(Keys.ENTER)
    cell.heard("Done with chromosome 3.")
    cell.act("erase")
    cell.drag((30, 125), (60, 125))
    cell.heard("Took from chromosome 3.")
    cell.keys(Keys.ESCAPE)
    assert cell.sizes()[3] < grown
    cell.act("undo")
    cell.act("undo")
    cell.act("undo")
    assert cell.sizes()[3] == 11 * 60


def test_a_chromosome_is_not_rubbed_out(cell: Page) -> None:
    cell.js("document.getElementById('brush').value = 60")
    cell.pick(3)
    cell.act("erase")
    cell.drag((45, 110), (45, 190))
    cell.heard("delete it instead")
    assert cell.sizes()[3] == 11 * 60


def test_what_is_small_is_deleted_at_once(cell: Page) -> None:
    cell.js("document.getElementById('least').value = 700")
    cell.act("small")
    cell.heard("Deleted chromosomes 3, 5, 6 and 7.")
    cell.act("small")
    cell.heard("None is smaller than 700 px.")
    cell.act("undo")
    assert len(cell.labels()) == 7


def test_the_keys_work_as_soon_as_the_picture_is_there(cell: Page) -> None:
    assert cell.focused().startswith("Chromosome 1")
    cell.keys("f")
    assert cell.selected() == [2], "the first that is doubtful"
    cell.keys("g")
    cell.heard("Accepted chromosome 2.")
    assert cell.selected() == [5]
    cell.keys("g", "g", "g")
    cell.wait(lambda: cell.text("#look-count") == "0", "not all accepted")
    assert cell.selected() == [7], "nothing is left to go to"


def test_next_begins_with_the_first(cell: Page) -> None:
    """Number 1 has the focus from the start, which is no reason to pass it over."""
    cell.module(
        "const {reasons} = await load('base/words'); return reasons({id: 1, score: 0, flags: [], status: 'found'})"
    )
    cell.pick(1)
    cell.act("delete")
    cell.focus(2)
    cell.keys("f")
    assert cell.selected() == [2]
