import numpy as np
from scipy import ndimage

from chromseg.inference.sheets import GalleryRow, contact_sheet, gallery


def crop(height, width, grey=0):
    """A chromosome of `height` × `width` px with a margin of 5 px."""
    return np.pad(np.full((height, width), grey, np.uint8), 5, constant_values=255)


def blocks(sheet, grey):
    """(row, column) of the middle of each block of one grey, in row-major order."""
    labels, count = ndimage.label(sheet == grey)
    regions = [np.argwhere(labels == label) for label in range(1, count + 1)]
    return [region.mean(axis=0) for region in regions if len(region) > 40]


def test_chromosomes_lie_side_by_side_largest_first():
    sheet = contact_sheet([crop(10, 10, 100), crop(40, 10, 101), crop(20, 10, 102)], width=300)
    assert sheet.shape[1] == 300 and sheet.dtype == np.uint8
    places = [blocks(sheet, grey)[0][1] for grey in (101, 102, 100)]
    assert places == sorted(places)
    assert [int((sheet == grey).sum()) for grey in (100, 101, 102)] == [100, 400, 200]


def test_they_go_on_in_the_next_line_when_the_first_is_full():
    sheet = contact_sheet([crop(20, 30, 100)] * 5, width=2 * 48 + 8)
    rows = [round(row) for row, _ in blocks(sheet, 100)]
    assert rows[0] == rows[1] < rows[2] == rows[3] < rows[4]


def test_a_crop_wider_than_the_sheet_widens_it():
    assert contact_sheet([crop(10, 400)], width=100).shape[1] >= 410


def test_numbers_follow_the_chromosomes():
    two = [crop(10, 10, 100), crop(40, 10, 101)]
    assert np.array_equal(contact_sheet(two), contact_sheet(two, numbers=[1, 2]))
    assert not np.array_equal(contact_sheet(two), contact_sheet(two, numbers=[2, 1]))
    assert np.array_equal(contact_sheet(two), contact_sheet(two[::-1], numbers=[2, 1]))


def test_no_chromosomes_leave_a_blank_strip():
    sheet = contact_sheet([])
    assert sheet.shape[1] == 1000 and (sheet == 255).all()


def test_gallery_lays_grey_and_colour_into_tiles():
    red = np.zeros((10, 20, 3), np.uint8)
    red[..., 0] = 255
    page = gallery([GalleryRow("a", [np.full((20, 10), 90, np.uint8), red]), GalleryRow("b", [red])], side=40)
    assert page.ndim == 3 and page.dtype == np.uint8
    assert (page == 90).all(axis=-1).sum() == 40 * 20 - 2 * 20  # twice as large, less the frame's top and bottom
    assert (page == (255, 0, 0)).all(axis=-1).sum() == 2 * (40 * 20 - 2 * 20)


def test_small_pictures_keep_hard_pixels():
    board = np.kron(np.eye(3, dtype=np.uint8), np.full((1, 1), 255, np.uint8))
    tile = gallery([GalleryRow("", [board])], side=40)[34 + 1 : 34 + 39, 9:47, 0]
    assert set(np.unique(tile)) == {0, 255}


def test_large_pictures_are_shrunk_into_the_tile():
    page = gallery([GalleryRow("a", [np.full((400, 100), 90, np.uint8)])], side=40)
    assert (page == 90).all(axis=-1).sum() == 10 * 38


def test_headings_and_note_take_lines_of_their_own():
    rows = [GalleryRow("a", [crop(10, 10)])]
    bare, full = gallery(rows), gallery(rows, headings=["image"], note="one case")
    assert full.shape[0] == bare.shape[0] + 2 * 18
    assert np.array_equal(full[2 * 18 + 16 :], bare[16:])


def test_a_gallery_without_cases_is_its_note():
    page = gallery([], note="no failures")
    assert page.shape[0] < 60 and (page < 128).any()
