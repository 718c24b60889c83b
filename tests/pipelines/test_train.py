"""Stage `train`: what enters the lineage of a variant, and how a training comes to its end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_boxes import write_boxes

from chromseg import dvc
from chromseg.annotations import hashing
from chromseg.config import ModelConfig, variant_config
from chromseg.models.package import read_card
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.store.store import open_store
from chromseg.training import loop
from chromseg.validation import ValidateConfig
from pipelines import prepare, train
from pipelines.first_card import first_card, origin
from pipelines.profile import Profile
from pipelines.validate import validate

PARAMS: dict[str, Any] = {
    "prepare": {"datasets": ["boxes", "more", "unused"]},
    "train": {
        "base": {"model": {"architecture": "ucrd-net"}},
        "variants": {"alone": {"dataset": "more"}, "all": {}, "fold": {"dataset": "more", "fold": 0}},
    },
    "evaluate": {"dataset": "boxes"},
}

TINY: dict[str, Any] = {
    "prepare": {"datasets": ["boxes"]},
    "train": {
        "base": {
            "samples": ["metaphase"],
            "crop": 32,
            "model": {
                "architecture": "ucrd-net",
                "backbone": "efficientnet-lite0",
                "levels": [2, 3],
                "deepest": 3,
                "fpn_width": 8,
                "rpn_proposals": [20, 10],
                "head_width": 8,
                "mask_width": 8,
                "mask_convolutions": 1,
                "score_min": 0.0,
            },
            "optim": {"epochs": 1, "steps_per_epoch": 2, "batch_size": 2, "patience": 0},
        },
        "variants": {"tiny": {}},
    },
    "evaluate": {"dataset": "boxes"},
}


@pytest.fixture
def three_sets(project: Path) -> Path:
    """A project with three datasets, of which the first is the test set."""
    for name in PARAMS["prepare"]["datasets"]:
        write_boxes(project / "data", name)
    return project


def lineage_of(variant: str, **over: Any) -> Lineage:
    params = PARAMS | {"train": PARAMS["train"] | {"base": PARAMS["train"]["base"] | over}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    profile = Profile()
    return origin(profile, variant_config(profile.params, variant), variant, seed=0)


def test_only_data_that_trains_validates_or_tests_is_told(three_sets: Path) -> None:
    assert set(lineage_of("alone").data_md5) == {"more", "boxes"}
    assert set(lineage_of("all").data_md5) == {"boxes", "more", "unused"}
    assert set(lineage_of("fold").data_md5) == {"boxes", "more", "unused"}, "folds are dealt over all cases"


def test_the_test_data_is_that_of_the_dataset_that_is_evaluated(three_sets: Path) -> None:
    assert lineage_of("all").test_md5 == hashing.md5_of_test([Path("data/boxes")])


def test_data_of_the_model_it_starts_from_is_told_too(three_sets: Path, make_model: Callable[..., Path]) -> None:
    before = make_model("first", data_md5={"cil24": "aa.dir", "more": "an older state"})
    (before / "backbone.safetensors").touch()
    expected = {"cil24": "aa.dir"} | {name: dvc.folder_md5(Path("data") / name) for name in ("more", "boxes")}
    assert lineage_of("alone", init=str(before)).data_md5 == expected
    model = {"architecture": "ucrd-net", "weights": str(before / "backbone.safetensors")}
    assert lineage_of("alone", model=model).data_md5 == expected


@pytest.mark.parametrize("dirty", [False, True])
def test_code_of_the_model_it_starts_from_counts_too(
    three_sets: Path, make_model: Callable[..., Path], dirty: bool
) -> None:
    assert lineage_of("alone", init=str(make_model(git_dirty=dirty))).git_dirty is dirty


def test_the_lineage_says_whether_the_data_as_it_is_passed_validation(three_sets: Path) -> None:
    assert lineage_of("alone").validation is None, "never validated"
    reports = Path("reports/default/validation")
    shutil.copy("data/more/images/1.png", "data/more/images/2.png")
    validate(ValidateConfig(("boxes", "more")), Path("data"), reports)
    assert lineage_of("alone").validation is False, "one picture in two splits"
    verdicts = json.loads((reports / "verdicts.json").read_text())
    good = {name: verdict | {"ok": True} for name, verdict in verdicts.items()}
    (reports / "verdicts.json").write_text(json.dumps(good))
    assert lineage_of("alone").validation is True
    assert lineage_of("all").validation is None, "one of its datasets was not validated"
    card = Path("data/more/dataset.yaml")
    card.write_text(card.read_text().replace("drawn", "drawn anew"))
    assert lineage_of("alone").validation is None, "another state of it was"


def test_a_detectors_threshold_and_views_are_written_down_before_any_is_chosen(three_sets: Path) -> None:
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    profile = Profile()
    config = replace(variant_config(profile.params, "alone"), instance_score=0.75, half_turn=True)
    card = first_card(profile, config, origin(profile, config, "alone", seed=0))
    assert card.preprocessing["instances"]["score"] == 0.75
    assert card.preprocessing["half_turn"] is True


def test_a_network_of_maps_notes_the_threshold_of_its_variant(three_sets: Path) -> None:
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    profile = Profile()
    config = replace(
        variant_config(profile.params, "alone"), model=ModelConfig("region-guided-unetpp"), chromosome_threshold=0.65
    )
    card = first_card(profile, config, origin(profile, config, "alone", seed=0))
    assert card.preprocessing["postprocess"]["chromosome"] == 0.65


@pytest.fixture
def tiny(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with prepared samples, about to train a tiny detector."""
    write_boxes(store / "data")
    (store / "params.yaml").write_text(yaml.safe_dump(TINY))
    monkeypatch.setattr(sys, "argv", ["prepare"])
    prepare.main()
    monkeypatch.setattr(sys, "argv", ["train", "--variant", "tiny"])
    return store


def test_killed_before_the_threshold_is_chosen_it_only_finishes(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> float:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "settle_detector", killed)
        with pytest.raises(KeyboardInterrupt):
            train.main()
    weights = read_card(tiny / "models/tiny-0").weights_sha256
    shutil.rmtree(tiny / "models")  # as DVC does before it runs the stage again
    with monkeypatch.context() as patch:
        patch.delattr(loop, "_train_step")
        train.main()
    assert read_card(tiny / "models/tiny-0").weights_sha256 == weights
    assert list((tiny / "mlruns/checkpoints").rglob("*.pt")) == []
    client = open_store()
    [run] = client.search_runs([client.get_experiment_by_name("ucrd-net").experiment_id])
    assert run.info.status == "FINISHED" and "threshold" in run.data.params
    assert read_card(tiny / "models/tiny-0").preprocessing["instances"]["boxes_only"], "it has seen boxes alone"


@pytest.mark.slow
def test_of_two_processes_the_first_alone_tracks_and_writes(tiny: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    command = [*torchrun, "-m", "pipelines.train", "--variant", "tiny"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("models/tiny-0: epoch 1 of 1 kept") == 1
    client = open_store()
    [run] = client.search_runs([client.get_experiment_by_name("ucrd-net").experiment_id])
    assert run.info.status == "FINISHED" and {"threshold", "optim.batch_size"} <= run.data.params.keys()
    card = read_card(tiny / "models/tiny-0")
    assert card.lineage["run_id"] == run.info.run_id and card.name == "tiny"
    assert list((tiny / "mlruns/checkpoints").rglob("*.pt")) == []
