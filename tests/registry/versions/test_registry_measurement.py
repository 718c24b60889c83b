"""`models evaluate`: measured facts, in the log, by the same function as the stage `evaluate`."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from drawn_cells import drawn_cell, threshold_predictor
from dvc_record import record_run
from typer.testing import CliRunner

from chromseg.annotations import Dataset, DatasetCard, ImageRecord, InstanceRecord, encode_rle, write_dataset
from chromseg.annotations.collection import collect
from chromseg.annotations.dataset import read_dataset
from chromseg.annotations.hashing import md5_of_test
from chromseg.annotations.seen import Seen
from chromseg.cli.app import app
from chromseg.dvc import folder_md5
from chromseg.errors import DataError, RegistryError
from chromseg.inference import load
from chromseg.models.package import read_card, write_card
from chromseg.registry.promotion import history, judge_promotion, promote
from chromseg.registry.versions.listing import show
from chromseg.registry.versions.measurement import evaluate
from chromseg.registry.versions.register import register
from chromseg.registry.versions.verify import verify

Make = Callable[..., Path]
ACC, COUNT = "test/overall_acc", "test/count_exact"


def write_cells(root: Path, name: str, grain: int = 0) -> Path:
    """Two metaphases of a cross and two singles that are no copies of one another: one trains, one tests."""
    card = DatasetCard(name, "g-band", "dark-on-light", "drawn", "CC0", "none", "test", "1")
    grey, masks = drawn_cell(300)
    images = tuple(
        ImageRecord(n, f"{split}.png", 300, 300, str(n), split) for n, split in enumerate(("train", "test"), start=1)
    )
    shown = {1: (grey[:, ::-1], masks[..., ::-1]), 2: (grey, masks)}
    instances = tuple(
        InstanceRecord(10 * image.id + n, image.id, 1, encode_rle(mask), (0.0, 0.0, 1.0, 1.0), float(mask.sum()))
        for image in images
        for n, mask in enumerate(shown[image.id][1])
    )
    noise = {n: np.random.default_rng(grain + n).integers(0, 30, grey.shape) for n in shown}
    pixels = {n: (shown[n][0] - each).astype(np.uint8) for n, each in noise.items()}
    write_dataset(Dataset(root / name, card, images, instances, {1: "chromosome"}), pixels)
    return root / name


@pytest.fixture
def cells(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with data/cells and data/others, in which every model is a threshold that finds what is drawn."""
    monkeypatch.setattr(load, "predictor_from_folder", lambda *_, **__: threshold_predictor())
    write_cells(store / "data", "cells")
    write_cells(store / "data", "others", grain=10)
    return store


def test_the_log_keeps_what_was_measured_and_on_what(cells: Path, make_model: Make) -> None:
    register(make_model(test_md5=md5_of_test([cells / "data/cells"])), "chromseg")
    entry = evaluate("chromseg/1", "cells")
    facts = history("chromseg")[-1].facts
    assert (entry.action, entry.alias, entry.facts) == ("evaluate", None, facts)
    assert facts["data_md5"] == folder_md5(cells / "data/cells")
    assert facts["test_md5"] == md5_of_test([cells / "data/cells"])
    assert {"machine", "software", "weights_sha256"} <= facts.keys()
    assert facts["metrics"][COUNT] == 1.0 and facts["metrics"]["test/edits"] == 0.0
    assert facts["metrics"]["test/slice/stain/g-band/count_exact"] == 1.0
    assert show("chromseg/1").metrics[COUNT] == 1.0 and verify(files=True).problems == ()


