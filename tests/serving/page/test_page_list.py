"""Several pictures are a list of work: cut in their order, each with its state, gone through by key, exported."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from page_driver import Page
from PIL import Image
from test_page_access import look_everywhere, violations


@pytest.fixture
def files(pictures: Any, tmp_path: Path) -> list[Path]:
    """Three pictures and one that is refused."""
    found = [tmp_path / f"cell {number}.png" for number in (1, 2, 10)]
    with Image.open(pictures.cell) as cell:
        for turn, file in enumerate(found):
            cell.rotate(90 * turn).save(file)
    blank = tmp_path / "blank.png"
    blank.write_bytes(pictures.blank.read_bytes())
    return [*found, blank]


@pytest.fixture
def given(page: Page, files: list[Path]) -> Page:
    page.give(*files)
    page.wait(lambda: page.shown("work") and len(states(page)) == 4, "not taken")
    page.wait(lambda: not {"waiting", "being cut"} & set(states(page).values()), "not all cut")
    return page


def states(page: Page) -> dict[str, str]:
    """By picture."""
    texts = [
        text.split(": ")
        for text in page.js("return [...document.querySelectorAll('#pictures button')].map(b => b.innerText)")
    ]
    return {name: state.split(",")[0] for name, state in texts}


def test_several_files_are_several_pictures(given: Page) -> None:
    assert states(given) == {
        "cell 1.png": "doubtful",
        "cell 2.png": "doubtful",
        "cell 10.png": "doubtful",
        "blank.png": "refused",
    }
    assert given.text("#file-name") == "cell 1.png"
    assert given.text("#progress") == "0 of 4 done"
    assert "cell 2.png: doubtful, 7 of 46" in given.text("#pictures")
    assert violations(given) == []


def test_the_list_is_gone_through_by_key_and_nothing_is_lost(given: Page) -> None:
    given.pick(3)
    given.act("delete")
    given.all("#pictures button")[0].click()
    given.heard("cell 1.png: 6 chromosomes")
    given.keys(".")
    given.wait(lambda: given.text("#file-name") == "cell 2.png", "not the next")
    assert states(given)["cell 1.png"] == "corrected"
    assert given.text("#count") == "7"
    given.keys(",")
    given.wait(lambda: given.text("#file-name") == "cell 1.png" and given.text("#count") == "6", "lost")
    given.act("undo")
    assert given.text("#count") == "7", "with every step"
    given.keys("d")
    given.wait(lambda: given.text("#file-name") == "cell 2.png", "not on to the next")
    given.keys("d")
    given.wait(lambda: given.text("#file-name") == "cell 10.png", "not on to the next")
    given.keys("d")
    given.heard("Done. No picture is left.")
    assert given.text("#progress") == "3 of 4 done"


def test_who_goes_on_quickly_keeps_each_picture_its_own(given: Page) -> None:
    """The way to a picture has pauses (decoding, the model's figures), in which a person goes on to the next."""
    outlines = "return [...document.querySelectorAll('#cuts path')].map((path) => path.getAttribute('d')).join()"

    def drawn(place: int) -> str:
        given.all("#pictures button")[place].click()
        given.wait(lambda: given.text("#pictures [aria-current]").startswith(names[place]), "not opened")
        return str(given.js(outlines))

    names = list(states(given))[:3]
    own = [drawn(place) for place in range(3)]
    assert len(set(own)) == 3
    drawn(0)
    given.js("const all = document.querySelectorAll('#pictures button'); all[1].click(); all[2].click()")
    given.wait(lambda: given.text("#file-name") == names[2], "not the last")
    assert [drawn(place) for place in range(3)] == own


def test_all_results_are_exported_together(given: Page) -> None:
    given.pick(3)
    given.act("delete")
    script = """const real = URL.createObjectURL; window.handed = [];
        URL.createObjectURL = (blob) => { blob.text().then((text) => window.handed.push(text)); return real(blob); }"""
    given.js(script)
    given.one("#all-coco").click()
    given.one("#all-counts").click()
    given.wait(lambda: given.js("return window.handed.length") == 2, "not handed out")
    coco, counts = sorted(given.js("return window.handed"), key=lambda text: text[0] != "{")
    found = json.loads(coco)
    assert [image["file_name"] for image in found["images"]] == ["cell 1.png", "cell 2.png", "cell 10.png"]
    assert [sum(one["image_id"] == number for one in found["annotations"]) for number in (1, 2, 3)] == [6, 7, 7]
    rows = list(csv.DictReader(counts.splitlines()))
    assert [row["chromosomes"] for row in rows] == ["6", "7", "7", "0"]
    assert rows[3]["state"] == "refused"


def test_of_a_folder_the_pictures_are_taken_in_order(page: Page, files: list[Path]) -> None:
    (files[0].parent / "notes.txt").write_text("no picture")
    page.one("#choose-folder").send_keys(str(files[0].parent))
    page.wait(lambda: page.js("return document.querySelectorAll('#pictures button').length") == 4, "not taken")
    assert list(states(page)) == ["blank.png", "cell 1.png", "cell 2.png", "cell 10.png"]


RECORD = """
    const real = window.fetch;
    window.asked = [];
    window.fetch = async (url, options) => {
        const method = options.method ?? "GET";
        window.asked.push([method, url.split("?")[0].split("/").slice(0, 2).join("/")]);
        if (window.breaks && url.startsWith("v1/jobs")) {
            return Response.json({ error: { kind: "timeout", got: "no answer within 60 s" } }, { status: 504 });
        }
        if (window.hold && method === "GET" && url.startsWith("v1/jobs")) {
            const step = window.hold === "waiting" ? null : window.hold;
            return Response.json({ id: "x", state: step ? "working" : "waiting", step });
        }
        return real(url, options);
    };
"""


def asked(page: Page, wanted: str) -> list[str]:
    """The routes that were asked with a method, since RECORD."""
    return [route for method, route in page.js("return window.asked") if method == wanted]


def test_who_waits_for_a_small_picture_asks_once_and_the_rest_are_jobs(page: Page, files: list[Path]) -> None:
    page.js(RECORD)
    page.give(*files)
    page.wait(lambda: len(states(page)) == 4 and not {"waiting", "being cut"} & set(states(page).values()), "not all")
    assert sorted(asked(page, "POST")) == ["v1/jobs"] * 3 + ["v1/segment"]
    page.wait(lambda: asked(page, "DELETE") == ["v1/jobs"] * 3, "not forgotten")


def test_what_broke_off_is_not_called_refused_and_is_cut_when_it_is_opened(page: Page, files: list[Path]) -> None:
    page.js(RECORD + "window.breaks = true")
    page.give(*files[:2])
    page.wait(lambda: states(page).get("cell 2.png") == "failed", "not failed", lambda: page.text("#pictures"))
    page.heard("cell 2.png could not be cut.")
    look_everywhere(page)
    page.js("window.breaks = false")
    page.all("#pictures button")[1].click()
    page.wait(lambda: page.text("#file-name") == "cell 2.png", "not tried again")
    assert states(page)["cell 2.png"] == "doubtful"


def test_axe_finds_nothing_while_the_rest_waits_nor_when_it_is_done(page: Page, files: list[Path]) -> None:
    page.js(RECORD + "window.hold = 'waiting'")
    page.give(*files)
    page.wait(lambda: page.shown("work") and list(states(page).values())[1:] == ["waiting"] * 3, "not waiting")
    look_everywhere(page)
    page.js("window.hold = 'network'")
    page.wait(lambda: list(states(page).values())[1:] == ["being cut"] * 3, "not worked on")
    page.js("window.hold = ''")
    page.wait(lambda: not {"waiting", "being cut"} & set(states(page).values()), "not all cut")
    page.keys("d")
    page.wait(lambda: page.text("#file-name") == "cell 2.png", "not on to the next")
    assert states(page)["cell 1.png"] == "done"
    look_everywhere(page)


def test_a_large_picture_is_a_job_that_tells_its_step_and_can_be_stopped(
    page: Page, pictures: Any, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(pictures.cell.read_bytes() + bytes(5 * 2**20))
    page.js(RECORD + "window.hold = 'waiting'")
    page.give(large)
    page.wait(lambda: page.text("#busy-said") == "Other pictures come first.", "not told that it waits")
    page.js("window.hold = 'network'")
    page.wait(lambda: page.text("#busy-said") == "Chromosomes are looked for.", "no step")
    look_everywhere(page)
    page.one("#stop").click()
    page.wait(lambda: asked(page, "DELETE") == ["v1/jobs"] and page.shown("start"), "not stopped")
    page.js("window.hold = false")
    page.choose(large)
    assert (page.text("#file-name"), asked(page, "POST")) == ("large.png", ["v1/jobs"] * 2)
