"""Pixels of more bits, another sign or other channels than most files have: right, or refused with the reason."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from chromseg.errors import InputRefusedError
from chromseg.images.foreign import FOREIGN
from chromseg.images.pictures import read_picture

GREY = np.linspace(0, 4000, 600).reshape(20, 30).astype(np.uint16)  # 12 bits in 16
COLOUR = np.stack([GREY, GREY // 2, GREY // 4], axis=-1)


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **{"photometric": "minisblack"} | options)
    return stream.getvalue()


def grey_of(content: bytes) -> np.ndarray:
    (page,) = read_picture(content).pages
    return np.asarray(page.grey, dtype=np.float64)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint32, np.float32])
def test_signs_and_large_numbers_are_kept(dtype: type) -> None:
    low, high = (-100, 100) if dtype is np.int8 else (0, 4e9) if dtype is np.uint32 else (-30_000, 30_000)
    values = np.linspace(low, high, 600).reshape(20, 30).astype(dtype)
    np.testing.assert_allclose(grey_of(tiff(values)), values.astype(np.float64), rtol=1e-6)


@pytest.mark.parametrize(
    "content",
    [
        tiff(COLOUR, photometric="rgb"),
        tiff(np.moveaxis(COLOUR, -1, 0), photometric="rgb", planarconfig="separate"),
        imagecodecs.png_encode(COLOUR),
        imagecodecs.png_encode(np.concatenate([COLOUR, np.full((20, 30, 1), 65535, np.uint16)], axis=-1)),
    ],
    ids=["tiff", "planes", "png", "opaque png"],
)
def test_colour_of_twelve_bits_keeps_them(content: bytes) -> None:
    expected = COLOUR @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey_of(content), expected, atol=1)
    (page,) = read_picture(content).pages
    assert page.bit_depth == 12 and page.rgb is not None


def test_a_picture_of_sixteen_bits_with_holes_lies_on_its_ground() -> None:
    alpha = np.full((20, 30), 65535, np.uint16)
    alpha[:5, :5] = 0
    (page,) = read_picture(imagecodecs.png_encode(np.stack([16 * GREY, alpha], axis=-1))).pages
    assert page.bit_depth == 8
    np.testing.assert_allclose(page.grey[6:], 16 * GREY[6:] / 256, atol=1)


@pytest.mark.parametrize(("pixels", "white"), [(GREY, 4095), (16 * GREY, 65535), ((GREY // 16).astype(np.uint8), 255)])
def test_where_zero_is_white_pixels_are_inverted(pixels: np.ndarray, white: int) -> None:
    np.testing.assert_array_equal(grey_of(tiff(pixels, photometric="miniswhite")), white - pixels.astype(np.float64))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (tiff(GREY.astype(np.float32), photometric="miniswhite"), "0 is white, and what is black is not said"),
        (tiff(np.stack([GREY, GREY], -1).astype(np.uint8), planarconfig="contig"), "two channels in one page"),
        (tiff(np.stack([GREY, GREY], -1), planarconfig="contig"), "two channels in one page"),
        (tiff(np.stack([GREY, GREY]), planarconfig="separate"), "two channels in one page"),
    ],
    ids=["float", "8 bits", "16 bits", "planes"],
)
def test_what_is_not_read_is_refused_with_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(InputRefusedError, match=why):
        read_picture(content)


@pytest.mark.parametrize("one", FOREIGN, ids=lambda one: one.suffix)
def test_a_microscopes_own_file_is_named_with_the_export_to_choose(tmp_path: Path, one: object) -> None:
    file = tmp_path / f"cell{one.suffix}"  # type: ignore[attr-defined]
    file.write_bytes(one.begins + bytes(200))  # type: ignore[attr-defined]
    with pytest.raises(InputRefusedError) as caught:
        read_picture(file)
    assert caught.value.got == f"cell{one.suffix} is a {one.name} file"  # type: ignore[attr-defined]
    assert "TIFF" in str(caught.value)


def test_people_read_no_names_of_python(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(GREY.astype(np.uint8)).save(stream, "PNG")
    for content in (b"nothing", stream.getvalue()[:60], b"II*\0" + bytes(40), tiff(GREY)[:200]):
        with pytest.raises(InputRefusedError) as caught:
            read_picture(content)
        assert not any(word in str(caught.value) for word in ("Error", "object at", "<_io", "BytesIO"))
