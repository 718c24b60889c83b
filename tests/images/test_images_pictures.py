import numpy as np
import pytest
from PIL import Image

from chromseg.errors import DataError
from chromseg.images import pictures
from chromseg.images.pictures import read_grey

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_grey_files_come_back_as_they_are(tmp_path, suffix):
    Image.fromarray(RAMP).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read_grey(tmp_path / f"a.{suffix}"), RAMP)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_kept(tmp_path, suffix):
    deep = RAMP.astype(np.uint16) * 1000
    Image.fromarray(deep).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read_grey(tmp_path / f"a.{suffix}"), deep)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "CMYK"])
def test_other_modes_become_grey(tmp_path, mode):
    Image.fromarray(RAMP).convert(mode).save(tmp_path / "a.tif")
    np.testing.assert_allclose(read_grey(tmp_path / "a.tif"), RAMP, atol=1)


def test_a_turned_photograph_is_set_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90° clockwise
    Image.fromarray(RAMP).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_grey(tmp_path / "a.png"), np.rot90(RAMP, -1))


def test_bytes_are_read_like_a_file(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_grey((tmp_path / "a.png").read_bytes(), "inside"), RAMP)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no image .*gone\.png"):
        read_grey(tmp_path / "gone.png")


@pytest.mark.parametrize("content", [b"", b"just text", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_what_is_no_picture_is_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png cannot be read as an image"):
        read_grey(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
def test_a_truncated_file_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / f"whole.{suffix}")
    whole = (tmp_path / f"whole.{suffix}").read_bytes()
    (tmp_path / f"half.{suffix}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"half\.\w+ cannot be read"):
        read_grey(tmp_path / f"half.{suffix}")


def test_several_pages_are_refused(tmp_path):
    page = Image.fromarray(RAMP)
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page])
    with pytest.raises(DataError, match="2 pages"):
        read_grey(tmp_path / "a.tif")


def test_a_huge_picture_is_refused_before_its_pixels_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 40)
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="8×6 pixels; expected at most 4e-05 megapixels"):
        read_grey(tmp_path / "a.png")


def test_a_picture_beyond_what_pillow_opens_is_refused(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: 400 megapixels; expected at most 100 megapixels"):
        read_grey(tmp_path / "a.png")
