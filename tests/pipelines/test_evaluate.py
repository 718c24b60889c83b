"""Judging a variant: what is refused, and what is left out with a word."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tiny_detector import save_tiny

from chromseg.annotations import Sample
from chromseg.annotations.samples import write_samples
from chromseg.errors import DataError
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.load import predictor_from_folder
from pipelines import evaluate
from pipelines.profile import Profile

PARAMS: dict[str, Any] = {
    "train": {
        "base": {"model": {"architecture": "ucrd-net"}},
        "variants": {"careful": {}, "greedy": {"train_on": ["train", "val"]}},
    },
    "evaluate": {"dataset": "drawn", "studies": True},
}


@pytest.fixture
def profile(project: Path) -> Profile:
    """Two trained variants; one image validates, none tests."""
    (project / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    mask = np.zeros((1, 70, 80), dtype=bool)
    mask[0, 20:28, 20:60] = True
    image = (0.5 * mask[0]).astype(np.float32)
    write_samples(Path("prepared"), [Sample.from_masks("a", "drawn/1", "val", "metaphase", image, mask)])
    for variant in PARAMS["train"]["variants"]:
        save_tiny(Path("models") / f"{variant}-0")
    return Profile()


def test_without_test_samples_it_says_what_to_do(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate", "--variant", "careful"])
    with pytest.raises(DataError, match=r"no test sample of `drawn`.*split `test`.*evaluate\.dataset"):
        evaluate.main()


def test_no_study_on_images_that_trained_the_variant(profile: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    predictor = predictor_from_folder(profile.model("greedy", 0))
    assert isinstance(predictor, InstancePredictor)
    assert evaluate.study_unseen(profile, "greedy", predictor) == []
    assert "greedy: no study, since it was trained on the validation images" in capsys.readouterr().err
    assert [row["value"] for row in evaluate.study_unseen(profile, "careful", predictor)][:3] == ["box", "soft", "mask"]


def test_several_sets_validate_and_test_together(profile: Profile) -> None:
    mask = np.zeros((1, 70, 80), dtype=bool)
    mask[0, 20:28, 20:60] = True
    cases = {"drawn/1": "val", "drawn/2": "test", "laid/1": "test", "other/1": "test"}
    write_samples(
        Path("prepared"),
        [
            Sample.from_masks(case.replace("/", "-"), case, split, "metaphase", mask[0].astype(np.float32), mask)
            for case, split in cases.items()
        ],
    )

    def tested() -> list[str]:
        return [sample.case_id for sample in evaluate.chosen_samples(Profile(), "careful", "test", "metaphase")]

    assert tested() == ["drawn/2"]
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | {"evaluate": {"dataset": "drawn", "also": ["laid"]}}))
    assert tested() == ["drawn/2", "laid/1"]
