"""One browser and one server for all tests of the page; a fresh page for each."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest
from drawn_cells import CROSSED, GROUND, SINGLE, drawn_cell, threshold_predictor
from page_driver import Page, clean_page
from PIL import Image
from selenium import webdriver
from serving_app import running_server

from chromseg.arrays import F32, Bool
from chromseg.inference.found import Found
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.prepared import Remainder

SIDE = 200
DOUBTFUL = 3  # of the drawn chromosomes, the last
LOW, LOW_SCORE = 1, 0.43  # index and score of one that is not flagged


@dataclass(frozen=True)
class _Doubted:
    """What is left to do, and then the last ones are flagged and one scores low, whatever stage 2 thinks of them."""

    left: Remainder

    def __call__(self) -> Found:
        found = self.left()
        flags = [()] * (len(found.masks) - DOUBTFUL) + [("needs-review", "three-at-crossing")] * DOUBTFUL
        scores = tuple(LOW_SCORE if index == LOW else score for index, score in enumerate(found.scores))
        return replace(found, flags=tuple(flags), scores=scores)


@dataclass(frozen=True)
class DoubtingPredictor(MapPredictor):
    """A network that is a threshold, and doubts what it finds last."""

    def begin(self, images: Sequence[F32], at_once: float = math.inf) -> list[Remainder]:
        return [_Doubted(left) for left in super().begin(images, at_once)]


@dataclass(frozen=True)
class Pictures:
    """Files to choose: seven chromosomes of which the last three meet at one place; and one that is refused."""

    cell: Path
    blank: Path


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    """Debian's Chromium without a window; the tests fail where it is absent."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and driver, "these tests need Debian's chromium: apt-get install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1000"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # which Chromium refuses to have as root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield found
    finally:
        found.quit()


@pytest.fixture(scope="session")
def corrections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps corrections."""
    return tmp_path_factory.mktemp("corrections")


@pytest.fixture(scope="session")
def server(corrections: Path) -> Iterator[str]:
    """The address of a server whose network is a threshold."""
    certain = threshold_predictor()
    doubting = DoubtingPredictor(**{field.name: getattr(certain, field.name) for field in fields(certain)})
    with running_server(doubting, corrections=str(corrections), rate=0) as url:
        yield url


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    folder = tmp_path_factory.mktemp("pictures")
    _, masks = drawn_cell(SIDE)
    star = [_bar(140, 162, 0.3 + third * np.pi / 3) for third in range(3)]
    depth = np.minimum(masks.sum(axis=0) + sum(star), 2)
    noise = np.random.default_rng(0).normal(0, 2, depth.shape)
    cell = np.clip(np.choose(depth, [GROUND, SINGLE, CROSSED]) + noise, 0, 255).astype(np.uint8)
    found = Pictures(folder / "cell 7.png", folder / "blank.png")
    Image.fromarray(cell).save(found.cell)
    Image.fromarray(np.full((SIDE, SIDE), GROUND, dtype=np.uint8)).save(found.blank)
    return found


def _bar(x: float, y: float, angle: float) -> Bool:
    """A bar 56 px long and 11 px wide around a point."""
    rows, cols = np.mgrid[:SIDE, :SIDE] + 0.5
    along = (cols - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    across = (rows - y) * np.cos(angle) - (cols - x) * np.sin(angle)
    return np.asarray((np.abs(along) < 28) & (np.abs(across) < 5.5))


@pytest.fixture(scope="module")
def opened(browser: webdriver.Chrome, server: str) -> Page:
    """The page opened once, for tests that only use its modules."""
    found = Page(browser, server)
    found.open()
    return found


@pytest.fixture
def page(browser: webdriver.Chrome, server: str, corrections: Path) -> Iterator[Page]:
    """The page as it opens, of a server that keeps nothing yet."""
    for kept in corrections.iterdir():
        shutil.rmtree(kept, ignore_errors=True)
    with clean_page(browser, server) as found:
        yield found


@pytest.fixture
def cell(page: Page, pictures: Pictures) -> Page:
    """The page with the drawn cell cut."""
    page.choose(pictures.cell)
    return page
