"""What a training begins with: random weights, those of another model, or some parts of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.utils import set_seed
from instance_job import detector_config
from tiny_detector import UCRD
from torch import nn

from chromseg.config import DetectorConfig, TrainConfig
from chromseg.errors import ConfigError
from chromseg.models import build_model
from chromseg.models.package import ModelCard, save_model
from chromseg.training.initial import initial_network

PARTS = ("backbone", "fpn")


def saved(folder: Path, architecture: DetectorConfig = UCRD) -> nn.Module:
    """A model whose weights are all those of another seed."""
    set_seed(7)
    network = build_model(architecture)
    save_model(folder, network, ModelCard("source", architecture))
    return network


def config(init: Path | str, parts: tuple[str, ...] = (), **model: Any) -> TrainConfig:
    architecture = dataclasses.replace(UCRD, **model)
    return dataclasses.replace(detector_config(), model=architecture, init=str(init), init_parts=parts)


def drawn(training: TrainConfig) -> nn.Module:
    set_seed(0)
    return initial_network(training)


def weights(network: nn.Module, part: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in network.state_dict().items() if name.startswith(f"{part}.")}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_a_model_of_equal_architecture_is_taken_over_whole(tmp_path: Path) -> None:
    source = saved(tmp_path)
    assert same(drawn(config(tmp_path)).state_dict(), source.state_dict())


def test_a_model_of_another_architecture_is_refused_as_a_whole(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(ConfigError, match="init_parts"):
        drawn(config(tmp_path, mask_convolutions=UCRD.mask_convolutions + 1))


def test_parts_come_from_the_model_and_the_rest_is_drawn_alike_in_each_variant(tmp_path: Path) -> None:
    source = saved(tmp_path)
    one = drawn(config(tmp_path, PARTS, mask_convolutions=1))
    two = drawn(config(tmp_path, PARTS, mask_convolutions=2, uncertainty=False, box_head="two-fc"))
    for part in PARTS:
        assert same(weights(one, part), weights(source, part)), part
        assert same(weights(two, part), weights(source, part)), part
    assert not same(weights(one, "rpn"), weights(source, "rpn"))
    assert same(weights(one, "rpn"), weights(two, "rpn"))


def test_a_level_that_the_model_lacks_stays_as_drawn(tmp_path: Path) -> None:
    known = weights(saved(tmp_path, dataclasses.replace(UCRD, levels=(2,), anchor_sizes=((16.0,),))), "fpn")
    found = weights(drawn(config(tmp_path, PARTS)), "fpn")
    further = {name for name in found if name not in known}
    assert further == {"fpn.output.3.0.weight", "fpn.output.3.0.bias"}
    assert all(torch.equal(found[name], value) for name, value in known.items())


@pytest.mark.parametrize(
    ("parts", "model", "said"),
    [
        (("fpn",), {"fpn_width": UCRD.fpn_width * 2}, "fpn.lateral"),
        (("mask_scoring",), {"mask_scoring": True}, "mask_scoring"),
        (("neck",), {}, "neck"),
        (("mask_scoring",), {}, "mask_scoring"),
    ],
)
def test_parts_that_do_not_fit_are_refused_by_name(
    tmp_path: Path, parts: tuple[str, ...], model: dict[str, Any], said: str
) -> None:
    saved(tmp_path)
    with pytest.raises(ConfigError, match=said):
        drawn(config(tmp_path, parts, **model))


def test_parts_of_no_model_are_refused() -> None:
    with pytest.raises(ConfigError, match="init_parts"):
        drawn(config("", PARTS))
