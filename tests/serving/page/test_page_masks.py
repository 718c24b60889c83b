"""The geometry behind corrections, in the browser, against independent references."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.path import Path as Polygon
from page_driver import Page

from chromseg.annotations.rasterize import decode_rle, encode_rle
from chromseg.arrays import Bool

SIZE = (40, 56)  # rows, columns
AS_WINDOW = """const {fromRle} = await load('picture/masks');
    const mask = (one) => fromRle(one.segmentation, one.bbox);
    const told = (mask) => mask && ({...mask, bits: [...mask.bits]});"""


def blobs(seed: int) -> Bool:
    """Spots with islands, holes and pixels at the picture's border."""
    from scipy import ndimage

    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SIZE), 2)
    return np.asarray(noise > 0.05)


def box(row0: int, row1: int, col0: int, col1: int) -> Bool:
    mask = np.zeros(SIZE, dtype=bool)
    mask[row0:row1, col0:col1] = True
    return mask


def sent(mask: Bool) -> dict[str, Any]:
    """A mask as the server sends it."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(cols[0]), int(rows[0])
    return {"segmentation": encode_rle(mask), "bbox": [left, top, int(cols[-1]) + 1 - left, int(rows[-1]) + 1 - top]}


def got(window: dict[str, Any] | None) -> Bool:
    """A mask as the page has it."""
    assert isinstance(window, dict | None), window
    mask = np.zeros(SIZE, dtype=bool)
    if window:
        x, y, w, h = (window[key] for key in "xywh")
        mask[y : y + h, x : x + w] = np.reshape(window["bits"], (h, w))
    return mask


@pytest.mark.parametrize(
    "mask", [blobs(0), blobs(1), box(0, 40, 0, 56), box(0, 1, 0, 1), box(39, 40, 55, 56), box(5, 40, 3, 9)]
)
def test_run_lengths_are_read_and_written_as_the_coco_library_does(opened: Page, mask: Bool) -> None:
    script = f"{AS_WINDOW} const {{toRle}} = await load('picture/masks'); const m = mask(given[0]);"
    window, again = opened.module(f"{script} return [told(m), toRle(m, given[1])]", sent(mask), SIZE)
    assert np.array_equal(got(window), mask)
    assert np.array_equal(decode_rle(again, *SIZE), mask)


def test_union_and_intersection(opened: Page) -> None:
    one, other = blobs(2), blobs(3)
    script = f"""{AS_WINDOW} const {{union, intersection, area}} = await load('picture/masks');
        const [a, b] = given[0].map(mask);
        return [told(union([a, b])), told(intersection(a, b)), area(a)]"""
    both, common, size = opened.module(script, [sent(one), sent(other)])
    assert np.array_equal(got(both), one | other)
    assert np.array_equal(got(common), one & other)
    assert size == one.sum()


def test_masks_apart_have_no_intersection(opened: Page) -> None:
    script = f"""{AS_WINDOW} const {{intersection}} = await load('picture/masks');
        return intersection(...given[0].map(mask))"""
    assert opened.module(script, [sent(box(0, 9, 0, 9)), sent(box(0, 9, 9, 19))]) is None


@pytest.mark.parametrize(
    "points",
    [
        [(3.2, 4.1), (30.7, 6.3), (22.4, 33.9)],
        [(5.1, 5.2), (45.3, 8.4), (20.6, 15.5), (44.7, 30.2), (8.8, 34.6)],  # hollow on one side
        [(5.1, 5.2), (45.3, 30.4), (45.6, 5.5), (5.7, 30.2)],  # crosses itself
        [(-20.3, -9.7), (30.2, 10.4), (10.1, 80.3)],  # reaches out of the picture
    ],
)
def test_a_drawn_outline_is_filled(opened: Page, points: list[tuple[float, float]]) -> None:
    script = "const {fill} = await load('editing/fill'); const m = fill(...given); return {...m, bits: [...m.bits]}"
    filled = opened.module(script, points, SIZE)
    rows, cols = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    inside = Polygon([*points, points[0]], closed=True).contains_points(np.stack([cols.ravel(), rows.ravel()], axis=1))
    assert inside.any()
    assert np.array_equal(got(filled), inside.reshape(SIZE))


CUT = f"{AS_WINDOW} const {{cut}} = await load('editing/cut'); return cut(mask(given[0]), given[1]).map(told)"


@pytest.mark.parametrize(
    ("mask", "line", "sizes"),
    [
        (box(10, 20, 5, 45), [(25, 5), (25, 25)], [210, 190]),  # the line's own column goes to the left piece
        (box(10, 20, 5, 45), [(15, 8), (16, 22)], [290, 110]),
        (box(10, 20, 5, 45), [(15, 12), (15, 18)], [300, 100]),  # a little short on both sides
        (box(10, 30, 5, 45), [(15, 16), (15, 24)], [800]),  # much too short
        (box(10, 20, 5, 45), [(2, 2), (50, 5)], [400]),  # beside it
        (box(10, 20, 5, 45), [(14, 5), (14, 25), (30, 25), (30, 5)], None),  # there and back: three pieces
        (box(5, 35, 5, 15) | box(5, 35, 25, 35) | box(25, 35, 5, 35), [(2, 15), (40, 15)], None),  # both arms of a U
        (box(10, 20, 5, 45) | box(30, 33, 5, 8), [(25, 5), (25, 25)], None),  # an island goes along
    ],
)
def test_a_line_cuts_a_mask(opened: Page, mask: Bool, line: list[Any], sizes: list[int] | None) -> None:
    pieces = [got(piece) for piece in opened.module(CUT, sent(mask), line)]
    assert np.array_equal(np.sum(pieces, axis=0), mask.astype(int)), "every pixel belongs to one piece"
    counts = [int(piece.sum()) for piece in pieces]
    assert counts == sorted(counts, reverse=True)
    if sizes is None:
        assert len(pieces) == (2 if mask[31, 6] and not mask[31, 12] else 3)
    else:
        assert len(counts) == len(sizes)
        assert np.allclose(counts, sizes, atol=15)


def test_an_outline_holds_the_middles_of_its_pixels_and_no_others(opened: Page) -> None:
    mask = blobs(4)
    script = f"""{AS_WINDOW} const {{pathOf}} = await load('picture/outline');
        const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
        path.setAttribute('d', pathOf(mask(given[0])));
        path.setAttribute('fill-rule', 'evenodd');
        document.getElementById('marks').append(path);
        const [rows, columns] = given[1];
        const inside = (at) => path.isPointInFill(new DOMPoint(at % columns + .5, Math.floor(at / columns) + .5));
        return [...Array(rows * columns).keys()].map(inside);"""
    opened.js("document.getElementById('work').hidden = false")
    inside = np.reshape(opened.module(script, sent(mask), SIZE), SIZE)
    opened.js("document.getElementById('work').hidden = true")
    assert np.array_equal(inside, mask)


def test_a_number_stands_deep_inside_and_on_no_crossing(opened: Page) -> None:
    mask = box(10, 20, 5, 45)
    script = f"{AS_WINDOW} const {{placeOfNumber}} = await load('picture/numbers');"
    x, y = opened.module(f"{script} return placeOfNumber(mask(given[0]), (column) => column > 30)", sent(mask))
    assert 34 <= x <= 41
    assert 13 <= y <= 17
    everywhere = opened.module(f"{script} return placeOfNumber(mask(given[0]), () => false)", sent(mask))
    assert mask[int(everywhere[1]), int(everywhere[0])], "all of it crossed: still a place inside"


def test_neighbours_have_different_colours(opened: Page) -> None:
    masks = [sent(box(10, 20, col, col + 5)) for col in range(2, 50, 6)]
    script = f"""{AS_WINDOW} const {{coloursOf}} = await load('picture/colours');
        return [...coloursOf(given[0].map((one, index) => ({{id: 8 * index + 1, mask: mask(one)}}))).values()]"""
    colours = opened.module(script, masks)
    assert all(one != other for one, other in itertools.pairwise(colours))


def test_numbers_of_neighbours_do_not_collide(opened: Page) -> None:
    """Four bars side by side, so narrow that their middles' numbers would lie over one another."""
    masks = [sent(box(2, 38, col, col + 5)) for col in range(5, 25, 5)]
    script = f"""{AS_WINDOW} const {{placeNumbers}} = await load('picture/numbers');
        const instances = given[0].map((one, index) => ({{id: index + 1, mask: mask(one), text: '88'}}));
        return [...placeNumbers(instances, [], 0.5).values()]"""
    places = opened.module(script, masks)
    wide, high = 0.5 * 2 * 8, 0.5 * 13
    for (x0, y0), (x1, y1) in itertools.combinations(places, 2):
        assert abs(x0 - x1) >= wide or abs(y0 - y1) >= high


@pytest.mark.parametrize("reach", [0.4, 3.0, 7.5])
def test_a_brush_covers_what_lies_within_its_reach(opened: Page, reach: float) -> None:
    points = [(10.2, 12.4), (30.6, 12.4), (50.1, 36.7)]
    script = (
        "const {stroke} = await load('editing/fill'); const m = stroke(...given); return m && {...m, bits: [...m.bits]}"
    )
    covered = got(opened.module(script, points, reach, SIZE))
    rows, cols = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    steps = np.linspace(0, 1, 400)
    line = np.concatenate([np.outer(1 - steps, a) + np.outer(steps, b) for a, b in itertools.pairwise(points)])
    away = np.hypot(cols[..., None] - line[:, 0], rows[..., None] - line[:, 1]).min(axis=-1)
    assert not (covered & (away > reach + 0.1)).any()
    assert covered[away < reach - 0.1].all()


def test_what_is_taken_away(opened: Page) -> None:
    one, other = blobs(2), blobs(3)
    script = f"""{AS_WINDOW} const {{subtract}} = await load('picture/masks');
        return told(subtract(...given[0].map(mask)))"""
    assert np.array_equal(got(opened.module(script, [sent(one), sent(other)])), one & ~other)
