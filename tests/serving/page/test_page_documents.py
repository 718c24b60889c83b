"""Corrections are a document: opened again, not saved over unasked, kept through a reload, loaded from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from page_driver import CUT, Page
from selenium.webdriver.common.keys import Keys

HALF = 330  # px: half of chromosome 3


def save(page: Page, reviewer: str) -> None:
    page.js("document.getElementById('reviewer').value = arguments[0]", reviewer)
    page.one("#save-form button").click()


def saved(page: Page) -> None:
    page.wait(lambda: page.text("#save-note").startswith("Saved at"), "not saved", lambda: page.text("#save-note"))


def reopen(page: Page, picture: Path) -> None:
    """As somebody else, or the next day."""
    page.js("window.addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), true)")
    page.open()
    page.choose(picture)


def kept_as_draft(page: Page) -> None:
    """Load the page anew once what is not saved is kept as a draft."""
    page.module("""const {drafts} = await load('transport/drafts');
        while (!(await drafts()).length) await new Promise((wait) => setTimeout(wait, 50))""")
    page.js("window.addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), true)")
    page.open()


def split_and_save(page: Page, reviewer: str = "Ada Tester") -> None:
    page.pick(3)
    page.act("split")
    page.drag((34, 150), (57, 150))
    page.heard("Split chromosome 3")
    save(page, reviewer)
    saved(page)


def test_a_corrected_picture_offers_its_correction(cell: Page, pictures: Any) -> None:
    split_and_save(cell)
    reopen(cell, pictures.cell)
    cell.wait(lambda: "corrected by Ada Tester on" in cell.text("#offers"), "not offered", lambda: cell.text("#offers"))
    assert "of drawn, version 1: 8 chromosomes" in cell.text("#offers")
    assert cell.text("#save-kept").startswith("A correction is kept on the server, by Ada Tester")
    assert cell.text("#count") == "7", "what the model says comes first"
    cell.one("#offers button").click()
    assert cell.text("#count") == "8"
    assert HALF - 20 < cell.sizes()[4] < HALF + 20
    assert cell.text("#save-note").startswith("Saved by Ada Tester on")
    assert not cell.all("#offers button")
    cell.pick(8)
    cell.act("delete")
    save(cell, "Grace Tester")
    saved(cell)
    cell.act("undo")
    cell.act("undo")
    assert cell.text("#count") == "7", "back to what the model said"


def test_nobody_saves_over_another_unasked(cell: Page, pictures: Any, corrections: Path) -> None:
    split_and_save(cell)
    reopen(cell, pictures.cell)
    cell.pick(4)
    cell.act("delete")
    save(cell, "Grace Tester")
    cell.wait(lambda: bool(cell.js("return document.getElementById('conflict-dialog').open")), "not asked")
    assert "Saved by Ada Tester on" in cell.text("#conflict-dialog")
    cell.keys(Keys.ENTER)  # stay
    cell.heard("Not saved.")
    (file,) = (corrections / "corrected").glob("*.json")
    assert json.loads(file.read_text(encoding="utf-8"))["info"]["reviewer"] == "Ada Tester"

    save(cell, "Grace Tester")
    cell.wait(lambda: bool(cell.js("return document.getElementById('conflict-dialog').open")), "not asked")
    cell.one("#conflict-dialog [value=theirs]").click()
    cell.wait(lambda: cell.text("#count") == "8", "theirs is not shown")
    cell.act("undo")
    assert cell.text("#count") == "6", "mine is a step back"
    save(cell, "Grace Tester")
    saved(cell)  # they were seen
    assert json.loads(file.read_text(encoding="utf-8"))["info"]["reviewer"] == "Grace Tester"


def test_who_comes_back_to_a_picture_is_not_taken_for_somebody_else(cell: Page, pictures: Any, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(pictures.cell.read_bytes() + b"other")
    split_and_save(cell)
    note = cell.text("#save-note")
    cell.give(other)
    cell.wait(lambda: cell.text("#file-name") == "other.png", "not opened")
    assert cell.text("#save-kept").startswith("Nothing of this picture is kept")
    cell.all("#pictures button")[0].click()
    cell.wait(lambda: cell.text("#file-name") == "cell 7.png", "not opened again")
    assert (cell.text("#save-note"), cell.text("#save-kept")[:34]) == (note, "This picture is kept on the server")
    cell.pick(4)
    cell.act("delete")
    assert cell.text("#save-note").endswith("Changed since: not saved yet.")
    save(cell, "Ada Tester")
    cell.wait(
        lambda: "7 chromosomes, 7 before" in cell.text("#save-note"), "not saved", lambda: cell.text("#save-note")
    )
    assert not cell.js("return document.getElementById('conflict-dialog').open")


def test_a_save_that_arrives_when_another_picture_is_open_counts(cell: Page, pictures: Any, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(pictures.cell.read_bytes() + b"other")
    cell.give(other)
    cell.wait(lambda: cell.text("#file-name") == "other.png", "not opened")
    cell.pick(4)
    cell.act("delete")
    cell.hold_back("v1/corrections")
    save(cell, "Ada Tester")
    cell.all("#pictures button")[0].click()
    cell.wait(lambda: cell.text("#file-name") == "cell 7.png", "not opened")
    cell.let_go()
    cell.heard("other.png: Saved at")
    assert "other.png: done" in cell.text("#pictures")
    assert cell.text("#save-kept").startswith("Nothing of this picture is kept")
    cell.all("#pictures button")[1].click()
    cell.wait(lambda: cell.text("#save-note").startswith("Saved at"), "forgotten", lambda: cell.text("#save-note"))


def test_a_draft_survives_a_reload(cell: Page) -> None:
    cell.pick(3)
    cell.act("split")
    cell.drag((34, 150), (57, 150))
    cell.heard("Split chromosome 3")
    kept_as_draft(cell)
    assert cell.text("#left").startswith("cell 7.png: corrections of")
    cell.one("#left button").click()
    cell.wait(lambda: bool(cell.js(CUT)) and cell.text("#count") == "8", "not taken up")
    assert HALF - 20 < cell.sizes()[4] < HALF + 20, "numbered anew"
    assert cell.text("#save-note") == "Not saved yet."
    cell.act("undo")
    assert cell.text("#count") == "7"


def test_a_coco_file_is_loaded_back(cell: Page, tmp_path: Path) -> None:
    """Once as the page exports it, once with outlines of another program."""
    square = {"segmentation": [[10, 150, 30, 150, 30, 190, 10, 190]], "image_id": 7, "category_id": 1}
    image = {"id": 7, "file_name": "folder/cell 7.tif", "height": 200, "width": 200}
    other = {**image, "id": 8, "file_name": "other.tif"}
    file = tmp_path / "theirs.json"
    file.write_text(json.dumps({"images": [other, image], "annotations": [square, {**square, "image_id": 8}]}))
    cell.one("#coco").send_keys(str(file))
    cell.heard("Opened theirs.json, 1 chromosomes.")
    assert list(cell.sizes().values()) == [20 * 40]
    again = tmp_path / "again.json"
    again.write_text(
        json.dumps(
            cell.module("""const {annotationsOf} = await load('editing/annotations');
        const mask = {x: 4, y: 5, w: 2, h: 10, bits: new Uint8Array(20).fill(1)};
        const one = {id: 1, mask, score: 0.9, flags: [], uncertainty: null, from: [], status: 'accepted'};
        const images = [{id: 1, height: 200, width: 200}];
        return {images, annotations: annotationsOf([one], [200, 200])}""")
        )
    )
    cell.one("#coco").send_keys(str(again))
    cell.heard("Opened again.json")
    assert cell.labels()[1] == "Chromosome 1, 20 pixels, score 90 %, accepted"
    again.write_text(json.dumps({"images": [{**image, "width": 300}], "annotations": []}))
    cell.one("#coco").send_keys(str(again))
    cell.heard("of a picture of 300 × 200 px, this one has 200 × 200")
    again.write_text("nothing")
    cell.one("#coco").send_keys(str(again))
    cell.heard("This is no COCO file")
