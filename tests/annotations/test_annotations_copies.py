import numpy as np
import pytest

from chromseg.annotations import copies
from chromseg.annotations.copies import find_look_alikes, thumbnail


def picture(seed, noise=0):
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 200, (8, 8)), np.ones((8, 8), int)) + np.random.default_rng(noise).integers(
        0, 9, (64, 64)
    )


@pytest.fixture(params=[512, 2])
def block(request, monkeypatch):
    """Compared at once, and a few at a time."""
    monkeypatch.setattr(copies, "_BLOCK", request.param)


def test_look_alikes_are_pairs_in_order(block):
    shown = [thumbnail(picture(seed, noise)) for noise, seed in enumerate((1, 2, 1, 3, 2, 1))]
    assert find_look_alikes(shown, 0.99) == [(0, 2), (0, 5), (1, 4), (2, 5)]


def test_pictures_without_a_thumbnail_are_like_none():
    blank = thumbnail(np.full((9, 9), 7))
    assert blank is None and find_look_alikes([blank, blank], 0.5) == []
