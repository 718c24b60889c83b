"""`params.yaml`: a block a stage; `train.base` is what all variants share, `train.variants.<name>` what one changes."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import yaml

from chromseg.config.models import AnyModelConfig
from chromseg.config.parsing import family_of, parse
from chromseg.config.training import TrainConfig
from chromseg.errors import ConfigError


def read_params(path: Path) -> dict[str, Any]:
    """Read a params file as a mapping.

    Raises:
        ConfigError: It is missing or not a YAML mapping.
    """
    try:
        params = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no {path}", expected="a params file", remedy="run from the project's top folder") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {error}", expected="valid YAML", remedy="correct the file") from error
    if not isinstance(params, dict):
        raise ConfigError(f"{path} without named blocks", expected="one block a stage", remedy="correct the file")
    return params


def block(params: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The block at `keys`, say `block(params, "train", "variants", "unet")`.

    Raises:
        ConfigError: A key is absent; the message lists those present.
    """
    found: Any = params
    for depth, key in enumerate(keys):
        if not isinstance(found, dict) or key not in found:
            present = ", ".join(found) if isinstance(found, dict) else "nothing"
            raise ConfigError(
                f"no `{'.'.join(keys[: depth + 1])}` in the params file",
                expected=f"one of: {present}",
                remedy="correct the name or add the block",
            )
        found = found[key]
    return dict(found or {})


def variant_config(params: dict[str, Any], variant: str, stage: str = "train") -> TrainConfig:
    """The full configuration of one variant: `base` of the stage's block with the variant's own values over it.

    The model block of a variant of another family than the base's stands alone, since the two share no keys.
    """
    base, over = block(params, stage, "base"), block(params, stage, "variants", variant)
    values = merge(base, over)
    kinds = typing.get_args(AnyModelConfig)
    own = over.get("model", {})
    if "architecture" in own and family_of(kinds, own) != family_of(kinds, base.get("model")):
        values["model"] = own
    return parse(TrainConfig, values)


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid over it, nested blocks key by key."""
    merged = dict(base)
    for key, value in over.items():
        both_blocks = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = merge(base[key], value) if both_blocks else value
    return merged


def parse_model(values: Any, where: str) -> AnyModelConfig:
    """The model block of any family, recognised by its `architecture`.

    Raises:
        ConfigError: As `parse`.
    """
    config: AnyModelConfig = parse(family_of(typing.get_args(AnyModelConfig), values), values, where)
    return config
