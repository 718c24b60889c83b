"""Every kind of file that a microscope, or a person, may hand over."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from chromseg.errors import InputRefusedError
from chromseg.images.pictures import read_picture


def ramp(dtype: type = np.uint8, top: int = 255) -> np.ndarray:
    """A picture (20, 30) in which every corner differs."""
    return np.linspace(0, top, 600).reshape(20, 30).astype(dtype)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def tiff(array: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_grey_files_keep_their_pixels(kind: str) -> None:
    (page,) = read_picture(encoded(Image.fromarray(ramp()), kind)).pages
    assert page.bit_depth == 8 and page.rgb is None
    np.testing.assert_array_equal(page.grey, ramp())


def test_jpeg_keeps_its_pixels_nearly() -> None:
    (page,) = read_picture(encoded(Image.fromarray(ramp()), "JPEG", quality=95)).pages
    assert np.abs(page.grey.astype(int) - ramp()).max() <= 8


@pytest.mark.parametrize(("top", "depth"), [(4095, 12), (65535, 16)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_deep_files_keep_their_depth(kind: str, top: int, depth: int) -> None:
    deep = ramp(np.uint16, top)
    (page,) = read_picture(encoded(Image.fromarray(deep), kind)).pages
    assert page.bit_depth == depth
    np.testing.assert_array_equal(page.grey, deep)


def test_big_endian_tiff() -> None:
    (page,) = read_picture(tiff(ramp(np.uint16, 60000), byteorder=">")).pages
    np.testing.assert_array_equal(page.grey, ramp(np.uint16, 60000))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_tiff_keeps_values_and_nan(dtype: type) -> None:
    values = ramp(dtype) / 7
    values[3, 4] = np.nan
    (page,) = read_picture(tiff(values)).pages
    assert page.bit_depth == 32
    np.testing.assert_allclose(page.grey, values, rtol=1e-6)


def test_pages_of_a_tiff_are_all_there() -> None:
    stack = np.stack([ramp(), 255 - ramp(), ramp() // 2])
    pages = read_picture(tiff(stack, photometric="minisblack")).pages
    assert len(pages) == 3
    for page, expected in zip(pages, stack, strict=True):
        np.testing.assert_array_equal(page.grey, expected)


def test_grey_saved_as_colour_is_grey_again() -> None:
    (page,) = read_picture(encoded(Image.fromarray(ramp()).convert("RGB"), "PNG")).pages
    assert page.rgb is None
    np.testing.assert_array_equal(page.grey, ramp())


@pytest.mark.parametrize("mode", ["P", "CMYK"])
def test_palette_and_cmyk(mode: str) -> None:
    picture = Image.fromarray(ramp()).convert("RGB")
    picture = picture.quantize(256) if mode == "P" else picture.convert(mode)
    (page,) = read_picture(encoded(picture, "PNG" if mode == "P" else "TIFF")).pages
    assert np.abs(page.grey.astype(int) - ramp()).max() <= 2


def test_transparent_ground_of_a_dark_object_becomes_white() -> None:
    rgba = np.zeros((20, 30, 4), dtype=np.uint8)
    rgba[8:12, 5:12] = (40, 40, 40, 255)
    (page,) = read_picture(encoded(Image.fromarray(rgba), "PNG")).pages
    assert page.grey[0, 0] == 255 and page.grey[9, 8] == 40


def test_few_transparent_holes_get_the_ground() -> None:
    rgba = np.full((20, 30, 4), 200, dtype=np.uint8)
    rgba[..., 3] = 255
    rgba[:3, :3] = 0
    (page,) = read_picture(encoded(Image.fromarray(rgba), "PNG")).pages
    assert page.grey[0, 0] == 200


def test_exif_turn_is_undone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise by 90°
    (page,) = read_picture(encoded(Image.fromarray(ramp()), "JPEG", exif=exif, quality=95)).pages
    assert page.grey.shape == (30, 20)
    assert abs(int(page.grey[0, -1]) - int(ramp()[0, 0])) <= 8


def test_arrays_are_read_like_files() -> None:
    assert read_picture(ramp(np.uint16, 60000)).pages[0].bit_depth == 16
    assert read_picture(np.stack([ramp()] * 3, axis=-1)).pages[0].rgb is None


def test_sha256_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    content = encoded(Image.fromarray(ramp()), "PNG")
    (tmp_path / "a.png").write_bytes(content)
    assert read_picture(tmp_path / "a.png").sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture, though named .png",
        encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)), "PNG")[:900],
        encoded(Image.fromarray(ramp()), "JPEG")[:200],
        encoded(Image.fromarray(ramp()), "TIFF")[:100],
        tiff(ramp(np.uint16, 60000), compression="zlib")[:150],
    ],
    ids=["empty", "text", "cut png", "cut jpeg", "cut tiff", "cut deflate tiff"],
)
def test_what_is_no_whole_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InputRefusedError, match="expected a whole PNG"):
        read_picture(content)


def test_missing_file_is_named() -> None:
    with pytest.raises(InputRefusedError, match=r"nowhere\.png cannot be opened"):
        read_picture("nowhere.png")


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_huge_picture_is_refused_before_it_is_decoded(kind: str) -> None:
    content = encoded(Image.new("1", (10_100, 10_100)), kind)
    with pytest.raises(InputRefusedError, match="at most 100 megapixels"):
        read_picture(content)
    with pytest.raises(InputRefusedError, match=r"at most 0\.000599 megapixels"):
        read_picture(encoded(Image.fromarray(ramp()), kind), max_pixels=599)


def test_a_jpeg_of_several_pictures_gives_the_first() -> None:
    """What some cameras write under .jpg."""
    stack = encoded(Image.fromarray(ramp()), "MPO", save_all=True, append_images=[Image.fromarray(255 - ramp())])
    (page,) = read_picture(stack).pages
    assert np.abs(page.grey.astype(int) - ramp()).max() <= 8


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "adobe_deflate", "packbits", "lzma", "zstd"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float64])
def test_tiff_compressions_that_lose_nothing(compression: str | None, dtype: type) -> None:
    values = ramp(dtype, 60000)
    (page,) = read_picture(tiff(values, compression=compression)).pages
    np.testing.assert_allclose(page.grey, values, rtol=1e-6)


def patched(content: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF with another value of a tag of its first page."""
    at = content.index(struct.pack("<H", tag), struct.unpack_from("<I", content, 4)[0])
    return content[: at + 8] + struct.pack("<I", value) + content[at + 12 :]


