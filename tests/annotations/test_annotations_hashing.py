import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from chromseg import dvc
from chromseg.annotations import hashing
from chromseg.errors import DataError


def test_the_hash_of_a_folder_is_known(tmp_path):
    """Worked out by `dvc add` 3.67 once: files x "1\\n" and z "2\\n"."""
    (tmp_path / "x").write_text("1\n")
    (tmp_path / "z").write_text("2\n")
    assert dvc.folder_md5(tmp_path) == "0609d703dd41b74c34835cb99ba8a848.dir"


@pytest.mark.slow
def test_dvc_computes_the_same(tmp_path, cells):
    (cells.root / "images" / "Ünsal").mkdir()
    (cells.root / "images" / "Ünsal" / "ä b.png").write_bytes(b"x")
    run = [sys.executable, "-m", "dvc"]
    subprocess.run([*run, "init", "--no-scm", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*run, "add", "-q", "cells"], cwd=tmp_path, check=True)
    (out,) = yaml.safe_load((tmp_path / "cells.dvc").read_text())["outs"]
    assert dvc.folder_md5(cells.root) == out["md5"]


def test_any_change_moves_the_hash_of_the_data(cells):
    before = dvc.folder_md5(cells.root)
    (cells.root / "dataset.yaml").write_text((cells.root / "dataset.yaml").read_text() + "\n")
    assert dvc.folder_md5(cells.root) != before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="gone"):
        dvc.folder_md5(tmp_path / "gone")


@pytest.fixture
def edit(cells):
    def _edit(change):
        path = cells.root / "annotations.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return _edit


def test_what_does_not_touch_the_test_split_does_not_move_its_hash(cells, edit):
    before = hashing.md5_of_test([cells.root])
    (cells.root / "dataset.yaml").write_text((cells.root / "dataset.yaml").read_text().replace("drawn", "elsewhere"))
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(cells.root / "images/1.png")  # in train
    edit(lambda c: (c["annotations"][0].update(area=1.0), c["images"].reverse(), c["annotations"].reverse()))
    assert hashing.md5_of_test([cells.root]) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["annotations"][3].update(bbox=[0, 0, 1, 1]),
        lambda c: c["annotations"].pop(3),
        lambda c: c["annotations"][3].update(iscrowd=1),
        lambda c: c["images"][1].update(split="val"),
        lambda c: c["images"][0].update(split="test"),
        lambda c: c["categories"][0].update(name="A1"),
    ],
)
def test_what_touches_the_test_split_moves_its_hash(cells, edit, change):
    before = hashing.md5_of_test([cells.root])
    edit(change)
    assert hashing.md5_of_test([cells.root]) != before


def test_a_pixel_of_a_test_image_moves_its_hash(cells):
    before = hashing.md5_of_test([cells.root])
    path = cells.root / "images/2.png"
    pixels = np.array(Image.open(path))
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    assert hashing.md5_of_test([cells.root]) != before


def test_the_order_of_datasets_does_not_matter(tmp_path, cells, make_dataset, bar):
    other = make_dataset(tmp_path / "other", [[bar(0, 9, 0, 9)]])
    both = hashing.md5_of_test([cells.root, other.root])
    assert both == hashing.md5_of_test([other.root, cells.root]) != hashing.md5_of_test([cells.root])


def test_a_missing_test_image_is_named(cells):
    (cells.root / "images/2.png").unlink()
    with pytest.raises(DataError, match=r"2\.png"):
        hashing.md5_of_test([cells.root])
