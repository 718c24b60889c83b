"""The built-in sample is what its command draws: chromseg-ops data synthesize --name sample --count 30 --seed 1
--size 512x384 --crossings 3.5 --touching 1.5"""

from __future__ import annotations

from pathlib import Path

import pytest

from chromseg.annotations import crossing_clusters, load_masks, read_dataset
from chromseg.annotations.pictures import read_grey
from chromseg.synthesis import synthesize_dataset

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="`dvc pull data.dvc` brings the sample")


def test_its_command_draws_it_again(tmp_path):
    again = synthesize_dataset(tmp_path, "sample", count=1, seed=1, size=(384, 512), crossings=3.5, touching=1.5)
    sample, name = read_dataset(SAMPLE), again.images[0].file_name
    assert sample.images[0].file_name == name
    assert (read_grey(tmp_path / "sample/images" / name) == read_grey(SAMPLE / "images" / name)).all()
    assert sample.instances_of[1] == again.instances_of[1]


def test_it_has_crossings_in_every_split():
    sample = read_dataset(SAMPLE)
    for split, least in (("train", 60), ("val", 10), ("test", 10)):
        masks = (load_masks(sample, image) for image in sample.in_split(split))
        assert sum(len(crossing_clusters(each)) for each in masks) >= least, split
