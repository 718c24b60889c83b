"""Model folders: what is saved comes back; what is damaged is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from chromseg.config import ModelConfig
from chromseg.errors import ModelError
from chromseg.files import sha256
from chromseg.models import MAP_MODELS, build_model
from chromseg.models.package import ModelCard, load_model, read_card, save_model, write_card


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    config = ModelConfig("region-guided-unetpp", depth=2, width=4)
    save_model(tmp_path, build_model(config), ModelCard("base", config))
    return tmp_path


@pytest.mark.parametrize("architecture", MAP_MODELS)
def test_saved_network_predicts_the_same(tmp_path: Path, architecture: str) -> None:
    config = ModelConfig(architecture, depth=2, width=4, contact=True)
    network = build_model(config).to(memory_format=torch.channels_last)
    network.forward_all(torch.rand(2, 1, 16, 16))  # moves the batch-norm statistics
    card = ModelCard("v", config, stain="q-band", chromosome_area=420.0, metrics={"val/iou_crossing": 0.5, "x": None})
    written = save_model(tmp_path, network, card)
    loaded, read = load_model(tmp_path)
    assert read == written
    assert read.weights_sha256 == sha256(tmp_path / "model.safetensors")
    assert not loaded.training
    x = torch.rand(1, 1, 20, 13)
    torch.testing.assert_close(loaded(x), network.eval()(x))


def test_card_alone_can_be_rewritten(saved: Path) -> None:
    card = read_card(saved)
    write_card(saved, ModelCard(**{**vars(card), "lineage": {"data_md5": "0"}}))
    assert load_model(saved)[1].lineage == {"data_md5": "0"}


def test_files_can_be_read_by_whom_the_umask_allows(saved: Path) -> None:
    modes = {path.stat().st_mode for path in saved.iterdir()}
    (saved / "plain").touch()
    assert modes == {(saved / "plain").stat().st_mode}


def test_nothing_else_in_the_folder_is_touched(saved: Path) -> None:
    (saved / "run.json").write_text("{}")
    network, card = load_model(saved)
    save_model(saved, network, card)
    assert sorted(path.name for path in saved.iterdir()) == ["model.json", "model.safetensors", "run.json"]


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(ModelError, match=f"no .*{name}"):
        load_model(saved)


def test_changed_weights_are_refused(saved: Path) -> None:
    path = saved / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256"):
        load_model(saved)


def test_something_else_under_the_name_is_refused(saved: Path) -> None:
    (saved / "model.safetensors").write_bytes(b"not weights at all")
    _correct_hash(saved)
    with pytest.raises(ModelError, match="no safetensors file"):
        load_model(saved)


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_weights_of_another_network_are_refused(saved: Path, change: str) -> None:
    weights = load_file(saved / "model.safetensors")
    name = next(name for name in weights if name.endswith("weight"))
    if change == "missing":
        del weights[name]
    elif change == "extra":
        weights["extra"] = torch.zeros(1)
    else:
        weights[name] = torch.zeros(7)
    save_file(weights, saved / "model.safetensors")
    _correct_hash(saved)
    with pytest.raises(ModelError, match="does not fit the architecture"):
        load_model(saved)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "not json", '{"format": 2}', '{"format": 1, "name": "x"}', '{"format": 1, "colour": 1}', "\x00"],
)
def test_damaged_card_is_refused(saved: Path, text: str) -> None:
    (saved / "model.json").write_text(text)
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(saved)


def test_unknown_architecture_in_the_card_lists_the_known(saved: Path) -> None:
    values = json.loads((saved / "model.json").read_text())
    values["architecture"]["architecture"] = "transformer"
    (saved / "model.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match="`transformer`; expected one of region-guided-unetpp"):
        load_model(saved)


def _correct_hash(folder: Path) -> None:
    card = read_card(folder)
    write_card(folder, ModelCard(**{**vars(card), "weights_sha256": sha256(folder / "model.safetensors")}))
