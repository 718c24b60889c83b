"""Two registered models become one folder that stands by itself, and a registered model like any other."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from drawn_cells import drawn_cell, threshold_predictor
from example_lineage import LINEAGE
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_cascade import build, build_of
from tiny_detector import TINY

from chromseg import load_predictor
from chromseg.annotations import (
    Dataset,
    DatasetCard,
    ImageRecord,
    InstanceRecord,
    encode_rle,
    write_dataset,
    write_samples,
)
from chromseg.annotations.seen import Seen, judged_on_seen
from chromseg.config import PrepareConfig
from chromseg.errors import DataError, ModelError, RegistryError
from chromseg.inference.cascade import CascadePredictor
from chromseg.models.cascade import CascadeConfig, CascadeNetwork
from chromseg.models.corrector import Corrector
from chromseg.models.package import ModelCard, load_model, read_card, write_card
from chromseg.models.verifier import Verifier
from chromseg.project import tracking_uri
from chromseg.registry.store.backend import mlflow
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.cascade import Parents, add_taught, data_of, resolve_parent, taught_networks
from chromseg.registry.versions.listing import show
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import Resolved
from pipelines import cascade as program
from pipelines.prepare import samples
from pipelines.profile import Profile


def picture() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(drawn_cell()[0]).save(stream, "PNG")
    return stream.getvalue()


def test_a_cascade_stands_by_itself(parents: tuple[Resolved, Resolved], tmp_path: Path) -> None:
    card = build(tmp_path / "both", *parents, doubt=0.7)
    assert card.lineage["parents"] == ["models:/chromseg/3", "models:/ucrd-net/1"]
    told = json.loads((tmp_path / "both" / "model.json").read_text())
    assert told["architecture"]["architecture"] == "cascade"
    for role, parent in zip(("maps", "detector"), parents, strict=True):
        entry = told["parents"][role]
        assert (entry["name"], entry["version"]) == (parent.name, str(parent.version))
        assert entry["weights_sha256"] == read_card(parent.folder).weights_sha256
    own = load_model(parents[1].folder)[0].state_dict()
    for parent in parents:
        shutil.rmtree(parent.folder)
    predictor = load_predictor(tmp_path / "both")
    assert isinstance(predictor, CascadePredictor)
    assert predictor.rule.doubt == 0.7 and predictor.detector.settings.score == 0.4
    network, _ = load_model(tmp_path / "both")
    assert isinstance(network, CascadeNetwork)
    for name, value in network.detector.state_dict().items():
        assert torch.equal(value, own[name]), name


def test_a_verifier_and_a_corrector_are_kept_with_the_cascade_and_used(
    parents: tuple[Resolved, Resolved], tmp_path: Path
) -> None:
    before = build(tmp_path / "both", *parents)
    plain = load_predictor(tmp_path / "both")
    assert isinstance(plain, CascadePredictor) and plain.verifier is plain.corrector is None
    own = Verifier(), Corrector()
    card = add_taught(tmp_path / "both", *own)
    assert card.weights_sha256 != before.weights_sha256 and (card.parents, card.seen) == (before.parents, before.seen)
    predictor = load_predictor(tmp_path / "both")
    assert isinstance(predictor, CascadePredictor)
    for kept, given in zip((predictor.verifier, predictor.corrector), own, strict=True):
        assert kept is not None and not kept.network.training
        for name, value in kept.network.state_dict().items():
            assert torch.equal(value, given.state_dict()[name]), name
    with pytest.raises(ModelError, match="expected a CascadeNetwork"):
        add_taught(parents[0].folder, *own)


def teacher_of(parents: tuple[Resolved, Resolved], folder: Path) -> Resolved:
    """A taught cascade of the same parents, which see chromosomes 12 px wide, and that knows a picture of its own."""
    maps = read_card(parents[0].folder)
    write_card(parents[0].folder, dataclasses.replace(maps, preprocessing={"scaled": True}, chromosome_width=12.0))
    build(folder, *parents)
    card = add_taught(folder, Verifier(), Corrector())
    write_card(folder, dataclasses.replace(card, seen=Seen.of(["lesson"]).to_card()))
    return Resolved(folder, "cascade", 4)


def test_a_teacher_must_have_been_taught_on_chromosomes_as_wide(
    parents: tuple[Resolved, Resolved], tmp_path: Path
) -> None:
    teacher = teacher_of(parents, tmp_path / "teacher")
    network, card = load_model(teacher.folder, CascadeNetwork)
    given = taught_networks(Parents(*parents, teacher=teacher))
    assert given is not None and taught_networks(Parents(*parents)) is None
    for taken, own in zip(given, (network.verifier, network.corrector), strict=True):
        assert own is not None
        for name, value in taken.state_dict().items():
            assert torch.equal(value, own.state_dict()[name]), name
    write_card(teacher.folder, dataclasses.replace(card, chromosome_width=24.0))
    with pytest.raises(ModelError, match="models:/cascade/4, taught on chromosomes 24 px wide; expected 12 px"):
        taught_networks(Parents(*parents, teacher=teacher))
    build(tmp_path / "untaught", *parents)
    with pytest.raises(ModelError, match="without verifier and corrector"):
        taught_networks(Parents(*parents, teacher=Resolved(tmp_path / "untaught", "cascade", 5)))


def test_outlines_of_another_rule_do_not_teach(parents: tuple[Resolved, Resolved], tmp_path: Path) -> None:
    """The weights are the same, but which detections are listened to is not."""
    folders = []
    for least in (0.4, 0.6, 0.4):
        build(tmp_path / "both", *parents, least=least)
        folders.append(program.kept(Profile("default"), tmp_path / "both"))
    assert folders[0] == folders[2] != folders[1]


def test_a_cascade_knows_the_pictures_of_both_parents(parents: tuple[Resolved, Resolved], tmp_path: Path) -> None:
    maps, detector = parents
    old = build(tmp_path / "old", *parents)
    assert Seen.from_card(old.seen, "").unknown == ("models:/chromseg/3", "models:/ucrd-net/1"), "neither says"
    for parent, seen in ((maps, Seen.of(["a", "b"], ["x"])), (detector, Seen.of(["c"], ["y"], ["old-0"]))):
        write_card(parent.folder, dataclasses.replace(read_card(parent.folder), seen=seen.to_card()))
    card = build(tmp_path / "both", *parents)
    seen = Seen.of(["a", "b", "c"], tested=["test"], unknown=["old-0"])
    assert card.seen == read_card(tmp_path / "both").seen == seen.to_card()
    assert card.lineage["seen_sha256"] == seen.sha256()
    assert judged_on_seen(["c", "test"], seen) == ["c"]


def test_changed_weights_are_noticed(parents: tuple[Resolved, Resolved], tmp_path: Path) -> None:
    build(tmp_path / "both", *parents)
    weights = load_file(tmp_path / "both" / "model.safetensors")
    first = next(iter(weights))
    save_file(weights | {first: weights[first] + 1}, tmp_path / "both" / "model.safetensors")
    with pytest.raises(ModelError, match=r"the weights its model\.json was written for"):
        load_predictor(tmp_path / "both")


def test_a_card_without_its_parents_is_refused(parents: tuple[Resolved, Resolved], tmp_path: Path) -> None:
    card = build(tmp_path / "both", *parents)
    write_card(tmp_path / "both", dataclasses.replace(card, parents={}))
    with pytest.raises(ModelError, match="without its parent `maps`"):
        load_predictor(tmp_path / "both")


def test_parents_must_be_of_their_families(parents: tuple[Resolved, Resolved], tmp_path: Path) -> None:
    maps, detector = parents
    with pytest.raises(ModelError, match="expected a UCRDNet"):
        build(tmp_path / "both", maps, maps)
    with pytest.raises(ModelError, match="expected a network of maps"):
        build(tmp_path / "both", detector, detector)


def test_parents_of_two_stains_do_not_go_together(parents: tuple[Resolved, Resolved], tmp_path: Path) -> None:
    maps, detector = parents
    write_card(maps.folder, dataclasses.replace(read_card(maps.folder), stain="dapi"))
    with pytest.raises(ModelError, match="expected two models of one stain"):
        build(tmp_path / "both", maps, detector)


def with_looks(folder: Path, *stains: str, width: float = 12.0) -> None:
    """A card of a model that was trained at one width, and knows how pictures of some stains look."""
    look = {"centre": [0.0] * 14, "precision": np.eye(14).tolist(), "reach": 1.0}
    card = dataclasses.replace(read_card(folder), chromosome_width=width, looks=dict.fromkeys(stains, look))
    write_card(folder, dataclasses.replace(card, preprocessing={"scaled": True}))


def test_an_expert_comes_along_with_its_own_card(
    parents: tuple[Resolved, Resolved], tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    expert = Resolved(make_model("expert", seed=7), "expert", 2)
    for folder in (parents[0].folder, expert.folder):
        with_looks(folder, "g-band")
    card = build_of(Parents(*parents, {"g-band": expert}), tmp_path / "both")
    assert card.lineage["parents"] == ["models:/chromseg/3", "models:/ucrd-net/1", "models:/expert/2"]
    assert card.trained_width == 12.0 and list(card.looks) == ["g-band"]
    own = load_model(expert.folder)[0].state_dict()
    shutil.rmtree(expert.folder)
    predictor = load_predictor(tmp_path / "both")
    assert isinstance(predictor, CascadePredictor)
    (drawing,) = predictor.experts.values()
    assert drawing.card.weights_sha256 != predictor.maps.card.weights_sha256
    plain = load_model(tmp_path / "both")[0].experts["g-band"].state_dict()
    assert all(torch.equal(value, own[name]) for name, value in plain.items()) and plain.keys() == own.keys()


def test_an_expert_is_for_a_stain_that_is_recognised_and_looks_as_closely(
    parents: tuple[Resolved, Resolved], tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    expert = Resolved(make_model("expert", seed=7), "expert", 2)
    with_looks(parents[0].folder, "g-band")
    with_looks(expert.folder, "g-band", width=24.0)
    with pytest.raises(ModelError, match=r"an expert for dapi, which .* cannot recognise; expected one of g-band"):
        build_of(Parents(*parents, {"dapi": expert}), tmp_path / "both")
    with pytest.raises(ModelError, match="for g-band that sees chromosomes 24 px wide; expected 12 px"):
        build_of(Parents(*parents, {"g-band": expert}), tmp_path / "both")


def test_a_detector_of_boxes_alone_is_no_parent(parents: tuple[Resolved, Resolved], tmp_path: Path) -> None:
    maps, detector = parents
    card = read_card(detector.folder)
    write_card(detector.folder, dataclasses.replace(card, preprocessing={"instances": {"boxes_only": True}}))
    with pytest.raises(ModelError, match="trained on boxes alone; expected a detector that has learned masks"):
        build(tmp_path / "both", maps, detector)


def test_a_folder_has_no_version_to_pin(parents: tuple[Resolved, Resolved]) -> None:
    with pytest.raises(RegistryError, match="as a parent; expected a registered model"):
        resolve_parent(str(parents[0].folder))


def test_the_data_of_both_parents_is_told() -> None:
    def seen(**md5: str) -> ModelCard:
        return ModelCard("a", TINY, lineage={"data_md5": md5})

    both = {"a": "1", "b": "2, 3", "c": "4"}
    assert data_of(seen(a="1", b="2"), seen(a="1", b="3", c="4")) == both
    assert data_of(seen(a="1", b="2"), seen(a="1", b="3", c="4"), seen(**both)) == both, "a cascade tells of several"


def test_a_cascade_without_its_parents_is_not_registered(
    store: Path, parents: tuple[Resolved, Resolved], tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    maps, detector = parents
    build(tmp_path / "both", dataclasses.replace(maps, version=1), detector)
    with pytest.raises(RegistryError, match=r"is built of models:/chromseg/1, which is not registered here; expected"):
        register(tmp_path / "both", "cascade")
    register(make_model("other", seed=7), "chromseg")
    with pytest.raises(RegistryError, match=r"is built of models:/chromseg/1, which has weights .* here; expected"):
        register(tmp_path / "both", "cascade")
    register(maps.folder, "chromseg")
    build(tmp_path / "again", dataclasses.replace(maps, version=2), detector)
    with pytest.raises(RegistryError, match=r"is built of models:/ucrd-net/1, which is not registered here; expected"):
        register(tmp_path / "again", "cascade")
    register(detector.folder, "ucrd-net")
    assert register(tmp_path / "again", "cascade")[0].label == "cascade/1"


@pytest.fixture
def cells(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline that judges on one drawn cell, whose chromosomes are found by a threshold."""
    params = {"prepare": {"datasets": ["cells"]}, "evaluate": {"dataset": "cells"}}
    (store / "params.yaml").write_text(yaml.safe_dump(params))
    grey, masks = drawn_cell(300)
    card = DatasetCard("cells", "g-band", "dark-on-light", "drawn", "CC0", "none", "test", "1")
    instances = tuple(
        InstanceRecord(number, 1, 1, encode_rle(mask), (0.0, 0.0, 1.0, 1.0), float(mask.sum()))
        for number, mask in enumerate(masks, start=1)
    )
    images = (ImageRecord(1, "test.png", 300, 300, "1", "test"),)
    write_dataset(Dataset(store / "data/cells", card, images, instances, {1: "chromosome"}), {1: grey})
    write_samples(Path("prepared"), samples(PrepareConfig(("cells",)), Path("data")))
    monkeypatch.setattr(program, "predictor_from_folder", lambda *_, **__: threshold_predictor())


