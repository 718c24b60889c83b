"""Outlines drawn anew by a corrector."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from chromseg.inference.correcting import OutlineCorrector
from chromseg.inference.outline_views import Frame
from chromseg.metrics import mask_ious
from chromseg.models.corrector import Corrector
from chromseg.models.verifier import OUTLINE

SHAPE, WIDTH = (240, 320), 12.0


class Told(Corrector):
    """Draws what one plane of the view shows."""

    def __init__(self, plane: int) -> None:
        super().__init__()
        self.plane = plane

    def forward(self, views: Tensor) -> Tensor:
        return 20 * (views[:, self.plane] - 0.5)


def bar(row: float, col: float, angle: float, length: float = 80, width: float = WIDTH) -> np.ndarray:
    """A bar around a point, its long side `angle` degrees off the vertical."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]] - np.array([row, col])[:, None, None]
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return (np.abs(rows * cos + cols * sin) <= length / 2) & (np.abs(cols * cos - rows * sin) <= width / 2)


def redrawn(masks: np.ndarray, chromosome: np.ndarray, plane: int = 1) -> np.ndarray:
    maps = np.stack([chromosome, 0 * chromosome]).astype(np.float32)
    corrector = OutlineCorrector(Told(plane).eval())
    return corrector.redraw(masks, np.full(SHAPE, 0.3, dtype=np.float32), maps, WIDTH)


@pytest.mark.parametrize("angle", [0, 30, 89, 135])
def test_what_the_network_draws_lies_in_the_picture_where_it_was_seen(angle: float) -> None:
    """The map shows the whole chromosome, the outline lacks a third of its width on one side."""
    whole = bar(120, 160, angle)
    shift = 2 * np.array([np.sin(np.deg2rad(angle)), -np.cos(np.deg2rad(angle))])
    slim = bar(120 - shift[0], 160 - shift[1], angle, width=WIDTH - 4) & whole
    assert mask_ious(slim[None], whole[None]).item() < 0.75
    assert mask_ious(redrawn(slim[None], whole), whole[None]).item() > 0.95


def test_what_would_be_another_chromosome_stays_as_it_was() -> None:
    mask, other = bar(120, 160, 0), bar(120, 200, 0)
    assert np.array_equal(redrawn(mask[None], other), mask[None])
    assert np.array_equal(redrawn(mask[None], np.zeros(SHAPE)), mask[None]), "or nothing at all"


def test_what_would_be_nearly_the_same_stays_as_it_was() -> None:
    """It is the last pixel of the rim that differs, by a twelfth of the width."""
    mask, wider = bar(120, 160, 0), bar(120, 160.5, 0, width=WIDTH + 1)
    assert 0.9 < mask_ious(mask[None], wider[None]).item() < 1
    assert np.array_equal(redrawn(mask[None], wider), mask[None])


def test_a_chromosome_is_one_piece() -> None:
    """The network draws the other one with it, a splinter of which lies in view."""
    whole, slim, other = bar(120, 160, 0), bar(120, 160, 0, width=WIDTH - 4), bar(90, 185, 0, length=12)
    (drawn,) = redrawn(slim[None], whole | other)
    assert mask_ious(drawn[None], whole[None]).item() > 0.95 and not (drawn & other).any()


def test_what_lies_beyond_the_view_stays() -> None:
    """A view is 128 px long here, the chromosome 200: the network draws the middle of it anew."""
    long, slim = bar(120, 160, 90, length=200), bar(120, 160, 90, length=200, width=WIDTH - 4)
    (drawn,) = redrawn(slim[None], long)
    rows = drawn.sum(axis=0)
    assert rows[160] == pytest.approx(WIDTH, abs=1) and rows[65] == rows[255] == slim[:, 65].sum()


def test_an_outline_at_the_rim_of_the_picture() -> None:
    whole, slim = bar(118, 0, 0), bar(118, 0, 0, width=WIDTH - 4)
    assert mask_ious(redrawn(slim[None], whole), whole[None]).item() > 0.95


def test_no_outlines() -> None:
    assert redrawn(np.zeros((0, *SHAPE), dtype=bool), np.zeros(SHAPE)).shape == (0, *SHAPE)


def test_a_view_and_its_way_back_are_one_another_undone() -> None:
    draw = np.random.default_rng(0)
    mask = bar(100, 150, 40)
    frame = Frame.of(mask, WIDTH)
    own = mask[frame.window]
    back = frame.back(frame.laid((255 * own).astype(np.uint8)), own.shape) > 127
    assert mask_ious(back[None], own[None]).item() > 0.97
    noise = draw.integers(0, 255, own.shape).astype(np.uint8)
    assert frame.laid(noise).std() > 10


def test_each_outline_is_drawn_upright_and_turned() -> None:
    """A network that draws the upper half alone draws half of each."""

    class Upper(Corrector):
        def forward(self, views: Tensor) -> Tensor:
            rows = torch.arange(views.shape[2])[:, None] < views.shape[2] // 2
            return 20 * (views[:, OUTLINE] * rows - 0.25)

    views = np.zeros((1, 5, 96, 48), dtype=np.uint8)
    views[:, OUTLINE, 20:76, 20:28] = 255
    drawn = OutlineCorrector(Upper().eval()).draw(views)
    assert drawn[0, 30, 24] > 100 and np.abs(drawn.astype(int) - drawn[:, ::-1, ::-1]).max() <= 1
