"""The built-in sample is what its command draws: chromseg-ops data synthesize --name sample --count 30 --seed 1
--size 512x384 --crossings 3.5 --touching 1.5"""

from __future__ import annotations

from pathlib import Path

import pytest
from clone import Clone

from chromseg.annotations import crossing_clusters, load_masks, read_dataset
from chromseg.images.pictures import read_grey
from chromseg.synthesis import synthesize_dataset


@pytest.fixture
def sample(clone: Clone) -> Path:
    """As DVC brings it."""
    clone.dvc("pull", "data.dvc")
    return clone.folder / "data" / "sample"


def test_its_command_draws_it_again(sample: Path, tmp_path: Path) -> None:
    again = synthesize_dataset(tmp_path, "sample", count=1, seed=1, size=(384, 512), crossings=3.5, touching=1.5)
    tracked, name = read_dataset(sample), again.images[0].file_name
    assert tracked.images[0].file_name == name
    assert (read_grey(tmp_path / "sample/images" / name) == read_grey(sample / "images" / name)).all()
    assert tracked.instances_of[1] == again.instances_of[1]


def test_it_has_crossings_in_every_split(sample: Path) -> None:
    tracked = read_dataset(sample)
    for split, least in (("train", 60), ("val", 10), ("test", 10)):
        masks = (load_masks(tracked, image) for image in tracked.in_split(split))
        assert sum(len(crossing_clusters(each)) for each in masks) >= least, split
