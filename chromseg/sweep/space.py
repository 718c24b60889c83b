"""The block `search` of a params file: which parameters of a variant are tried, and how a trial is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chromseg.config import block, merge, parse, variant_config
from chromseg.errors import ConfigError

_KINDS = ("choice", "uniform", "loguniform")
_VALIDATION = "val/"  # test cases choose nothing
_EPOCHS = "optim.epochs"


@dataclass(frozen=True)
class Parameter:
    """Where the values of one parameter come from.

    Attributes:
        kind: `choice` of the values, or `uniform` or `loguniform` between two.
        values: Those.
    """

    kind: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class SearchConfig:
    """What is searched.

    Attributes:
        variant: Whose parameters.
        metric: Of validation, the higher the better.
        trials: How many.
        grace: Epochs that each trial has before it may be stopped for being worse than others.
        seed: Of the trainings, and of the values drawn.
        parameters: By their names within a variant, `optim.lr`.
    """

    variant: str
    metric: str
    trials: int = 20
    grace: int = 1
    seed: int = 0
    parameters: Mapping[str, Parameter] = field(default_factory=dict, metadata={"parsed": False})


def search_of(params: dict[str, Any]) -> SearchConfig:
    """The block `search`.

    Raises:
        ConfigError: It is missing, or names what there is not.
    """
    values = block(params, "search")
    given = values.pop("parameters", None) or {}
    config = replace(parse(SearchConfig, values, "search"), parameters=_parameters(given))
    if not config.metric.startswith(_VALIDATION):
        raise ConfigError(
            f"`search.metric` is {config.metric!r}",
            expected=f"a metric of validation, such as {_VALIDATION}iou_crossing",
            remedy="name one: test cases choose nothing",
        )
    if not given or _EPOCHS in given:
        raise ConfigError(
            f"`search.parameters` with {', '.join(given) or 'nothing'}",
            expected=f"parameters of a variant, {_EPOCHS} left out",
            remedy="name some, and set epochs in the variant: trials are stopped early by themselves",
        )
    for number in (0, -1):  # unknown keys and wrong kinds are found before anything starts
        one = {name: parameter.values[number] for name, parameter in config.parameters.items()}
        variant = merge(block(params, "train", "variants", config.variant), nested(one))
        variants = block(params, "train", "variants") | {config.variant: variant}
        variant_config(params | {"train": params["train"] | {"variants": variants}}, config.variant)
    return config


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """`{"optim.lr": 1}` as `{"optim": {"lr": 1}}`, the way a variant has it."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        for part in reversed(name.split(".")):
            value = {part: value}
        found = merge(found, value)
    return found


def _parameters(given: Any) -> dict[str, Parameter]:
    if not isinstance(given, dict):
        raise _wrong("search.parameters", given)
    return {name: _parameter(f"search.parameters.{name}", each) for name, each in given.items()}


def _parameter(name: str, given: Any) -> Parameter:
    one: tuple[str, Any] = next(iter(given.items())) if isinstance(given, dict) and len(given) == 1 else ("", None)
    kind, values = one
    bounds = isinstance(values, list) and len(values) == 2 and all(isinstance(each, int | float) for each in values)
    lowest = 0.0 if kind == "loguniform" else float("-inf")
    if kind == "choice" and isinstance(values, list) and values:
        return Parameter(kind, tuple(values))
    if kind in _KINDS[1:] and bounds and lowest < values[0] < values[1]:
        return Parameter(kind, (float(values[0]), float(values[1])))
    raise _wrong(name, given)


def _wrong(name: str, given: Any) -> ConfigError:
    return ConfigError(
        f"`{name}` is {given!r}",
        expected="{choice: [values]}, {uniform: [from, to]} or {loguniform: [from, to]}, the last above 0",
        remedy="correct the params file",
    )
