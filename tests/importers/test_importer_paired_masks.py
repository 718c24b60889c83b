import numpy as np
import pytest

from chromseg.annotations import load_maps
from chromseg.errors import DataError
from chromseg.importers import ImportOptions, import_dataset


def black_and_white(mask):
    return mask.astype(np.uint8) * 255


@pytest.fixture
def source(tmp_path, save, bars):
    """source(second): two triples image_*, binary_label1_*, binary_label2_*."""

    def _source(second="chromosome", tags=("3", "10")):
        crossing, chromosome = bars.all(axis=0), bars.any(axis=0)
        for tag in tags:
            save(tmp_path / f"src/image_{tag}.png")
            save(tmp_path / f"src/binary_label1_{tag}.png", black_and_white(crossing))
            other = chromosome if second == "chromosome" else chromosome & ~crossing
            save(tmp_path / f"src/binary_label2_{tag}.png", black_and_white(other))
        return tmp_path / "src"

    return _source


def run(src, tmp_path, **settings):
    return import_dataset("paired-masks", src, "cells", data_root=tmp_path / "data", **settings)


def problem(src, tmp_path, **settings):
    with pytest.raises(DataError) as caught:
        run(src, tmp_path, **settings)
    assert not (tmp_path / "data").exists()
    return str(caught.value)


@pytest.mark.parametrize("second", ["chromosome", "non-overlap"])
@pytest.mark.parametrize("declared", [True, False])
def test_both_readings_give_the_same_maps(source, tmp_path, bars, second, declared):
    dataset = run(source(second), tmp_path, options=ImportOptions(second=second if declared else None))
    assert [image.file_name for image in dataset.images] == ["image_3.png", "image_10.png"]
    assert dataset.has_maps and dataset.instances == ()
    for image in dataset.images:
        crossing, chromosome = load_maps(dataset, image)
        np.testing.assert_array_equal(crossing, bars.all(axis=0))
        np.testing.assert_array_equal(chromosome, bars.any(axis=0))


@pytest.mark.parametrize(("second", "said"), [("chromosome", "non-overlap"), ("non-overlap", "chromosome")])
def test_the_wrong_declaration_is_refused(source, tmp_path, second, said):
    text = problem(source(second), tmp_path, options=ImportOptions(second=said))
    assert f"for --second {said}" in text


def test_a_second_mask_that_fits_neither_is_refused(source, tmp_path, save, bars):
    src = source()
    half = bars.any(axis=0) & (np.arange(80) < 40)
    for tag in ("3", "10"):
        save(src / f"binary_label2_{tag}.png", black_and_white(half))
    assert "second masks that hold 50% of the crossing pixels" in problem(src, tmp_path)


@pytest.mark.parametrize(
    "options", [ImportOptions(), ImportOptions(second="non-overlap"), ImportOptions(second="chromosome")]
)
def test_swapped_masks_are_refused(source, tmp_path, save, bars, options):
    src = source()
    for tag in ("3", "10"):
        save(src / f"binary_label1_{tag}.png", black_and_white(bars.any(axis=0)))
        save(src / f"binary_label2_{tag}.png", black_and_white(bars.all(axis=0)))
    text = problem(src, tmp_path, options=options)
    assert "of the crossing pixels" in text and ("seem swapped" in text or options.second)


@pytest.mark.parametrize("second", [None, "non-overlap"])
def test_a_black_second_mask_beside_crossings_is_named(source, tmp_path, save, second):
    src = source("non-overlap")
    save(src / "binary_label2_3.png", np.zeros((60, 80), np.uint8))
    assert "image_3.png: an empty second mask" in problem(src, tmp_path, options=ImportOptions(second=second))


def test_one_image_that_does_not_fit_the_rest_is_named(source, tmp_path, save, bars):
    src = source(tags=[str(number) for number in range(12)])
    save(src / "binary_label2_7.png", black_and_white(bars.any(axis=0) & ~bars.all(axis=0)))
    assert "image_7.png: a second mask that holds 0% of the crossing pixels" in problem(src, tmp_path)


def test_a_drawn_border_may_miss_by_a_little_and_crossings_stay_chromosomes(source, tmp_path, save, bars):
    src = source()
    ragged = bars.any(axis=0)
    ragged[26, 36:42] = False  # 6 of the 64 crossing pixels
    save(src / "binary_label2_3.png", black_and_white(ragged))
    dataset = run(src, tmp_path)
    crossing, chromosome = load_maps(dataset, dataset.images[0])
    assert not (crossing & ~chromosome).any()


def test_masks_of_nought_and_one_count_too(source, tmp_path, save, bars):
    src = source()
    save(src / "binary_label1_3.png", bars.all(axis=0).astype(np.uint8))
    crossing, _ = load_maps(*(lambda d: (d, d.images[0]))(run(src, tmp_path)))
    assert crossing.sum() == 64


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("binary_label2_3.png", "3: no binary_label2_*"),
        ("binary_label1_3.png", "3: no binary_label1_*"),
        ("image_3.png", "3: no image_*"),
    ],
)
def test_an_incomplete_triple_is_named(source, tmp_path, missing, message):
    src = source()
    (src / missing).unlink()
    assert message in problem(src, tmp_path)


def test_another_picture_in_the_folder_is_not_dropped_in_silence(source, tmp_path, save):
    src = source()
    save(src / "overview.png")
    assert "overview: none of the three" in problem(src, tmp_path)


def test_a_mask_of_another_size_is_named(source, tmp_path, save):
    src = source()
    save(src / "binary_label1_3.png", np.zeros((80, 60), np.uint8))
    assert "binary_label1_3.png, a mask of 60×80 for an image of 80×60 pixels" in problem(src, tmp_path)


def test_a_picture_instead_of_a_mask_is_named(source, tmp_path, save):
    src = source()
    save(src / "binary_label1_3.png", np.tile(np.arange(80, dtype=np.uint8) * 3, (60, 1)))
    assert "binary_label1_3.png with shades of grey" in problem(src, tmp_path)


def test_two_empty_masks_are_named(source, tmp_path, save):
    src = source()
    for kind in (1, 2):
        save(src / f"binary_label{kind}_3.png", np.zeros((60, 80), np.uint8))
    assert "two empty masks" in problem(src, tmp_path)


def test_a_truncated_mask_is_named(source, tmp_path):
    src = source()
    whole = (src / "binary_label1_3.png").read_bytes()
    (src / "binary_label1_3.png").write_bytes(whole[:60])
    assert "binary_label1_3.png cannot be read as an image" in problem(src, tmp_path)


def test_nothing_of_the_format(tmp_path, save):
    save(tmp_path / "src/a.png")
    assert "no image_*, binary_label1_*, binary_label2_* below" in problem(tmp_path / "src", tmp_path)


def test_triples_in_split_folders(tmp_path, source):
    src = source()
    for folder in ("train", "test"):
        (src / folder).mkdir()
    for tag, folder in (("3", "train"), ("10", "test")):
        for path in src.glob(f"*_{tag}.png"):
            path.rename(src / folder / path.name)
    assert {image.file_name: image.split for image in run(src, tmp_path).images} == {
        "test/image_10.png": "test",
        "train/image_3.png": "train",
    }
