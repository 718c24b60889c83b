"""Every wrong key or value of a params file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from chromseg.config import ModelConfig, OptimConfig, TrainConfig, block, parse, read_params
from chromseg.errors import ConfigError


def test_defaults_and_nested_blocks() -> None:
    config = parse(TrainConfig, {"model": {"architecture": "unet"}, "optim": {"lr": 1}, "samples": ["cutout"]})
    assert config.model == ModelConfig("unet")
    assert config.optim.lr == 1.0 and isinstance(config.optim.lr, float)
    assert config.samples == ("cutout",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": {"architecture": "unet"}, "crops": 1}, r"unknown key `TrainConfig\.crops`; expected one of model"),
        ({"model": {"architecture": "unet", "widht": 1}}, r"unknown key `TrainConfig\.model\.widht`"),
        ({}, r"no `TrainConfig\.model`"),
        ({"model": {}}, r"no `TrainConfig\.model\.architecture`; expected a str"),
        ({"model": "unet"}, r"TrainConfig\.model is 'unet'; expected a block"),
        ({"model": {"architecture": "unet"}, "crop": "big"}, r"`TrainConfig\.crop` is 'big'; expected int"),
        ({"model": {"architecture": "unet"}, "crop": True}, r"`TrainConfig\.crop` is True; expected int"),
        ({"model": {"architecture": "unet"}, "samples": "cutout"}, r"`TrainConfig\.samples` is 'cutout'"),
        (
            {"model": {"architecture": "unet"}, "optim": {"optimizer": "adagrad"}},
            r"`TrainConfig\.optim\.optimizer` is 'adagrad'; expected one of adam, adamw, sgd",
        ),
    ],
)
def test_mistakes_are_named_in_full(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(TrainConfig, values)


def test_optional_values_take_none() -> None:
    assert parse(TrainConfig, {"model": {"architecture": "unet"}, "fold": None}).fold is None
    assert parse(TrainConfig, {"model": {"architecture": "unet"}, "fold": 2}).fold == 2


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        OptimConfig().lr = 1.0  # type: ignore[misc]


def test_missing_block_lists_those_present() -> None:
    with pytest.raises(ConfigError, match=r"no `train\.variants\.c` in the params file; expected one of: a, b"):
        block({"train": {"variants": {"a": {}, "b": {}}}}, "train", "variants", "c")


def test_params_file_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no .*params\.yaml"):
        read_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [1,")
    with pytest.raises(ConfigError, match="valid YAML"):
        read_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("just text")
    with pytest.raises(ConfigError, match="one block a stage"):
        read_params(tmp_path / "params.yaml")