@pytest.mark.parametrize("code", [7, 34712, 34887, 50001, 50002])  # JPEG, JPEG 2000, LERC, WebP, JPEG XL
def test_tiff_compressions_that_may_grow_without_bound_are_refused(code: int) -> None:
    with pytest.raises(InputRefusedError, match=r"TIFF that is not read \(compression .* LZW, deflate, PackBits"):
        read_picture(patched(tiff(ramp(np.float64)), 259, code))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (patched(tiff(ramp(np.float64)), 277, 60_000), "60000 values"),  # SamplesPerPixel
        (tiff(ramp(np.complex128)), "complex128"),
    ],
)
def test_pixels_that_are_no_picture_are_refused(content: bytes, told: str) -> None:
    with pytest.raises(InputRefusedError, match=rf"TIFF that is not read \(.*{told}"):
        read_picture(content)


def chain(pages: int, pieces: int = 1, last: int = 0) -> bytes:
    """A TIFF of pages of 1 × 1 pixel, cut into so many strips, all at the same place; the last names the next page."""
    tags = ((256, 4, 1, 1), (257, 4, 1, 1), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, pieces, 8), (279, 4, pieces, 8))
    body = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    size, start = 2 + len(body) + 4, 8 + 4 * pieces
    ways = [start + size * number for number in range(1, pages)] + [last]
    directories = b"".join(struct.pack("<H", len(tags)) + body + struct.pack("<I", way) for way in ways)
    return b"II*\0" + struct.pack("<I", start) + bytes(4 * pieces) + directories


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (chain(1_001), "more than 1000 pages"),
        (chain(300_000), "more than 1000 pages"),
        (chain(3, last=12), "pages that go round in a circle"),
        (chain(1, pieces=2_000_000), "in more than 250000 pieces"),
        (chain(900, pieces=1000), "tags of more bytes than the file has"),
    ],
    ids=["pages", "many pages", "circle", "pieces", "shared pieces"],
)
def test_a_tiff_that_would_keep_its_reader_busy_is_refused_at_once(content: bytes, told: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputRefusedError, match=rf"TIFF that is not read \(.*({told})"):
        read_picture(content)
    assert time.perf_counter() - start < 5  # with the reader alone: minutes


def test_a_reader_says_nothing_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InputRefusedError):
        read_picture(patched(tiff(ramp(np.float64)), 273, 10**9))
    assert caplog.records == []
