"""A picture is given, cut, looked at and taken along; what is refused is explained."""

from __future__ import annotations

import base64
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_cells import threshold_predictor
from page_driver import MIDDLE, Page
from PIL import Image
from selenium.webdriver.common.keys import Keys
from serving_app import MemorySource, running_server

from chromseg.serving.keys import new_key

SINGLE, CROSSING = (45, 160), (55.5, 35.5)  # px of the drawn cell: x, y on chromosome 3, on 1 and 2


def test_a_chosen_picture_is_cut(cell: Page) -> None:
    assert cell.text("#file-name") == "cell 7.png"
    assert list(cell.labels()) == [1, 2, 3, 4, 5, 6, 7]
    assert cell.text("#count") == "7"
    assert cell.text("#expected") == "46"
    assert cell.text("#count-said") == "39 fewer than expected: some may still be joined, or missed."
    assert cell.text("#model-name") == "drawn, version 1"
    assert cell.focused().startswith("Chromosome 1"), "where the keys work"
    cell.heard("cell 7.png: 7 chromosomes found, 4 to look at.")


def test_a_right_count_is_no_all_clear_while_something_is_left_to_look_at(opened: Page) -> None:
    said = "const {countSaid} = await load('base/words'); return countSaid(...given)"
    assert opened.module(said, 46, 46, 0) == "As many as expected."
    assert opened.module(said, 46, 46, 2) == "As many as expected, but 2 still to be looked at."
    assert opened.module(said, 47, 46, 2).startswith("1 more than expected")


def test_a_dropped_picture_is_cut(page: Page, pictures: Any) -> None:
    encoded = base64.b64encode(pictures.cell.read_bytes()).decode()
    page.js(
        """const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], 'dropped.png'));
        for (const kind of ['dragover', 'drop'])
            document.body.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data}));""",
        encoded,
    )
    page.wait(lambda: page.shown("work"), "not cut")
    assert page.text("#file-name") == "dropped.png"


def test_the_sheet_is_sorted_by_size_and_shows_each_alone(cell: Page) -> None:
    sizes = cell.sizes()
    assert list(cell.labels("sheet")) == sorted(sizes, key=lambda number: -sizes[number])
    dark = """return [...document.querySelectorAll('#sheet canvas')].map((canvas) =>
        canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.filter(
            (value, at) => at % 4 === 0 && value < 255).length)"""
    assert cell.js(dark) == [sizes[number] for number in cell.labels("sheet")]


def test_crossings_and_what_to_look_at_are_shown(cell: Page) -> None:
    labels = cell.labels()
    assert "crosses 2" in labels[1]
    assert "crosses 6 and 7, look here: three or more seem to meet here" in labels[5]
    assert len(cell.all("#marks .crossing")) == 1 + 3
    assert len(cell.all("#marks .doubt")) == 4
    assert cell.text("#look-count") == "4"
    listed = [" ".join(button.text.split()) for button in cell.all("#look-here button")]
    assert listed == ["2 low score, 43 %", *(f"{number} three or more seem to meet here" for number in (5, 6, 7))]
    assert "Many chromosomes need a look" in cell.text("#notes")


def test_pointing_at_one_shows_it_in_the_sheet_and_in_words(cell: Page) -> None:
    cell.point(*SINGLE)
    assert cell.text("#pointed").startswith("Chromosome 3, 660 pixels, score 95 %")  # smoothed at the rim
    opacity = "return getComputedStyle(document.querySelector('#marks text[data-id=\"3\"]')).opacity"
    assert float(cell.js(opacity)) < 0.5, "its number hides it"
    assert "pointed" in cell.one("#sheet [data-id='3']").get_attribute("class").split()
    cell.js("document.activeElement.blur()")
    cell.point(190, 190)
    cell.wait(lambda: cell.text("#pointed") == "", "still pointed at")
    cell.focus(4, "sheet")
    assert cell.text("#pointed").startswith("Chromosome 4,")
    assert "pointed" in cell.one("#cuts [data-id='4']").get_attribute("class").split()


def test_clicks_on_a_crossing_reach_both(cell: Page) -> None:
    found = []
    for _ in range(3):
        cell.click(*CROSSING)
        found += cell.selected()
    assert found == [1, 2, 1]
    assert cell.text("#chosen-name") == "Chromosome 1"
    assert cell.text("#chosen-crosses") == "2"


def test_next_goes_round_what_is_flagged(cell: Page) -> None:
    cell.pick(6)
    found = []
    for _ in range(4):
        cell.act("next")
        found += cell.selected()
    assert found == [7, 2, 5, 6]
    assert "flagged" in cell.one("#sheet [data-id='2']").get_attribute("class").split()


