"""Accept, reject, join, split, redraw, delete, add; undo and redo; saving."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from page_driver import Page
from selenium.webdriver.common.keys import Keys

from chromseg.annotations.rasterize import decode_rle

HALF = 330  # px: half of chromosome 3, a bar of 11 × 60 from (40, 120)


def state(page: Page) -> dict[int, tuple[int, str]]:
    """Size and what is told of each."""
    return {number: (page.sizes()[number], label) for number, label in page.labels().items()}


def test_accept_ends_the_looking(cell: Page) -> None:
    cell.pick(5)
    cell.act("accept")
    cell.heard("Accepted chromosome 5.")
    assert cell.labels()[5].endswith("accepted")
    assert "look here" not in cell.labels()[5]
    assert cell.text("#look-count") == "3"
    cell.pick(2)
    cell.act("accept")
    assert "look here" not in cell.labels()[2], "a low score that was accepted is no reason any more"
    assert cell.text("#look-count") == "2"


def test_reject_lowers_the_count_and_can_be_taken_back(cell: Page) -> None:
    cell.pick(3, 4)
    cell.act("reject")
    cell.heard("Rejected chromosomes 3 and 4.")
    assert cell.text("#count") == "5"
    assert cell.labels()[3].endswith("rejected")
    cell.act("reject")
    assert cell.text("#count") == "7"


def test_what_is_taken_back_is_what_it_was(cell: Page) -> None:
    before = state(cell)
    cell.pick(5)
    cell.act("reject")
    assert "look here" not in cell.labels()[5]
    cell.pick(5, 6)
    cell.act("reject")
    assert cell.text("#count") == "5"
    cell.act("reject")
    assert state(cell) == before


def test_delete(cell: Page) -> None:
    cell.focus(4)
    cell.keys(Keys.ENTER, Keys.DELETE)
    assert list(cell.labels()) == [1, 2, 3, 5, 6, 7]
    assert cell.focused().startswith("Chromosome 3"), "the focus stays near"
    cell.keys(Keys.DELETE)
    cell.heard("Choose a chromosome first.")
    assert list(cell.labels()) == [1, 2, 3, 5, 6, 7], "the neighbour was not chosen"


def test_join_with_the_next_one_chosen(cell: Page) -> None:
    sizes = cell.sizes()
    cell.pick(3)
    cell.act("join")
    assert "belongs to chromosome 3" in cell.text("#task-text")
    cell.click(150, 125)  # chromosome 4
    cell.heard("Joined chromosomes 3 and 4 into 3.")
    assert list(cell.labels()) == [1, 2, 3, 5, 6, 7]
    assert cell.sizes()[3] == sizes[3] + sizes[4]
    assert cell.selected() == [3]
    assert not cell.shown("task")


def test_join_of_two_that_cross_counts_the_crossing_once(cell: Page) -> None:
    sizes = cell.sizes()
    cell.pick(1, 2)
    cell.act("join")
    assert cell.sizes()[1] == sizes[1] + sizes[2] - 11 * 11
    assert "crosses" not in cell.labels()[1]


def test_join_can_be_given_up(cell: Page) -> None:
    before = state(cell)
    cell.pick(3)
    cell.act("join")
    cell.keys(Keys.ESCAPE)
    cell.heard("Nothing was changed.")
    cell.pick(4)
    assert state(cell) == before


def test_split_by_a_dragged_line(cell: Page) -> None:
    cell.pick(3)
    cell.act("split")
    cell.drag((34, 150), (44, 150), (57, 150))
    cell.heard("Split chromosome 3 into chromosomes 3 and 8.")
    sizes = cell.sizes()
    assert sizes[3] + sizes[8] == 2 * HALF
    assert sizes[3] == pytest.approx(HALF, abs=12)
    assert "corrected" in cell.labels()[8]
    assert "score" not in cell.labels()[8]


def test_split_by_clicks_ends_once_the_line_runs_across(cell: Page) -> None:
    cell.pick(3)
    cell.act("split")
    cell.click(34, 150)
    assert cell.shown("task")
    cell.click(57, 150)
    cell.heard("Split chromosome 3")


def test_a_line_that_does_not_cut_is_explained(cell: Page) -> None:
    before = state(cell)
    cell.pick(3)
    cell.act("split")
    cell.drag((45, 130), (45, 150))
    cell.heard("draw it right across")
    assert state(cell) == before


def test_redraw_by_a_dragged_outline(cell: Page) -> None:
    cell.pick(3)
    cell.act("redraw")
    cell.drag((60, 140), (80, 140), (80, 160), (60, 160))
    cell.heard("Redrew chromosome 3.")
    assert cell.sizes()[3] == pytest.approx(20 * 20, abs=40)
    cell.click(70, 150)
    assert cell.selected() == [3], "it lies where it was drawn"


def test_add_what_was_missed_by_clicks(cell: Page) -> None:
    cell.act("add")
    for place in ((10, 180), (30, 180), (30, 195), (10, 195), (10, 180)):  # the last click closes it
        cell.click(*place)
    cell.heard("Added chromosome 8.")
    assert cell.sizes()[8] == pytest.approx(20 * 15, abs=30)
    assert cell.labels()[8].endswith("added by hand")


def test_a_point_can_be_taken_back(cell: Page) -> None:
    cell.pick(3)
    cell.act("split")
    cell.click(34, 140)
    cell.one("#task-back").click()
    cell.click(34, 130)
    cell.click(57, 130)
    cell.heard("Split chromosome 3")
    assert min(cell.sizes()[3], cell.sizes()[8]) == pytest.approx(11 * 10, abs=12)


def test_undo_and_redo_go_through_every_step(cell: Page) -> None:
    states = [state(cell)]
    cell.pick(3)
    cell.act("split")
    cell.drag((34, 150), (57, 150))
    states.append(state(cell))
    cell.pick(3, 8)
    cell.act("join")
    states.append(state(cell))
    for number, action in ((5, "accept"), (4, "reject"), (1, "delete")):
        cell.pick(number)
        cell.act(action)
        states.append(state(cell))
    for expected in reversed(states[:-1]):
        cell.act("undo")
        assert state(cell) == expected
    assert cell.one("[data-action=undo]").get_attribute("aria-disabled") == "true"
    cell.act("undo")
    cell.heard("Nothing to undo.")
    for expected in states[1:]:
        cell.hold(Keys.CONTROL, "y")
        assert state(cell) == expected


def test_a_new_step_after_undo_forgets_the_undone(cell: Page) -> None:
    cell.pick(3)
    cell.act("delete")
    cell.hold(Keys.CONTROL, "z")
    cell.heard("Undone: deleted chromosome 3.")
    cell.pick(4)
    cell.act("delete")
    assert cell.one("[data-action=redo]").get_attribute("aria-disabled") == "true"
    assert list(cell.labels()) == [1, 2, 3, 5, 6, 7]


def test_an_action_with_nothing_chosen_only_says_so(cell: Page) -> None:
    before = state(cell)
    for action in ("delete", "accept", "reject", "join", "split", "redraw", "look"):
        cell.js("document.getElementById('said').textContent = ''")
        cell.act(action)
        cell.heard("Choose a chromosome first.")
        assert cell.seen("said"), "for eyes too"
        assert not cell.shown("task"), f"{action} began something"
    assert state(cell) == before
    assert cell.selected() == []


def test_what_was_said_leaves_the_eye_again(cell: Page) -> None:
    cell.act("delete")
    cell.heard("Choose a chromosome first.")
    cell.wait(lambda: not cell.seen("said"), "still there")
    assert cell.js("return document.getElementById('said').textContent") == "Choose a chromosome first."


def test_what_wants_one_chromosome_is_not_done_to_two(cell: Page) -> None:
    cell.pick(1, 2)
    cell.act("split")
    cell.heard("Choose one chromosome only.")


def test_saving_puts_a_file_on_the_server(cell: Page, corrections: Path) -> None:
    cell.pick(3)
    cell.act("split")
    cell.drag((34, 150), (57, 150))
    cell.pick(4)
    cell.act("reject")
    assert cell.text("#save-note") == "Not saved yet."
    assert cell.text("#save-kept").startswith("Nothing of this picture is kept on the server until you save.")
    cell.one("#reviewer").send_keys("Ada Tester")
    cell.one("[name=case]").send_keys("case 12")
    cell.one("#save-form button").click()
    cell.wait(lambda: cell.text("#save-note").startswith("Saved at"), "not saved")
    assert "by Ada Tester: 7 chromosomes, 7 before" in cell.text("#save-note")
    assert cell.text("#save-kept").startswith("This picture is kept on the server")
    saved = [found for path in corrections.rglob("*.json") for found in [json.loads(path.read_text(encoding="utf-8"))]]
    kept = [coco for coco in saved if len(coco.get("annotations", [])) == 7]
    text = json.dumps(saved)
    assert "Ada Tester" in text
    assert "case 12" in text
    halves = [one for coco in kept for one in coco["annotations"] if one["area"] == pytest.approx(HALF, abs=12)]
    assert len(halves) >= 2
    assert decode_rle(halves[0]["segmentation"], 200, 200)[120:180, 40:51].sum() == halves[0]["area"]


def test_an_edit_made_while_a_save_is_on_its_way_is_not_saved(cell: Page) -> None:
    cell.one("#reviewer").send_keys("Ada Tester")
    cell.pick(3)
    cell.act("delete")
    cell.hold_back("v1/corrections")
    cell.one("#save-form button").click()
    assert cell.text("#save-note") == "Saving …"
    cell.pick(4)
    cell.act("reject")
    cell.let_go()
    cell.wait(lambda: "6 chromosomes, 7 before" in cell.text("#save-note"), "not saved")
    assert cell.text("#save-note").endswith("Changed since: not saved yet.")
    assert asks_before_leaving(cell)
    cell.act("undo")
    assert cell.text("#save-note").endswith("6 chromosomes, 7 before.")
    assert not asks_before_leaving(cell), "this is what was saved"
    cell.act("undo")
    assert asks_before_leaving(cell)
    cell.act("redo")


def test_what_is_saved_is_the_picture_that_was_cut(
    page: Page, pictures: Any, corrections: Path, tmp_path: Path
) -> None:
    file = tmp_path / "cell.png"
    before = pictures.cell.read_bytes() + b"more"  # a picture of its own by its hash
    file.write_bytes(before)
    page.choose(file)
    file.write_bytes(pictures.blank.read_bytes())
    page.one("#reviewer").send_keys("Ada Tester")
    page.one("#save-form button").click()
    page.wait(lambda: page.text("#save-note").startswith("Saved at"), "not saved")
    assert (corrections / "corrected" / f"{hashlib.sha256(before).hexdigest()[:16]}.json").is_file()


def test_a_correction_without_chromosomes_is_explained(cell: Page) -> None:
    cell.pick(1, *range(2, 8))
    cell.act("delete")
    cell.one("#reviewer").send_keys("Ada Tester")
    cell.one("#save-form button").click()
    cell.wait(lambda: cell.text("#problem-dialog").startswith("That did not work"), "not told")
    assert "leaves no chromosome" in cell.text("#problem-dialog")
    assert cell.text("#save-note") == "Not saved yet."


def test_a_save_that_fails_leaves_the_corrections_unsaved(cell: Page) -> None:
    cell.one("#reviewer").send_keys("Ada Tester")
    cell.pick(3)
    cell.act("delete")
    cell.js("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
    cell.one("#save-form button").click()
    cell.wait(lambda: cell.text("#problem-dialog").startswith("No connection"), "not told")
    assert cell.text("#save-note") == "Not saved yet."
    assert asks_before_leaving(cell)


def test_a_save_that_is_on_its_way_is_not_sent_twice(cell: Page) -> None:
    cell.one("#reviewer").send_keys("Ada Tester")
    cell.hold_back("v1/corrections")
    cell.one("#save-form button").click()
    cell.js("window.fetch = () => { throw new Error('sent twice') }")
    cell.one("#save-form button").click()
    cell.let_go()
    cell.wait(lambda: cell.text("#save-note").startswith("Saved at"), "not saved")


def asks_before_leaving(page: Page) -> bool:
    """Whether the browser would ask before the window is closed."""
    script = "return !window.dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    return bool(page.js(script))


def test_a_reviewer_is_asked_for(cell: Page) -> None:
    cell.js("localStorage.clear(); document.getElementById('reviewer').value = ''")
    cell.one("#save-form button").click()
    assert cell.focused() == "reviewer"
    assert cell.text("#save-note") == ""


def test_what_is_not_saved_is_not_lost_unasked(cell: Page) -> None:
    cell.pick(3)
    cell.act("delete")
    for keys, count in (((Keys.ENTER,), "6"), ((Keys.TAB, Keys.ENTER), "7")):  # stay; go on
        cell.one("#work .title-row [data-opens=options-dialog]").click()
        cell.one("#cut-again").click()
        cell.wait(lambda: bool(cell.js("return document.getElementById('lose-dialog').open")), "not asked")
        cell.keys(*keys)
        cell.wait(lambda count=count: cell.shown("work") and cell.text("#count") == count, "lost, or not cut again")
