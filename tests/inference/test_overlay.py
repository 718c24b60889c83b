import numpy as np
import pytest
from PIL import Image

from chromseg.errors import MaskError
from chromseg.inference.overlay import PALETTE, REVIEW_COLOUR, draw_overlay

CROSS = np.zeros((2, 60, 80), dtype=bool)
CROSS[0, 25:35, 5:75] = True
CROSS[1, 5:55, 35:45] = True
IMAGE = CROSS.any(axis=0).astype(np.float32) * 0.5


def holds(picture, colour):
    return bool((picture == colour).all(axis=-1).any())


def changed(*pictures):
    return (pictures[0] != pictures[1]).any(axis=-1)


def test_each_instance_is_outlined_in_its_own_colour():
    picture = draw_overlay(IMAGE, CROSS, zoom=1)
    assert picture.shape == (60, 80, 3) and picture.dtype == np.uint8
    assert (picture[25, 5:12] == PALETTE[0]).all() and (picture[5, 35:45] == PALETTE[1]).all()
    assert not holds(picture, PALETTE[2]) and not holds(picture, REVIEW_COLOUR)


def test_nothing_is_painted_outside_the_instances():
    picture = draw_overlay(IMAGE, CROSS, zoom=1)
    bare = draw_overlay(IMAGE, CROSS[:0], zoom=1)
    outside = changed(picture, bare) & ~CROSS.any(axis=0)
    assert outside.sum() < 60  # digits may reach over an arm of 10 px
    assert (changed(picture, bare) & CROSS.any(axis=0)).sum() == CROSS.any(axis=0).sum()


def test_a_crossing_shows_stripes_of_two_brightnesses():
    picture = draw_overlay(IMAGE, CROSS, zoom=3)[27 * 3 : 33 * 3, 37 * 3 : 43 * 3].astype(int).sum(axis=-1)
    arm = draw_overlay(IMAGE, CROSS, zoom=3)[27 * 3 : 33 * 3, 60 * 3 : 66 * 3].astype(int).sum(axis=-1)
    assert len(np.unique(picture)) == 2 and len(np.unique(arm)) == 1
    assert 0.3 < (picture == picture.max()).mean() < 0.7
    assert picture.mean() > arm[0, 0]


def test_review_is_framed_and_marked():
    plain = draw_overlay(IMAGE, CROSS, flags=[(), ("three-at-crossing",)])
    review = draw_overlay(IMAGE, CROSS, flags=[(), ("three-at-crossing", "needs-review")])
    assert not holds(plain, REVIEW_COLOUR)
    rows, cols = np.nonzero((review == REVIEW_COLOUR).all(axis=-1))
    assert (rows.min(), cols.min(), rows.max(), cols.max()) == (15 - 3, 105 - 3, 165 + 2, 135 + 2)
    inside = changed(plain, review)[20:160, 110:130]
    assert inside.any()  # the question mark


def test_what_no_instance_has_stands_in_a_dashed_frame():
    picture = draw_overlay(IMAGE, [], unclaimed=[(35, 5, 45, 55)], zoom=1)
    rows, cols = np.nonzero((picture == REVIEW_COLOUR).all(axis=-1))
    assert (rows.min(), cols.min()) in {(1, 31), (2, 32)} and rows.max() in {57, 58}
    top = (picture[2, 32:47] == REVIEW_COLOUR).all(axis=-1)
    assert top.any() and not top.all()
    rim = draw_overlay(IMAGE, [], unclaimed=[(0, 0, 20, 20)], zoom=1)
    assert (rim[:2, :22] == REVIEW_COLOUR).all(axis=-1).any() and (rim[:22, :2] == REVIEW_COLOUR).all(axis=-1).any()


def test_small_pictures_are_enlarged_and_large_ones_left():
    assert draw_overlay(np.zeros((256, 256), np.float32), []).shape == (768, 768, 3)
    assert draw_overlay(np.zeros((576, 768), np.float32), []).shape == (1152, 1536, 3)
    assert draw_overlay(np.zeros((40, 2000), np.float32), []).shape == (40, 2000, 3)


def test_absorbance_is_dark_on_white_and_grey_pictures_stay():
    assert (draw_overlay(np.zeros((8, 8), np.float32), []) == 255).all()
    assert (draw_overlay(np.ones((8, 8), np.float32), []) < 100).all()
    grey = np.full((8, 9), 17, np.uint8)
    assert (draw_overlay(grey, [], zoom=1) == 17).all()


def test_neighbours_never_share_a_colour():
    masks = np.zeros((len(PALETTE) + 1, 30, 200), dtype=bool)
    masks[0, :10, :20] = True
    for place in range(1, len(PALETTE)):  # far away, each takes its own colour
        masks[place, :10, 20 * place + 15 : 20 * place + 20] = True
    masks[-1, 12:22, :20] = True  # would have the first one's colour, but lies beside it
    picture = draw_overlay(np.zeros((30, 200), np.float32), masks, zoom=1)
    assert tuple(picture[0, 0]) == PALETTE[0]
    assert tuple(picture[12, 0]) == PALETTE[1]


def test_equal_input_gives_equal_pixels_and_input_is_left_alone():
    image, masks = IMAGE.copy(), CROSS.copy()
    assert np.array_equal(draw_overlay(image, masks), draw_overlay(image, list(masks)))
    assert np.array_equal(image, IMAGE) and np.array_equal(masks, CROSS)


def test_an_empty_mask_is_not_drawn_but_counts():
    masks = np.stack([np.zeros_like(CROSS[0]), CROSS[0]])
    picture = draw_overlay(IMAGE, masks, zoom=1)
    assert (picture[25, 5:12] == PALETTE[1]).all()
    assert not holds(picture, PALETTE[0])


def test_an_instance_that_shares_every_pixel_is_still_numbered():
    one, two = (draw_overlay(IMAGE, np.stack([CROSS[0]] * count), zoom=3) for count in (1, 2))
    assert one.shape == two.shape and changed(one, two).any()


def test_drawings_are_small_files(tmp_path):
    rng = np.random.default_rng(0)
    masks = np.zeros((40, 576, 768), dtype=bool)
    for mask in masks:
        row, col = rng.integers(20, 540), rng.integers(20, 700)
        mask[row : row + 12, col : col + 50] = True
    image = np.clip(masks.any(axis=0) * 0.6 + rng.normal(-0.1, 0.05, masks.shape[1:]), 0, 1).astype(np.float32)
    Image.fromarray(draw_overlay(image, masks)).save(tmp_path / "overlay.png")
    assert (tmp_path / "overlay.png").stat().st_size < 1_000_000


def test_masks_of_another_size_and_missing_flags_are_refused():
    with pytest.raises(MaskError, match="size of the image"):
        draw_overlay(IMAGE, CROSS[:, :-1])
    with pytest.raises(MaskError, match="one for each mask"):
        draw_overlay(IMAGE, CROSS, flags=[()])
