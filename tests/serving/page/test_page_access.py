"""Anyone can use it: by keyboard alone, with a screen reader, on a narrow screen, without motion, without a network."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from page_driver import Page
from selenium.webdriver.common.keys import Keys

AXE = importlib.resources.files("selenium_axe_python") / "axe-core" / "axe.min.js"


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands, once colours have stopped changing."""
    page.wait(lambda: page.js("return document.getAnimations().length") == 0, "still in motion")
    if not page.js("return 'axe' in window"):
        page.js(AXE.read_text(encoding="utf-8"))
    run = """const done = arguments[arguments.length - 1];
        axe.run(document, {resultTypes: ['violations']}).then((found) => done(found.violations.map(
            ({id, nodes}) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`)))"""
    return list(page.browser.execute_async_script(run))


def look_everywhere(page: Page) -> None:
    """On a telephone, a tablet and a screen, two dots a pixel, light and dark: nothing is amiss or cut off."""
    for scheme in ("light", "dark"):
        with preferring(page, "prefers-color-scheme", scheme):
            for width, height in ((390, 844), (768, 1024), (1280, 900)):
                page.size(width, height, scale=2)
                where = f"{scheme}, {width} px wide"
                assert too_wide(page) == 0, where
                assert page.js(CUT_OFF) == [], where
                if (scheme, width) in (("light", 390), ("dark", 1280)):  # axe takes a second each time
                    assert violations(page) == [], where
    page.size(1280)


CUT_OFF = """// buttons that are over one another, or reach out of what is open, sideways
    const place = document.querySelector("dialog[open]") ?? document.getElementById("main");
    const scrolled = (list) => list !== null && list.scrollHeight > list.clientHeight;
    const seen = [...place.querySelectorAll("button, label.button, select")]
        .filter((one) => one.checkVisibility() && !scrolled(one.closest("ol, ul")));
    const boxes = seen.map((one) => [one, one.getBoundingClientRect()]);
    const inner = place.getBoundingClientRect();
    const over = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    const still = ([one]) => !one.closest("form"); // those of a dialog's form stay below what is scrolled
    return [
        ...boxes.filter(([, box]) => box.left < inner.left || box.right > inner.left + place.clientWidth + 1),
        ...boxes.filter((one, at) => boxes.some((other, from) =>
            from < at && still(one) === still(other) && over(one[1], other[1]))),
    ].map(([one]) => one.ariaLabel || one.innerText)"""


def test_axe_finds_nothing_before_and_after_a_refusal(page: Page, pictures: Any) -> None:
    page.js("document.querySelector('details').open = true")
    assert violations(page) == []
    page.choose(pictures.blank)
    assert violations(page) == []


def test_axe_finds_nothing_in_a_result_at_work(cell: Page) -> None:
    cell.pick(4)
    cell.act("reject")
    cell.pick(1, 2)
    assert violations(cell) == []
    cell.pick(5)
    for tool in ("split", "points"):
        cell.act(tool)
        assert violations(cell) == []
        cell.keys(Keys.ESCAPE)


@contextmanager
def preferring(page: Page, feature: str, value: str) -> Iterator[None]:
    """As on a system where a person has set something."""
    wished = {"features": [{"name": feature, "value": value}]}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wished)
    try:
        yield
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_axe_finds_nothing_in_the_dark(page: Page, pictures: Any) -> None:
    with preferring(page, "prefers-color-scheme", "dark"):
        assert violations(page) == []
        page.choose(pictures.cell)
        page.pick(4)
        page.act("good")
        page.pick(1, 2)
        assert violations(page) == []
        page.act("axes")
        assert violations(page) == []
        page.choose(pictures.blank)
        assert violations(page) == []
        ground = "return getComputedStyle(document.documentElement).backgroundColor"
        assert page.js(ground) == "rgb(17, 23, 29)"


def test_axe_finds_nothing_in_a_refusal_beside_a_result(cell: Page, pictures: Any) -> None:
    cell.give(pictures.blank)
    cell.wait(lambda: cell.shown("refusal"), "not refused")
    cell.act("delete")
    cell.heard("Choose a chromosome first.")
    assert violations(cell) == []
    for width in (768, 400):
        cell.size(width)
        assert too_wide(cell) == 0


@pytest.mark.parametrize("name", ["options-dialog", "help-dialog"])
def test_axe_finds_nothing_in_dialogs(cell: Page, name: str) -> None:
    cell.one(f"header [data-opens={name}], #work .title-row [data-opens={name}]").click()
    assert violations(cell) == []
    top = "return document.querySelector('dialog[open] h2').getBoundingClientRect().top"
    assert cell.js(top) >= cell.js("return document.querySelector('dialog[open]').getBoundingClientRect().top")


def test_every_tool_tells_what_it_does(cell: Page) -> None:
    told = cell.js(
        "return [...document.querySelectorAll('#tools [aria-keyshortcuts]')].map((b) => [b.innerText, b.title])"
    )
    untold = [name for name, title in told if not title]
    assert untold == ["Undo", "Redo"], "their names say all"


def test_axe_finds_nothing_where_nothing_is_found(cell: Page) -> None:
    for number in range(1, 8):
        cell.pick(number)
        cell.act("delete")
    assert cell.text("#count") == "0"
    assert violations(cell) == []


