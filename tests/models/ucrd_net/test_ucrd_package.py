"""Saved detectors come back, without the weights they once started from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from tiny_detector import FULL, tiny

from chromseg.config import ModelConfig
from chromseg.errors import ConfigError, ModelError
from chromseg.models import MapNetwork, build_model
from chromseg.models.package import ModelCard, load_model, read_card, save_model
from chromseg.models.ucrd_net import UCRDNet


def test_saved_detector_finds_the_same(tmp_path: Path) -> None:
    network = tiny(FULL, weights="gone/weights.pth", norm="frozen", region="learned", score_min=0.0)
    save_model(tmp_path, network, ModelCard("v", network.config, stain="q-band"))
    loaded, card = load_model(tmp_path, UCRDNet)
    assert card.architecture == network.config  # tuples and all
    assert not loaded.training
    image = torch.rand(1, 33, 47)
    for one, other in zip(loaded.detect([image])[0], network.eval().detect([image])[0], strict=True):
        torch.testing.assert_close(one, other)


def test_the_other_family_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "detector", tiny(), ModelCard("v", tiny().config))
    config = ModelConfig("unet", depth=1, width=2)
    save_model(tmp_path / "maps", build_model(config), ModelCard("v", config))
    with pytest.raises(ModelError, match=r"with a `ucrd-net`; expected a MapNetwork"):
        load_model(tmp_path / "detector", MapNetwork)
    with pytest.raises(ModelError, match=r"with a `unet`; expected a UCRDNet"):
        load_model(tmp_path / "maps", UCRDNet)


def test_a_card_with_an_impossible_detector(tmp_path: Path) -> None:
    save_model(tmp_path, tiny(), ModelCard("v", tiny().config))
    values = json.loads((tmp_path / "model.json").read_text())
    values["architecture"]["nms_iou"] = 7.0
    (tmp_path / "model.json").write_text(json.dumps(values))
    with pytest.raises(ConfigError, match=r"model\.nms_iou"):
        load_model(tmp_path)
    values["architecture"]["backbone"] = "vgg"
    (tmp_path / "model.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"backbone.*resnet101"):
        read_card(tmp_path)


def test_weights_of_another_variant_do_not_fit(tmp_path: Path) -> None:
    network = tiny()
    save_model(tmp_path, network, ModelCard("v", network.config))
    values = json.loads((tmp_path / "model.json").read_text())
    values["architecture"] = dataclasses.asdict(FULL)
    (tmp_path / "model.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match="does not fit the architecture"):
        load_model(tmp_path)
