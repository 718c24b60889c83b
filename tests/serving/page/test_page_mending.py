"""How many actions a person needs to mend a field: a hand that knows the truth, at the real page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
from drawn_cells import threshold_predictor
from laid_field import FaultyPredictor, LaidField, axis_of, lay_field
from page_driver import Page
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from serving_app import running_server

from chromseg.annotations import decode_rle
from chromseg.arrays import Bool
from chromseg.metrics.instances import handed_out

FAULTS, MOST_ACTIONS = 13, 16


@dataclass
class Hand:
    """Every key, click and stroke counts as an action."""

    page: Page
    actions: int = 0

    def press(self, key: str) -> None:
        self.page.keys(key)
        self.actions += 1

    def stroke(self, *points: tuple[float, float]) -> None:
        self.page.drag(*points)
        self.actions += 1

    def click(self, css: str) -> None:
        self.page.one(css).click()
        self.actions += 1


@pytest.fixture(scope="module")
def field() -> LaidField:
    return lay_field(0)


@pytest.fixture
def cut(browser: webdriver.Chrome, field: LaidField, tmp_path: Path) -> Iterator[Page]:
    """The field at work, as the faulty network cut it; corrections go to `tmp_path`."""
    Image.fromarray(field.image).save(tmp_path / "field.png")
    certain = threshold_predictor()
    given = {one.name: getattr(certain, one.name) for one in fields(certain)}
    with running_server(FaultyPredictor(**given, masks=field.found), corrections=str(tmp_path), rate=0) as url:
        page = Page(browser, url)
        page.open()
        page.js("document.querySelector('#options [name=scale]').value = '1'")
        page.choose(tmp_path / "field.png")
        yield page
        page.close()


def faults(found: Bool, truth: Bool) -> int:
    """The contract's `edits`: missing, invented, and outlines below IoU 0.8."""
    a, b = (masks.reshape(len(masks), -1).astype(np.float32) for masks in (found, truth))
    shared = a @ b.T
    return handed_out(shared / (a.sum(axis=1)[:, None] + b.sum(axis=1) - shared))["edits"]


def kept(folder: Path, shape: tuple[int, ...]) -> Bool:
    (file,) = (folder / "corrected").glob("*.json")
    annotations = json.loads(file.read_text(encoding="utf-8"))["annotations"]
    return np.stack([decode_rle(one["segmentation"], *shape) for one in annotations])


def test_a_field_with_thirteen_faults_takes_few_actions(cut: Page, field: LaidField, tmp_path: Path) -> None:
    assert faults(field.found, field.truth) == FAULTS
    assert len(cut.labels()) == len(field.found)
    hand, rng = Hand(cut), np.random.default_rng(0)
    hand.press("x")
    for tangle in field.tangles:
        cut.js("document.getElementById('task-text').textContent = ''")
        hand.stroke(*axis_of(field.truth[tangle[0]], rng))
        cut.wait(lambda: cut.shown("task") and cut.text("#task-text") != "", "not partitioned")
    hand.press(Keys.ENTER)
    hand.click("[data-action=small]")
    cut.one("#reviewer").send_keys("Ada Tester")
    cut.one("#save-form button").click()
    cut.wait(lambda: cut.text("#save-note").startswith("Saved at"), "not saved")
    assert faults(kept(tmp_path, field.image.shape), field.truth) == 0
    assert hand.actions <= MOST_ACTIONS