@pytest.mark.usefixtures("cells")
def test_the_program_builds_judges_and_tracks(
    store: Path, parents: tuple[Resolved, Resolved], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two parents that have trained on other pictures; the figures are those of a threshold on a drawn cell."""
    (store / "rule.json").write_text(json.dumps({"rule": {"doubt": 0.7}}))
    by_name = {f"models:/{parent.name}@champion": parent for parent in parents}
    monkeypatch.setattr(program, "resolve_parent", by_name.__getitem__)
    monkeypatch.setattr(sys, "argv", ["cascade", "--rule", "rule.json"])
    with pytest.raises(DataError, match=r"no training metaphase in prepared; .*`--lessons 0`"):
        program.main()
    monkeypatch.setattr(sys, "argv", ["cascade", "--rule", "rule.json", "--lessons", "0"])
    program.main()
    made = read_card(Path("models/cascade-0"))
    assert isinstance(made.architecture, CascadeConfig) and made.architecture.rule.doubt == 0.7
    assert made.lineage["parents"] == ["models:/chromseg/3", "models:/ucrd-net/1"]
    assert {"cells", *LINEAGE["data_md5"]} <= made.lineage["data_md5"].keys(), "of the parents and of the test"
    record = json.loads(Path("models/cascade-0/run.json").read_text())
    settings = {"rule.doubt": 0.7, "maps": "models:/chromseg/3", "detector": "models:/ucrd-net/1"}
    assert record["params"].items() >= settings.items() and record["tags"]["run_id"] == made.lineage["run_id"]
    scores = json.loads(Path("reports/default/scores/cascade-0/metrics.json").read_text())
    client = open_store()
    run = client.get_run(made.lineage["run_id"])
    assert run.info.status == "FINISHED" and run.data.params["maps"] == "models:/chromseg/3"
    assert run.data.metrics["test/count_exact"] == scores["metrics"]["test/count_exact"] == 1.0
    assert run.data.metrics["test/slice/stain/g-band/count_exact"] == 1.0


@pytest.mark.usefixtures("cells")
def test_the_program_takes_over_what_another_cascade_was_taught(
    parents: tuple[Resolved, Resolved], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    teacher = teacher_of(parents, tmp_path / "teacher")
    _, card = load_model(teacher.folder, CascadeNetwork)
    changed = card.lineage | {"data_md5": {"lessons": "ab.dir"}, "git_dirty": True}
    write_card(teacher.folder, dataclasses.replace(card, lineage=changed))
    by_name = {f"models:/{one.name}@champion": one for one in (*parents, teacher)}
    monkeypatch.setattr(program, "resolve_parent", by_name.__getitem__)
    monkeypatch.setattr(sys, "argv", ["cascade", "--taught-by", "models:/cascade@champion"])
    program.main()
    network, made = load_model(Path("models/cascade-0"), CascadeNetwork)
    assert network.verifier is not None and network.corrector is not None
    assert made.lineage["data_md5"]["lessons"] == "ab.dir" and made.lineage["git_dirty"] is True
    assert judged_on_seen(["lesson"], Seen.from_card(made.seen, "")) == ["lesson"]
    assert made.lineage["parents"] == ["models:/chromseg/3", "models:/ucrd-net/1"]
    assert made.lineage["ablation"].endswith(", taught by models:/cascade/4")
    record = json.loads(Path("models/cascade-0/run.json").read_text())
    assert record["params"]["teacher"] == "models:/cascade/4"
    weights = Path("models/cascade-0/model.safetensors").read_bytes()
    build(tmp_path / "teacher", *parents)
    with pytest.raises(ModelError, match="without verifier and corrector"):
        program.main()
    assert Path("models/cascade-0/model.safetensors").read_bytes() == weights, "the cascade before stays"


@pytest.mark.slow
def test_all_families_register_predict_and_load_in_mlflow(
    store: Path, parents: tuple[Resolved, Resolved], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for parent in parents:
        register(parent.folder, str(parent.name))
    build(tmp_path / "both", resolve_parent("models:/chromseg/1"), resolve_parent("models:/ucrd-net/1"))
    version, new = register(tmp_path / "both", "cascade")
    assert (version.name, version.number, new) == ("cascade", 1, True)
    assert show("cascade/1").lineage.parents == ("models:/chromseg/1", "models:/ucrd-net/1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    for name in ("cascade", "ucrd-net"):
        model = mlflow.pyfunc.load_model(f"models:/{name}/1")
        told = json.loads(model.predict(pd.DataFrame({"image": [picture()]}))["instances"][0])
        expected = load_predictor(f"models:/{name}/1").predict(picture())
        assert len(told["annotations"]) == len(expected.instances)
        assert told["model"]["weights_sha256"] == show(f"{name}/1").weights_sha256
        assert (expected.model.name, expected.model.version) == (name, "1")
