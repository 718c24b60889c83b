"""The hash by which a picture is known again, and the pictures that a model has seen."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from chromseg.annotations.identity import pixel_hash
from chromseg.annotations.seen import Seen, judged_on_seen
from chromseg.images.pictures import read_grey


def _picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (30, 40), dtype=np.uint8)


def _packed(grey: np.ndarray, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, format, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("format", "options"),
    [("PNG", {}), ("PNG", {"compress_level": 0}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {})],
)
def test_a_picture_has_one_hash_in_every_lossless_file(format: str, options: dict[str, object]) -> None:
    assert pixel_hash(read_grey(_packed(_picture(), format, **options))) == pixel_hash(_picture())


def test_colour_with_equal_channels_is_the_grey_picture() -> None:
    colour = np.repeat(_picture()[:, :, None], 3, axis=2)
    assert pixel_hash(read_grey(_packed(colour, "PNG"))) == pixel_hash(_picture())


@pytest.mark.parametrize("stored", [np.uint16, np.int32, np.float32, np.float64])
def test_eight_bits_may_be_kept_in_more(stored: type) -> None:
    assert pixel_hash(_picture().astype(stored)) == pixel_hash(_picture())
    if stored is not np.uint8:
        assert pixel_hash(_picture().astype(stored) * 257) == pixel_hash(_picture())


def test_other_pixels_have_another_hash() -> None:
    grey = _picture()
    one_off = grey.copy()
    one_off[3, 4] ^= 1
    sixteen = grey.astype(np.uint16) * 257
    sixteen[0, 0] ^= 1
    fractions = grey / np.float32(255)
    blank = np.full_like(fractions, np.nan)
    others = [grey.T, grey.reshape(40, 30), one_off, 255 - grey, sixteen, fractions, fractions.T, blank]
    hashes = [pixel_hash(each) for each in (grey, *others)]
    assert len(set(hashes)) == len(hashes)
    assert pixel_hash(grey) == pixel_hash(np.asfortranarray(grey))
    assert {len(each) for each in hashes} == {16}


def test_a_model_knows_what_its_parents_know() -> None:
    parent = Seen.of(["c", "a"], tested=["t"], unknown=["models/old-0"])
    child = Seen.of(["b", "b"], tested=["x"]).with_parents(parent, Seen.of(["a"]))
    assert child == Seen(("a", "b", "c"), ("x",), ("models/old-0",))
    assert judged_on_seen(["x", "c", "a", "a"], child) == ["a", "c"]
    assert judged_on_seen(["x"], child) == []


def test_a_card_says_it_again_and_an_old_card_does_not() -> None:
    seen = Seen.of(["b", "a"], ["t"], ["u"])
    assert Seen.from_card(seen.to_card(), "models/new-0") == seen
    assert Seen.from_card(None, "models/old-0") == Seen(unknown=("models/old-0",))
    assert seen.sha256() == Seen.of(["a", "b"], ["t"], ["u"]).sha256() != Seen.of(["a"], ["t"], ["u"]).sha256()
