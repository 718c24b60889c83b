"""Choosing several chromosomes at once: a rectangle over the ground, and the keys that do the same."""

from __future__ import annotations

from page_driver import Page
from selenium.webdriver.common.keys import Keys

BAND = "return document.getElementById('band').getBoundingClientRect().width"
CROSS = [(10, 4), (104, 90)]  # around chromosomes 1 and 2
THIRD = [(30, 110), (60, 190)]  # around chromosome 3


def test_a_rectangle_takes_what_lies_inside_and_shift_adds(cell: Page) -> None:
    cell.drag(*CROSS)
    cell.heard("2 chosen.")
    assert cell.selected() == [1, 2]
    assert cell.focused().startswith("Chromosome 1"), "keys go on from there"
    cell.drag(*THIRD)
    assert cell.selected() == [3], "instead of those before"
    for key in (Keys.SHIFT, Keys.CONTROL):
        cell.pick(3)
        cell.drag(*CROSS, holding=key)
        assert cell.selected() == [1, 2, 3]
    assert cell.js(BAND) == 0, "it is gone"


def test_from_whichever_corner_it_is_drawn(cell: Page) -> None:
    (left, top), (right, bottom) = CROSS
    for start, end in [((right, bottom), (left, top)), ((left, bottom), (right, top)), ((right, top), (left, bottom))]:
        cell.keys(Keys.ESCAPE)
        assert cell.selected() == []
        cell.drag(start, end)
        assert cell.selected() == [1, 2]


def test_what_it_only_grazes_is_not_taken(cell: Page) -> None:
    for top in (20, 4):  # all of chromosome 2, of 1 the middle, or its upper part
        cell.keys(Keys.ESCAPE)
        cell.drag((10, top), (104, 60))
        assert cell.selected() == [2]
    cell.drag((104, 84), (128, 110))  # nothing
    cell.heard("0 chosen.")
    assert cell.selected() == []


def test_it_is_seen_while_it_is_drawn_and_a_click_draws_none(cell: Page) -> None:
    watch = "addEventListener('pointermove', () => seen.push(!document.getElementById('band').hasAttribute('hidden')))"
    cell.js(f"window.seen = []; document.getElementById('stage').{watch}")
    cell.pick(3)
    cell.drag((104, 84), (104.3, 84))
    assert cell.selected() == [3], "a hand trembles"
    assert True not in cell.js("return window.seen")
    cell.drag(*CROSS)
    assert True in cell.js("return window.seen")


def test_what_was_chosen_with_it_is_rejected_together(cell: Page) -> None:
    cell.drag(*CROSS)
    cell.keys("r")
    cell.heard("Rejected chromosomes 1 and 2.")


def test_drawing_and_joining_draw_no_rectangle(cell: Page) -> None:
    cell.pick(3)
    cell.act("join")
    cell.drag(*CROSS)
    assert cell.selected() == [3]
    cell.keys(Keys.ESCAPE)
    cell.act("split")
    cell.drag((30, 150), (60, 150))
    cell.heard("Split chromosome 3")
    assert cell.js(BAND) == 0


def test_the_same_by_keys(cell: Page) -> None:
    cell.focus(1)
    cell.hold(Keys.CONTROL, "a")
    cell.heard("7 chosen.")
    assert cell.selected() == [1, 2, 3, 4, 5, 6, 7]
    cell.keys("1")
    cell.hold(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert cell.selected() == [1, 2, 3]
    cell.js("document.getElementById('reviewer').focus()")
    cell.keys("Ada")
    cell.hold(Keys.CONTROL, "a")
    assert cell.selected() == [1, 2, 3], "in a field the key means its text"
    cell.keys("Grace")
    assert cell.js("return document.getElementById('reviewer').value") == "Grace"
