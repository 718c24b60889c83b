"""Every wrong key or value of a params file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from chromseg.config import (
    ClassifierConfig,
    DetectorConfig,
    ModelConfig,
    OptimConfig,
    TrainConfig,
    block,
    parse,
    parse_model,
    read_params,
    variant_config,
)
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
        ({"model": {"architecture": "ucrd-net", "depth": 1}}, r"unknown key `TrainConfig\.model\.depth`; .*backbone"),
        ({"model": {"architecture": "unet", "levels": [2]}}, r"unknown key `TrainConfig\.model\.levels`; .*depth"),
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


def test_architecture_decides_what_a_model_block_is() -> None:
    values = {"architecture": "ucrd-net", "levels": [2, 3], "anchor_sizes": [[16, 32], [64.5]]}
    config = DetectorConfig("ucrd-net", levels=(2, 3), anchor_sizes=((16.0, 32.0), (64.5,)))
    assert parse(TrainConfig, {"model": values}).model == parse_model(values, "model") == config
    assert parse_model({"architecture": "unet"}, "model") == ModelConfig("unet")


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


def test_a_variant_of_another_family_brings_its_whole_model() -> None:
    base = {"model": {"architecture": "unet", "depth": 3}, "crop": 96}
    variants = {"deep": {"model": {"depth": 5}}, "guided": {"model": {"architecture": "region-guided-unetpp"}}}
    variants |= {"found": {"model": {"architecture": "ucrd-net", "levels": [2, 3]}, "crop": 0}}
    params = {"train": {"base": base, "variants": variants}}
    assert variant_config(params, "deep").model == ModelConfig("unet", depth=5)
    assert variant_config(params, "guided").model == ModelConfig("region-guided-unetpp", depth=3)
    assert variant_config(params, "found").model == DetectorConfig("ucrd-net", levels=(2, 3))
    assert variant_config(params, "found").crop == 0 and variant_config(params, "deep").crop == 96


def test_pretraining_has_a_block_of_its_own() -> None:
    block_ = {"base": {"model": {"architecture": "classifier"}}, "variants": {"a": {"model": {"classes": 2}}}}
    assert variant_config({"pretrain": block_}, "a", "pretrain").model == ClassifierConfig("classifier", classes=2)