def test_all_of_it_by_keyboard(cell: Page, corrections: Path) -> None:
    walk(cell, "Accept")
    cell.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert cell.focused().startswith("Reject"), "arrows walk in the tool bar"
    cell.keys(Keys.TAB)
    assert cell.focused().startswith("Chromosome 1"), "one stop from the tools to the picture"
    cell.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert cell.selected() == [3]

    cell.keys("s", *[Keys.ARROW_LEFT] * 3, Keys.ENTER, *[Keys.ARROW_RIGHT] * 5, Keys.ENTER)
    cell.heard("Split chromosome 3 into chromosomes 3 and 8.")
    assert cell.focused().startswith("Chromosome 3"), "back to where the work was"
    cell.keys("j", "8", Keys.ENTER)
    cell.heard("Joined chromosomes 3 and 8 into 3.")

    right, down, left = Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT
    cell.keys("o", Keys.ENTER, *[right] * 4, Keys.ENTER, *[down] * 4, Keys.ENTER, *[left] * 4, Keys.ENTER, Keys.ENTER)
    cell.heard("Redrew chromosome 3.")
    assert cell.sizes()[3] == 20 * 20

    cell.keys("f", "a")
    cell.heard("Accepted chromosome 5.")
    cell.keys("4", "r", Keys.ARROW_LEFT, Keys.DELETE)
    assert list(cell.labels()) == [1, 2, 4, 5, 6, 7]
    cell.hold(Keys.CONTROL, "z")
    cell.heard("Undone: deleted chromosome 3.")
    cell.hold(Keys.SHIFT, Keys.ARROW_RIGHT)
    assert len(cell.selected()) == 2

    walk(cell, "reviewer")
    cell.hold(Keys.CONTROL, "a")
    cell.keys("Grace Tester", Keys.ENTER)
    cell.wait(lambda: "Grace Tester: 6 chromosomes" in cell.text("#save-note"), "not saved")
    assert "Grace Tester" in "".join(path.read_text(encoding="utf-8") for path in corrections.rglob("*.json"))


def walk(page: Page, goal: str) -> None:
    """Press Tab until something has the focus; each stop must show that it has it."""
    for _ in range(60):
        page.keys(Keys.TAB)
        assert page.js(FOCUS_SHOWS), f"{page.focused()} does not show its focus"
        if page.focused().startswith(goal):
            return
    raise AssertionError(f"Tab does not lead to {goal}")


FOCUS_SHOWS = """const at = document.activeElement;
    if (at === document.body) return true;  // round the end of the page
    const holder = at.closest('label.button') ?? (at.id === 'pen' ? document.getElementById('stage') : at);
    const {outlineStyle, outlineWidth} = getComputedStyle(holder);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0.5"""


def test_letters_work_only_on_a_chromosome(cell: Page) -> None:
    cell.pick(3)
    cell.js("document.getElementById('reviewer').focus()")
    cell.keys("rad", Keys.DELETE)
    assert cell.text("#count") == "7"
    assert "rejected" not in cell.labels()[3]


def test_the_pen_tells_where_it_is(cell: Page) -> None:
    cell.pick(3)
    cell.act("split")
    cell.keys(Keys.ARROW_LEFT)
    cell.heard("on chromosome 3")
    cell.keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    cell.heard("beside the chromosomes")
    cell.keys(Keys.ESCAPE)
    cell.heard("Stopped.")


@pytest.mark.parametrize("width", [1280, 768, 400])
def test_nothing_is_wider_than_the_screen(page: Page, pictures: Any, width: int) -> None:
    page.size(width)
    assert too_wide(page) == 0
    page.choose(pictures.blank)
    assert too_wide(page) == 0
    page.choose(pictures.cell)
    page.pick(5)
    assert too_wide(page) == 0
    page.act("split")
    assert too_wide(page) == 0


def test_a_picture_that_is_shown_whole_has_no_scroll_bars(cell: Page) -> None:
    inner = "const {offsetWidth: w, clientWidth: c, offsetHeight: h, clientHeight: d} = stage; return [w - c, h - d]"
    for width in (1280, 768, 755, 702, 401, 400):
        cell.size(width)
        cell.act("larger")
        cell.act("fit")
        assert cell.js(f"const stage = document.getElementById('stage'); {inner}") == [2, 2], f"at {width} px"


def too_wide(page: Page) -> int:
    return int(page.js("return document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_targets_are_large(cell: Page) -> None:
    cell.pick(5)
    small = """const targets = 'button, label.button, select, input:not([type=file]), .tile, summary';
        return [...document.querySelectorAll(targets)]
        .filter((one) => one.checkVisibility({visibilityProperty: true}))
        .map((one) => [one.innerText || one.id, one.getBoundingClientRect()])
        .filter(([, {width, height}]) => Math.min(width, height) < 44).map(([name]) => name)"""
    assert cell.js(small) == []


def test_nothing_moves_for_those_who_ask_for_that(cell: Page) -> None:
    times = "return [...document.querySelectorAll('*')].map((one) => getComputedStyle(one).transitionDuration)"
    assert set(cell.js(times)) != {"0s"}
    with preferring(cell, "prefers-reduced-motion", "reduce"):
        assert set(cell.js(times)) == {"0s"}


def test_nothing_comes_from_elsewhere(cell: Page, server: str) -> None:
    names = cell.js("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert len(names) > 10
    assert [name for name in names if not name.startswith((f"{server}/", "data:", "blob:"))] == []
