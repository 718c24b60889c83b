import numpy as np
import pytest

from chromseg.annotations import copies
from chromseg.annotations.copies import find_look_alikes, same_scenes, thumbnail


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


def test_scenes_are_numbered_by_their_first_picture(block):
    shown = [thumbnail(picture(seed, noise)) for noise, seed in enumerate((1, 2, 1, 3, 2, 1))]
    assert same_scenes(shown) == [0, 1, 0, 3, 1, 0]


def test_a_chain_of_look_alikes_shows_one_scene(block):
    """a is like c, b is like d, and only then c like d: all four."""
    a, b = np.eye(2, 1024, dtype=np.float32)
    angles = np.radians([0, 90, 30, 60])
    shown = [(np.cos(angle) * a + np.sin(angle) * b).astype(np.float32) for angle in angles]
    assert same_scenes(shown, correlation=np.cos(np.radians(31))) == [0, 0, 0, 0]
    assert same_scenes(shown, correlation=np.cos(np.radians(29))) == [0, 1, 2, 3]


def test_pictures_without_a_thumbnail_are_like_none():
    blank = thumbnail(np.full((9, 9), 7))
    assert blank is None and same_scenes([blank, blank, thumbnail(picture(1))]) == [0, 1, 2]
    assert find_look_alikes([blank, blank], 0.5) == []