def test_an_enlarged_picture_can_be_moved(cell: Page) -> None:
    width = "return document.getElementById('frame').getBoundingClientRect().width"
    before = cell.js(width)
    cell.act("larger")
    assert cell.js(width) == pytest.approx(1.25 * before, rel=0.01)
    cell.pick(3)
    cell.act("look")
    view, chromosome = cell.one("#stage").rect, cell.one("#cuts [data-id='3']").rect
    assert view["x"] <= chromosome["x"] <= view["x"] + view["width"] - chromosome["width"]
    left = "return document.getElementById('stage').scrollLeft"
    for how in ({"button": MIDDLE}, {"holding": Keys.ALT}):
        at = cell.js(left)
        cell.drag((80, 130), (70, 130), **how)
        assert cell.js(left) > at
    assert cell.selected() == [3], "the picture was moved, nothing else chosen"
    cell.act("fit")
    assert cell.js(width) == pytest.approx(before, rel=0.01)


def test_zooming_and_drawing_bring_the_picture_before_the_eye(cell: Page) -> None:
    cell.size(1280, 640)
    for key in ("z", "s"):
        cell.pick(3)
        cell.js("window.scrollTo(0, document.body.scrollHeight)")
        assert not cell.seen("stage")
        cell.keys(key)
        cell.wait(lambda: cell.seen("stage"), f"{key} leaves the picture outside the window")
        cell.keys(Keys.ESCAPE)


def test_the_cuts_can_be_hidden(cell: Page) -> None:
    opacity = "return getComputedStyle(document.getElementById('cuts')).opacity"
    cell.act("hide")
    assert cell.js(opacity) == "0"
    assert cell.one("[data-action=hide]").get_attribute("aria-pressed") == "true"
    cell.act("hide")
    assert cell.js(opacity) == "1"


def test_the_picture_looks_as_a_person_likes(cell: Page) -> None:
    style = "const s = getComputedStyle(document.getElementById('picture')); return s.filter"
    cuts = "return getComputedStyle(document.querySelector('#cuts [data-id=\"3\"]')).fillOpacity"
    for name, value in (("cuts", "10"), ("contrast", "250")):
        cell.js("document.querySelector(`#look [name=${arguments[0]}]`).value = arguments[1]", name, value)
    cell.one("#invert").click()
    assert cell.js(style) == "contrast(2.5) invert(1)"
    cell.wait(lambda: float(cell.js(cuts)) == pytest.approx(0.1), "the cuts are too strong")
    cell.browser.refresh()
    cell.wait(lambda: cell.js("return document.body.dataset.ready") == "yes", "not ready")
    assert cell.js(style) == "contrast(2.5) invert(1)", "kept in this browser"
    cell.js("document.querySelector('#look [type=reset]').click()")
    cell.wait(lambda: cell.js(style) == "contrast(1) invert(0)", "not as taken")


def test_bands_are_seen_within_a_crossing(cell: Page) -> None:
    fills = "return [...document.querySelectorAll('#marks path')].map((path) => getComputedStyle(path).fill)"
    assert set(cell.js(fills)) == {"none"}


@pytest.fixture
def downloads(page: Page, tmp_path: Path) -> Callable[[str], Path]:
    """Press a download button; the file that comes of it."""
    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})

    def download(format: str) -> Path:
        before = set(tmp_path.iterdir())
        page.one(f"[data-format={format}]").click()
        page.heard("is in your downloads")

        def fresh() -> list[Path]:
            return [path for path in set(tmp_path.iterdir()) - before if path.suffix != ".crdownload"]

        page.wait(lambda: bool(fresh()), f"no {format}")
        return fresh()[0]

    return download


def test_every_export_is_of_the_result_as_corrected(cell: Page, downloads: Callable[[str], Path]) -> None:
    cell.pick(3)
    cell.act("delete")
    everything = downloads("zip")
    assert everything.name.startswith("cell 7-")
    names = zipfile.ZipFile(everything).namelist()
    assert sum("chromosomes/" in name and name.endswith(".png") for name in names) == 6
    coco = json.loads(downloads("coco").read_text(encoding="utf-8"))
    assert len(coco["annotations"]) == 6
    assert coco["model"]["name"] == "drawn"
    for format in ("overlay", "contact-sheet"):
        with Image.open(downloads(format)) as picture:
            assert np.ptp(np.asarray(picture)) > 100
    assert downloads("ome-tiff").read_bytes()[:2] in (b"II", b"MM")


