"""From a result to the files of its karyogram."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_cells import drawn_cell, threshold_predictor
from PIL import Image

from chromseg.config import KaryotypeConfig, ModelConfig
from chromseg.errors import ModelError
from chromseg.inference.batch import Job
from chromseg.inference.files import PictureWorker
from chromseg.inference.karyotyping import Karyotyper, karyotyper_from_folder
from chromseg.models import build_model
from chromseg.models.package import ModelCard, save_model

FILES = ["karyogram.json", "karyogram.pdf", "karyogram.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = KaryotypeConfig("karyotype", width=4, blocks=1)
    save_model(tmp_path / "karyotype", build_model(config), ModelCard("strips", config))
    return tmp_path / "karyotype"


@pytest.fixture
def karyotyper(folder: Path) -> Karyotyper:
    return karyotyper_from_folder(folder, name="karyotype", version="3", device="cpu")


def test_every_chromosome_of_a_result_gets_a_place(karyotyper: Karyotyper) -> None:
    result = threshold_predictor().predict(drawn_cell()[0])
    karyogram = karyotyper.karyogram(result)
    assert [each.number for each in karyogram.chromosomes] == [1, 2, 3, 4]
    assert karyogram.count.startswith("4,")


def test_its_files_name_both_models(karyotyper: Karyotyper, tmp_path: Path) -> None:
    result = threshold_predictor().predict(drawn_cell()[0])
    karyotyper.write(result, tmp_path / "karyotype")
    told = json.loads((tmp_path / "karyotype" / "karyogram.json").read_text())
    assert (told["model"]["name"], told["model"]["version"]) == ("karyotype", "3")
    assert told["model"]["weights_sha256"] == karyotyper.identity.weights_sha256
    assert told["model"]["image_sha256"] == result.image_sha256
    assert told["cut_by"]["name"] == result.model.name and "not a diagnosis" in told["note"]
    with Image.open(tmp_path / "karyotype" / "karyogram.png") as page:
        assert page.mode == "RGB"
    assert (tmp_path / "karyotype" / "karyogram.pdf").read_bytes().startswith(b"%PDF-")


def test_a_worker_writes_them_beside_its_result_and_skips_what_is_done(karyotyper: Karyotyper, tmp_path: Path) -> None:
    Image.fromarray(drawn_cell()[0]).save(tmp_path / "a.png")
    job = Job(tmp_path / "a.png", tmp_path / "out" / "a")
    plain, placing = PictureWorker(threshold_predictor()), PictureWorker(threshold_predictor(), karyotyper=karyotyper)
    assert plain(job).status == "done" and not any((job.folder / name).exists() for name in FILES)
    assert placing(job).status == "done"  # the result without a karyogram is not what is asked for
    assert sorted(path.name for path in job.folder.glob("karyogram.*")) == FILES
    assert placing(job).status == "skipped" and plain(job).status == "skipped"


def test_a_picture_without_chromosomes_has_an_empty_karyogram(karyotyper: Karyotyper) -> None:
    result = threshold_predictor().predict(drawn_cell()[0])
    assert karyotyper.karyogram(type(result)(**{**vars(result), "instances": ()})).count == "0,?"


def test_a_model_of_another_family_is_refused(tmp_path: Path) -> None:
    config = ModelConfig("unet", depth=2, width=4)
    save_model(tmp_path / "unet", build_model(config), ModelCard("unet", config))
    with pytest.raises(ModelError, match="expected a KaryotypeNetwork"):
        karyotyper_from_folder(tmp_path / "unet")


def test_the_result_is_the_same_whichever_polarity(karyotyper: Karyotyper) -> None:
    picture = drawn_cell()[0]
    dark, light = (threshold_predictor().predict(each) for each in (picture, 255 - picture))
    names = [[each.name for each in karyotyper.karyogram(result).chromosomes] for result in (dark, light)]
    assert names[0] == names[1] and np.allclose(dark.absorbance, light.absorbance, atol=0.02)
