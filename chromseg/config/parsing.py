"""From plain YAML values to frozen dataclasses; an unknown or missing key is an error that names it."""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar

from chromseg.errors import ConfigError

T = TypeVar("T")


def parse(kind: type[T], values: Any, where: str = "") -> T:
    """Build a config dataclass from plain YAML values, checking every key and type.

    Raises:
        ConfigError: A key is unknown or missing, or a value is of the wrong kind; the message has its full name.
    """
    where = where or kind.__name__
    if not isinstance(values, dict):
        raise ConfigError(
            f"{where} is {values!r}", expected="a block of named values", remedy="correct the params file"
        )
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    unknown = values.keys() - known.keys()
    if unknown:
        raise ConfigError(
            f"unknown key `{where}.{min(unknown)}`",
            expected=f"one of {', '.join(known)}",
            remedy="correct the params file",
        )
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(
                f"no `{where}.{name}`",
                expected=f"a {_readable(hints[name])}",
                remedy="add it to the params file",
            )
    return kind(**{name: _convert(hints[name], value, f"{where}.{name}") for name, value in values.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if is_dataclass(hint):
        return parse(hint, value, where)  # type: ignore[arg-type]
    if origin is Literal and value in typing.get_args(hint):
        return value
    if origin is tuple and isinstance(value, list | tuple):
        inner = typing.get_args(hint)[0]
        return tuple(_convert(inner, item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        inner = typing.get_args(hint)[1]
        return {name: _convert(inner, item, f"{where}.{name}") for name, item in value.items()}
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in typing.get_args(hint):
            return None
        if all(is_dataclass(arg) for arg in typing.get_args(hint)):
            return parse(family_of(typing.get_args(hint), value), value, where)
        return _convert(next(arg for arg in typing.get_args(hint) if arg is not type(None)), value, where)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    raise ConfigError(f"`{where}` is {value!r}", expected=_readable(hint), remedy="correct the params file")


def family_of(kinds: tuple[Any, ...], values: Any) -> Any:
    """Which of several model dataclasses `values` are of: the one that names their architecture, else the first."""
    architecture = values.get("architecture") if isinstance(values, dict) else None
    named = (kind for kind in kinds if architecture in typing.get_args(typing.get_type_hints(kind)["architecture"]))
    return next(named, kinds[0])


def _readable(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(hint)))
    return str(getattr(hint, "__name__", hint))