def test_a_refused_picture_names_each_rule_and_what_to_do(page: Page, pictures: Any) -> None:
    page.choose(pictures.blank)
    assert page.text("#problem-title") == "blank.png: this picture cannot be used"
    assert page.focused() == "problem-title"
    told = page.text("#problem .failures")
    assert "The picture is blank" in told
    assert re.search(r"Measured: contrast 0\.?\d*, expected at least", told)
    assert "What to do: check lamp, shutter and exposure" in told
    page.choose(pictures.cell)
    page.wait(lambda: page.shown("work"), "not cut after a refusal")


def test_a_second_picture_that_is_refused_leaves_the_first_and_its_corrections(cell: Page, pictures: Any) -> None:
    cell.pick(3)
    cell.act("delete")
    cell.give(pictures.blank)
    cell.wait(lambda: cell.shown("refusal") and cell.shown("work"), "the refusal is not shown beside the result")
    assert cell.text("#refusal-title") == "blank.png: this picture cannot be used"
    assert cell.focused() == "refusal-title"
    assert "What to do: check lamp, shutter and exposure" in cell.text("#refusal .failures")
    assert "still that of cell 7.png" in cell.text("#refusal")
    assert cell.text("#file-name") == "cell 7.png"
    assert cell.text("#save-note") == "Not saved yet."
    assert list(cell.labels()) == [1, 2, 4, 5, 6, 7]
    cell.act("undo")
    assert cell.text("#count") == "7", "steps back are kept too"
    cell.one("#refusal [data-opens]").click()
    assert "reads blank.png anew" in cell.text("#options-for")
    cell.keys(Keys.ESCAPE)
    cell.one("#work .title-row [data-opens]").click()
    assert "reads cell 7.png anew" in cell.text("#options-for")
    cell.keys(Keys.ESCAPE)
    cell.one("#refusal-close").click()
    assert not cell.shown("refusal")
    assert cell.focused() == "file-name"


def test_a_file_that_is_no_picture(page: Page, tmp_path: Path) -> None:
    note = tmp_path / "note.png"
    note.write_text("no picture", encoding="utf-8")
    page.choose(note)
    assert "What to do:" in page.text("#problem")


def test_the_model_of_the_result_is_told_apart_from_the_one_served_now(page: Page, pictures: Any) -> None:
    source = MemorySource(versions={1: threshold_predictor(), 2: threshold_predictor()})
    with running_server(source=source, poll=0.02) as url:
        page.open(url)
        page.choose(pictures.cell)
        assert page.text("header .model") == "Model: drawn, version 1 Model card"
        source.wanted = 2
        look = "document.dispatchEvent(new Event('visibilitychange'))"
        page.wait(lambda: page.js(look) or page.shown("model-served"), "the change was not noticed")
        page.heard("The server now uses drawn, version 2.")
        told = "This result is by: drawn, version 1 The server now uses drawn, version 2."
        assert page.text("header .model") == f"{told} Model card of the one in use now"
        facts = "return document.getElementById('facts').textContent"
        assert "drawn, version 1" in page.js(facts)
        page.choose(pictures.cell)
        page.wait(
            lambda: page.text("header .model") == "Model: drawn, version 2 Model card", "not told after a new cut"
        )
        assert "drawn, version 2" in page.js(facts)
        page.js("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
        page.js(look)
        page.wait(lambda: "not known: it does not answer" in page.text("#model-served"), "silent about a lost server")
        page.close()
        page.open()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[]", "this file cannot be read The file is empty. What to do: take or export the picture again."),
        ("[new Uint8Array(65 * 2 ** 20)]", "this file is too large The file has 65 MB. Expected: at most 64 MB."),
        ("unreadable", "this file cannot be read The browser cannot read it. What to do: choose a file, no folder,"),
    ],
)
def test_what_cannot_be_sent_is_told_without_asking_the_server(page: Page, content: str, told: str) -> None:
    page.js(
        f"""const unreadable = ['x'];
        const file = new File({content}, 'odd.png');
        if ({content} === unreadable) file.arrayBuffer = () => Promise.reject(new DOMException('', 'NotReadableError'));
        window.fetch = () => {{ throw new Error('sent') }};
        const paste = new Event('paste');
        paste.clipboardData = {{files: [file]}};
        document.dispatchEvent(paste)"""
    )
    page.wait(lambda: page.shown("problem"), "not told")
    assert page.text("#problem").startswith(f"odd.png: {told}")


def test_options_of_the_command_line_are_told_in_words(opened: Page) -> None:
    script = "const {inWords} = await load('base/words'); return given[0].map(inWords)"
    told = ["check --scale, or look", "say which channel to take (--channel)", "or raise --max-body", "nothing to say"]
    assert opened.module(script, told) == [
        "check “Resize by” under “Reading options”, or look",
        "say which channel to take",
        "or ask whoever runs this server to allow more",
        "nothing to say",
    ]


