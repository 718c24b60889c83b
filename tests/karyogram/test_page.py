"""The picture of a karyogram."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bent import arc, straight
from PIL import Image

from chromseg.errors import OutputError
from chromseg.karyogram.karyogram import Karyogram, Placed
from chromseg.karyogram.page import drawn_straight, karyogram_page, save_page, upright


def placed(number: int, name: str, *, upside_down: bool = False, unsure: bool = False) -> Placed:
    return Placed(number, name, 0.9, 0.99, upside_down, unsure)


def test_a_bent_chromosome_is_drawn_straight_and_dark_on_white() -> None:
    absorbance, mask, way = arc()
    (strip,) = drawn_straight(absorbance, [mask])
    assert strip.shape[0] == pytest.approx(110, abs=4)  # the only one is the median
    assert strip.shape[1] == pytest.approx(110 * 9 / way, abs=6)
    assert strip.min() < 80 and strip.dtype == np.uint8


def test_a_chromosome_upside_down_is_turned_by_half() -> None:
    absorbance, mask = straight()
    (drawn,) = drawn_straight(absorbance, [mask])
    as_found, turned = (upright(placed(1, "1", upside_down=down), drawn) for down in (False, True))
    assert np.array_equal(as_found[::-1, ::-1], turned)
    assert np.abs(as_found[20].mean() - turned[20].mean()) > 30  # the bar is paler at one end


def test_what_lies_beside_the_axis_is_not_drawn() -> None:
    _, mask = straight(40, 9, 80)
    beside = mask.copy()
    beside[30:40, 46:52] = True
    alone, with_speck = (
        drawn_straight(np.where(each, 0.5, 0).astype(np.float32), [each])[0].shape for each in (mask, beside)
    )
    assert with_speck == pytest.approx(alone, abs=2)


def test_lengths_keep_their_proportion() -> None:
    masks = [straight(length, 9, 120)[1] for length in (40, 80)]
    absorbance = np.where(np.any(masks, axis=0), 0.5, 0).astype(np.float32)
    short, long = drawn_straight(absorbance, masks)
    assert long.shape[0] / short.shape[0] == pytest.approx(2, rel=0.05)


def test_the_page_shows_every_chromosome_and_marks_the_unsure() -> None:
    absorbance, mask = straight()
    drawn = drawn_straight(absorbance, [mask])
    sure = karyogram_page(Karyogram((placed(1, "1"),)), drawn)
    doubted = karyogram_page(Karyogram((placed(1, "1", unsure=True),)), drawn)
    empty = karyogram_page(Karyogram(()), [])
    assert sure.shape[2] == 3 and sure.dtype == np.uint8
    dark = [(page.max(axis=2) < 200).sum() for page in (empty, sure)]
    assert dark[1] > dark[0] + 1000  # 110 × 25 px of chromosome
    coloured = [np.ptp(page.astype(int), axis=2).max() for page in (sure, doubted)]
    assert coloured[0] == 0 and coloured[1] > 100


def test_x_stands_with_c_and_y_with_g() -> None:
    """A page is as high as its rows, and a row as its longest chromosome."""
    absorbance, mask = straight()

    def height(*names: str) -> int:
        karyogram = Karyogram(tuple(placed(number, name) for number, name in enumerate(names, start=1)))
        return karyogram_page(karyogram, drawn_straight(absorbance, [mask]) * len(names)).shape[0]

    assert height("6", "X") == height("6") < height("6", "13") == height("X", "13")
    assert height("21", "Y") == height("21") < height("21", "X")


@pytest.mark.parametrize("name", ["a.png", "a.pdf"])
def test_pages_are_saved_in_one_step(tmp_path: Path, name: str) -> None:
    page = karyogram_page(Karyogram(()), [])
    save_page(page, tmp_path / name)
    head = (tmp_path / name).read_bytes()[:5]
    assert head == (b"%PDF-" if name.endswith("pdf") else b"\x89PNG\r")
    assert [each.name for each in tmp_path.iterdir()] == [name]
    if name.endswith("png"):
        assert np.array_equal(np.asarray(Image.open(tmp_path / name)), page)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        save_page(np.zeros((2, 2, 3), dtype=np.uint8), tmp_path / "file" / "a.png")
