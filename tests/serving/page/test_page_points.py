"""The points of an outline: dragged, walked by arrow keys, added and taken out, and every move a step back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.path import Path as Polygon
from page_driver import Page
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from test_page_masks import AS_WINDOW, SIZE, blobs, box, got, sent

from chromseg.arrays import Bool

THIRD = 11 * 60  # px of chromosome 3, a bar from (40, 120) to (51, 180)
POINTS = "#handles-points circle"
BETWEEN = "#handles-between circle"
CORNERS = f"{AS_WINDOW} const {{cornersOf, middles, replaced}} = await load('editing/corners');"


def places(page: Page, css: str = POINTS) -> list[tuple[float, float]]:
    """Where the points are."""
    found = "[...document.querySelectorAll(arguments[0])]"
    script = f"return {found}.map((one) => [one.cx.baseVal.value, one.cy.baseVal.value])"
    return [(x, y) for x, y in page.js(script, css)]


def nearest(page: Page, x: float, y: float, css: str = POINTS) -> int:
    away = [np.hypot(px - x, py - y) for px, py in places(page, css)]
    return int(np.argmin(away))


@pytest.fixture
def bar(cell: Page) -> Page:
    """The points of chromosome 3, a plain bar, so that it has four of them or a few more."""
    cell.pick(3)
    cell.act("points")
    cell.wait(lambda: len(cell.all(POINTS)) >= 4, "no points")
    return cell


def test_a_point_is_dragged(bar: Page) -> None:
    corner = nearest(bar, 51, 180)
    bar.drag(places(bar)[corner], (61, 190))
    bar.heard(f"Moved point {corner + 1} of chromosome 3.")
    assert places(bar)[corner] == pytest.approx((61, 190), abs=0.5)
    grown = bar.sizes()[3]
    assert grown == pytest.approx(THIRD + 10 * 60 / 2 + 10 * 11 / 2, rel=0.03), "two triangles more"
    bar.keys(Keys.ENTER)
    bar.heard("Done with chromosome 3.")
    assert bar.focused().startswith("Chromosome 3")
    assert "corrected" in bar.labels()[3]
    bar.act("undo")
    assert bar.sizes()[3] == THIRD
    bar.act("redo")
    assert bar.sizes()[3] == grown


def test_looking_at_the_points_changes_nothing(bar: Page) -> None:
    bar.keys(Keys.ESCAPE)
    bar.heard("Done with chromosome 3.")
    assert bar.sizes()[3] == THIRD
    assert bar.text("#save-note") == ""


def test_a_dot_between_two_becomes_a_point(bar: Page) -> None:
    before = places(bar)
    dot = nearest(bar, 51, 150, BETWEEN)
    at = places(bar, BETWEEN)[dot]
    bar.drag(at, (at[0] + 10, at[1]))
    bar.heard(f"Added point {dot + 2} of chromosome 3.")
    assert len(places(bar)) == len(before) + 1
    assert places(bar)[dot + 1] == pytest.approx((at[0] + 10, at[1]), abs=0.5)
    assert bar.sizes()[3] > THIRD + 200


def test_a_double_click_takes_a_point_out(bar: Page) -> None:
    corner = nearest(bar, 51, 180)
    count = len(places(bar))
    ActionChains(bar.browser, duration=0).double_click(bar.all(POINTS)[corner]).perform()
    bar.heard(f"Took out point {corner + 1} of chromosome 3.")
    assert len(places(bar)) == count - 1
    assert bar.sizes()[3] < THIRD - 200, "a triangle less"


def test_all_of_it_by_keys(bar: Page) -> None:
    count = len(places(bar))
    assert bar.focused().startswith(f"Point 1 of {count}, at ")
    bar.keys(Keys.TAB)
    assert bar.focused().startswith("Point 2 of")
    at = places(bar)[1]
    bar.keys(Keys.ARROW_RIGHT)
    bar.hold(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    bar.heard("Moved point 2 of chromosome 3.")
    assert places(bar)[1] == pytest.approx((at[0] + 6, at[1] - 1))
    assert bar.focused().startswith("Point 2 of"), "the focus stays"
    moved = bar.sizes()[3]
    bar.keys("n")
    bar.heard("Added a point to chromosome 3.")
    assert len(places(bar)) == count + 1
    assert bar.focused().startswith("Point 3 of")
    assert bar.sizes()[3] == moved, "on the line between two it changes nothing yet"
    bar.keys(Keys.DELETE)
    bar.heard("Took out point 3")
    assert len(places(bar)) == count
    bar.keys(Keys.ENTER)
    bar.heard("Done with chromosome 3.")


def test_steps_back_do_not_end_it_and_one_walk_is_one_step(bar: Page) -> None:
    before = places(bar)
    bar.keys(*[Keys.ARROW_LEFT] * 3)
    walked = places(bar)
    bar.keys("n")
    bar.hold(Keys.CONTROL, "z")
    bar.heard("Undone: added a point to chromosome 3.")
    assert places(bar) == walked
    bar.hold(Keys.CONTROL, "z")
    bar.heard("Undone: moved point 1 of chromosome 3.")
    assert places(bar) == before
    assert bar.sizes()[3] == THIRD
    assert bar.shown("task")
    bar.one("#task-steps [data-action=redo]").click()
    assert places(bar) == walked
    bar.one("#task-steps [data-action=undo]").click()
    assert places(bar) == before
    bar.one("#task-finish").click()
    assert not bar.shown("task")
    assert bar.one("[data-action=undo]").get_attribute("aria-disabled") == "true"


def test_it_ends_when_its_chromosome_goes(cell: Page) -> None:
    cell.act("add")
    cell.drag((10, 100), (30, 100), (30, 115), (10, 115))
    cell.heard("Added chromosome 8.")
    cell.act("points")
    cell.wait(lambda: len(cell.all(POINTS)) >= 4, "no points")
    cell.hold(Keys.CONTROL, "z")
    cell.wait(lambda: not cell.shown("task"), "it goes on without a chromosome")


def test_an_outline_keeps_three_points(bar: Page) -> None:
    while len(places(bar)) > 3:
        bar.keys(Keys.DELETE)
    bar.keys(Keys.DELETE)
    bar.heard("An outline needs three points.")
    assert len(places(bar)) == 3


def test_almost_nothing_is_refused_and_the_point_goes_back(bar: Page) -> None:
    for _ in range(len(places(bar)) - 3):
        bar.keys(Keys.DELETE)
    before, size = places(bar), bar.sizes()[3]
    (x0, y0), (x1, y1), _ = before
    bar.drag(before[2], ((x0 + x1) / 2, (y0 + y1) / 2))
    bar.heard("delete it instead")
    assert places(bar) == before
    assert bar.sizes()[3] == size


def test_points_stay_inside_the_picture(bar: Page) -> None:
    corner = nearest(bar, 40, 180)
    bar.drag(places(bar)[corner], (-3, 180))
    assert places(bar)[corner][0] == 0


def test_a_small_picture_is_brought_near(cell: Page) -> None:
    cell.size(400)
    zoom = "return parseFloat(document.getElementById('zoom-shown').textContent)"
    cell.pick(3)
    assert cell.js(zoom) < 300
    cell.act("points")
    cell.wait(lambda: len(cell.all(POINTS)) >= 4, "no points")
    assert cell.js(zoom) > 200
    assert cell.js("return document.documentElement.scrollWidth <= innerWidth")


def test_a_speck_has_no_points(cell: Page) -> None:
    cell.act("add")
    cell.drag((10, 100), (30, 100), (30, 101), (10, 101))  # a pixel high
    cell.heard("Added chromosome 8.")
    cell.act("points")
    cell.heard("Chromosome 8 is too small: redraw it.")
    assert not cell.shown("task")


# the geometry, against independent references


def filled(walks: list[list[list[float]]]) -> Bool:
    """Pixels whose middle lies inside an odd number of the walks."""
    rows, cols = np.mgrid[: SIZE[0], : SIZE[1]]
    middles = np.stack([cols.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    inside = [Polygon(walk).contains_points(middles, radius=1e-9) for walk in walks]
    return np.asarray(np.sum(inside, axis=0) % 2 == 1).reshape(SIZE)


def near_the_edge(mask: Bool, reach: int) -> Bool:
    from scipy import ndimage

    edge = mask ^ ndimage.binary_erosion(mask, border_value=0)
    return np.asarray(ndimage.distance_transform_edt(~edge) <= reach)


@pytest.mark.parametrize("seed", range(4))
def test_few_corners_keep_to_the_outline(opened: Page, seed: int) -> None:
    mask = blobs(seed)
    walks = opened.module(f"{CORNERS} return cornersOf(mask(given[0]))", sent(mask))
    assert isinstance(walks, list), walks
    off = filled(walks) ^ mask
    assert not (off & ~near_the_edge(mask, 2) & ~near_the_edge(~mask, 2)).any()
    assert sum(map(len, walks)) < 0.5 * (mask ^ np.roll(mask, 1, axis=0)).sum() + 30


def test_a_rectangle_has_its_corners(opened: Page) -> None:
    mask = box(5, 35, 10, 22)
    (walk,) = opened.module(f"{CORNERS} return cornersOf(mask(given[0]))", sent(mask))
    assert len(walk) == 4
    expected = [(10, 5), (22, 5), (22, 35), (10, 35)]
    assert all(min(np.hypot(x - a, y - b) for x, y in walk) < 1 for a, b in expected)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_not_moved_stays_to_the_pixel(opened: Page, seed: int) -> None:
    """Also where the few corners do not follow the outline exactly."""
    mask = blobs(seed)
    script = f"""{CORNERS} const {{bend}} = await load('editing/reshaping');
        const before = cornersOf(mask(given[0])), [x, y] = before[0][1];
        const after = replaced(before, 1, [[x + 4, y + 3]]);
        const one = {{id: 1, mask: mask(given[0]), from: [1], flags: []}};
        const {{instances: [made]}} = bend([one], 1, before, after, given[1]);
        return [told(made.mask), before, after]"""
    answer = opened.module(script, sent(mask), SIZE)
    assert isinstance(answer, list), answer
    window, before, after = answer
    changed = got(window) ^ mask
    lines = [before[0][0:3], after[0][0:3]]
    rows, cols = np.nonzero(changed & ~(filled(before) ^ filled(after)))
    for row, col in zip(rows, cols, strict=True):
        sides = [side for line in lines for side in pairwise(line)]
        assert min(away((col + 0.5, row + 0.5), *side) for side in sides) < 2.01
    follows = filled(after)
    moved = filled(before) ^ follows
    assert moved.any()
    assert np.array_equal(got(window)[moved], follows[moved])


def away(point: tuple[float, float], start: list[float], end: list[float]) -> float:
    """How far a point lies from a line between two others."""
    p, a, b = np.array(point), np.array(start), np.array(end)
    share = np.clip(np.dot(p - a, b - a) / max(np.dot(b - a, b - a), 1e-9), 0, 1)
    return float(np.hypot(*(p - a - share * (b - a))))


def test_a_point_of_the_second_walk_is_the_one_that_is_meant(opened: Page) -> None:
    walks = [[[0, 0], [9, 0], [9, 9]], [[20, 0], [30, 0], [30, 9]]]
    script = f"{CORNERS} return [replaced(given[0], 4, [[1, 2], [3, 4]]), middles(given[0])]"
    replaced, middles = opened.module(script, walks)
    assert replaced == [walks[0], [[20, 0], [1, 2], [3, 4], [30, 9]]]
    assert middles == [[4.5, 0], [9, 4.5], [4.5, 4.5], [25, 0], [30, 4.5], [25, 4.5]]