def test_a_page_of_several(page: Page, pictures: Any, tmp_path: Path) -> None:
    stack = tmp_path / "stack.tif"
    with Image.open(pictures.cell) as first:
        first.save(stack, save_all=True, append_images=[first.rotate(180)])
    page.choose(stack)
    assert page.text("#page-count") == "2"
    first = page.js("return document.getElementById('picture').src")
    page.js("document.getElementById('page').select()")
    page.keys("2", Keys.TAB)
    page.wait(
        lambda: page.shown("work") and page.js("return document.getElementById('picture').src") != first,
        "page 2 was not cut",
    )
    assert page.js("return document.getElementById('page').value") == "2"
    page.act("add")
    page.drag((10, 10), (30, 10), (30, 25), (10, 25))
    page.heard("Added chromosome 8.")
    for number, count in (("1", "7"), ("2", "8")):
        page.js("document.getElementById('page').select()")
        page.keys(number, Keys.TAB)
        page.wait(lambda count=count: page.shown("work") and page.text("#count") == count, "nothing is lost")


def test_the_options_reach_the_server(cell: Page) -> None:
    cell.one("#work .title-row [data-opens=options-dialog]").click()
    cell.one("[name=scale]").send_keys("0.8")
    cell.one("#cut-again").click()
    facts = "return document.getElementById('facts').textContent"
    cell.wait(lambda: cell.shown("work") and "Scale× 0.8" in cell.js(facts), "not cut again at that scale")


def test_a_busy_server_is_asked_again(page: Page, pictures: Any) -> None:
    page.js(
        """const real = window.fetch;
        window.fetch = (...given) => {
            window.fetch = real;
            return Promise.resolve(new Response('{}', {status: 503, headers: {'Retry-After': '1'}}));
        };"""
    )
    page.give(pictures.cell)
    page.wait(lambda: "trying again in 1 s" in page.text("#busy-said"), "busy was not told")
    page.wait(lambda: page.shown("work"), "not tried again")


def test_a_server_that_is_gone(cell: Page) -> None:
    cell.js("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
    cell.one("[data-format=coco]").click()
    cell.wait(lambda: cell.text("#problem-dialog").startswith("No connection"), "not told")
    cell.keys(Keys.ESCAPE)
    assert cell.text("#count") == "7"


def _open_with_key(page: Page, url: str, key: str) -> None:
    """The page of a server that asks for a key, and is given it."""
    page.browser.get(f"{url}/")
    page.wait(lambda: bool(page.js("return document.getElementById('key-dialog').open")), "no key asked for")
    page.keys(key, Keys.ENTER)
    page.wait(lambda: page.js("return document.body.dataset.ready") == "yes", "the key was not taken")


@pytest.mark.parametrize("typed", [5, None])
def test_two_refused_requests_ask_for_one_key(page: Page, tmp_path: Path, typed: int | None) -> None:
    """The second refusal comes while the key is typed, or (None) after it."""
    key, line = new_key("lab")
    (tmp_path / "keys").write_text(line, encoding="utf-8")
    with running_server(api_keys=str(tmp_path / "keys")) as url:
        _open_with_key(page, url, key)
        page.js("sessionStorage.clear()")
        page.hold_back("v1/rules")
        both = "window.both = load('transport/api').then((api) => Promise.all([api.models(), api.rules()]))"
        page.module(f"{both}; both.then(() => (window.answered = true));")
        page.wait(lambda: bool(page.js("return document.getElementById('key-dialog').open")), "no key asked for again")
        page.keys(key[:typed], *([] if typed else [Keys.ENTER]))
        page.let_go()
        page.module("await new Promise((resolve) => setTimeout(resolve, 200))")
        if typed:
            page.keys(key[typed:], Keys.ENTER)
        page.wait(lambda: bool(page.js("return window.answered")), "asked again, or the key was lost")
        assert not page.js("return document.getElementById('key-dialog').open")


def test_a_server_with_keys_asks_for_one(page: Page, pictures: Any, tmp_path: Path) -> None:
    key, line = new_key("lab")
    (tmp_path / "keys").write_text(line, encoding="utf-8")
    with running_server(api_keys=str(tmp_path / "keys")) as url:
        _open_with_key(page, url, key)
        page.choose(pictures.cell)
        assert page.text("#count") == "7"
        assert page.text("#save-off").startswith("Nothing is kept on this server, neither the picture nor corrections.")
        page.one("#model-card").click()
        page.wait(lambda: "drawn" in page.text("#card-text"), "no card")
        page.close()
        page.open()