def test_stage_and_verb_give_equal_figures(cells: Path, make_model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from chromseg.annotations import write_samples
    from chromseg.config import PrepareConfig
    from pipelines import evaluate as stage
    from pipelines.prepare import samples
    from pipelines.profile import Profile

    params = {
        "train": {"base": {"model": {"architecture": "unet"}}, "variants": {"tiny": {}}},
        "prepare": {"datasets": ["cells"]},
        "evaluate": {"dataset": "cells"},
    }
    (cells / "params.yaml").write_text(yaml.safe_dump(params))
    write_samples(Path("prepared"), samples(PrepareConfig(("cells",)), Path("data")))
    model = make_model()
    Path("models").mkdir()
    model.rename("models/tiny-0")
    monkeypatch.setattr(sys, "argv", ["evaluate", "--variant", "tiny"])
    monkeypatch.setattr(stage, "predictor_from_folder", lambda *_, **__: threshold_predictor())  # imported by name
    stage.main()
    told = json.loads((Profile().scores("tiny", 0) / "metrics.json").read_text())
    register(Path("models/tiny-0"), "chromseg")
    measured = evaluate("chromseg/1", "cells").facts["metrics"]
    by_stage = {key: value for key, value in (told["metrics"] | told["slices"]).items() if value is not None}
    assert by_stage.keys() == measured.keys() and len(measured) > 30
    assert {k: v for k, v in measured.items() if k[:5] != "perf/"} == {
        k: v for k, v in by_stage.items() if k[:5] != "perf/"
    }


def test_a_champion_is_measured_on_the_candidates_data_where_they_are_at_hand(cells: Path, make_model: Make) -> None:
    register(make_model(), "chromseg")
    promote("chromseg/1", reason="the first")
    values = yaml.safe_load((cells / "promotion.yaml").read_text())
    (cells / "promotion.yaml").write_text(yaml.safe_dump(values | {"champion": {"metrics": [COUNT], "sd": 2.0}}))
    own = {"test_md5": md5_of_test([cells / "data/cells"]), "data_md5": {"cells": folder_md5(cells / "data/cells")}}
    register(make_model(seed=1, **own), "chromseg")
    evaluate("chromseg/2", "cells")
    assert judge_promotion("chromseg/2").failed == []
    assert [entry.action for entry in history("chromseg")].count("evaluate") == 1, "asking enters nothing"
    assert promote("chromseg/2", reason="as good").action == "promote"
    [_, champions] = [entry for entry in history("chromseg") if entry.action == "evaluate"]
    assert (champions.version, champions.facts["metrics"][COUNT]) == (1, 1.0)


def test_where_the_data_are_not_at_hand_the_one_command_is_told(cells: Path, make_model: Make) -> None:
    register(make_model(), "chromseg")
    promote("chromseg/1", reason="the first")
    values = yaml.safe_load((cells / "promotion.yaml").read_text())
    (cells / "promotion.yaml").write_text(yaml.safe_dump(values | {"champion": {"metrics": [COUNT], "sd": 2.0}}))
    register(make_model(seed=1, test_md5="elsewhere", data_md5={"mylab": "ab.dir"}), "chromseg")
    told = r"same test data: elsewhere .*`chromseg-ops models evaluate chromseg@champion --data mylab`"
    with pytest.raises(RegistryError, match=told):
        promote("chromseg/2", reason="please")


def test_a_model_is_not_measured_on_pictures_that_trained_it(cells: Path, make_model: Make) -> None:
    [tested] = [each for each in collect([read_dataset(cells / "data/cells")]) if each.image.split == "test"]
    seen = Seen.of([tested.key], ["elsewhere"])
    folder = make_model()
    card = read_card(folder)
    write_card(
        folder, dataclasses.replace(card, seen=seen.to_card(), lineage=card.lineage | {"seen_sha256": seen.sha256()})
    )
    record_run(folder)
    register(folder, "chromseg")
    with pytest.raises(DataError, match=r"chromseg/1.* was trained on 1 of the 1 pictures .*test.png first"):
        evaluate("chromseg/1", "cells")
    assert evaluate("chromseg/1", "others").facts["metrics"][COUNT] == 1.0
    assert COUNT not in show("chromseg/1").metrics, "its own test data are others"


def test_what_cannot_be_measured_on_is_told(cells: Path, make_model: Make) -> None:
    register(make_model(), "chromseg")
    with pytest.raises(DataError, match="no dataset data/nowhere"):
        evaluate("chromseg/1", "nowhere")
    with pytest.raises(DataError, match=r"data/cells without a case to judge by in the split `val`"):
        evaluate("chromseg/1", "cells", split="val")
    with pytest.raises(RegistryError, match="split 'tests'; expected one of train, val, test"):
        evaluate("chromseg/1", "cells", split="tests")
    assert len(history("chromseg")) == 1


def test_the_verb_prints_scores(cells: Path, make_model: Make) -> None:
    register(make_model(), "chromseg")
    answer = CliRunner().invoke(app, ["models", "evaluate", "chromseg/1", "--data", "cells", "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["facts"]["data"] == "cells"
    answer = CliRunner().invoke(app, ["models", "evaluate", "chromseg/1", "--data", "cells"])
    assert "test/count_exact" in answer.stdout and "cells, test" in answer.stdout
