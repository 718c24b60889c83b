"""The steps of a pipeline, as its dvc.yaml says them: a stage, or one variant and seed of it, is one step."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chromseg.errors import ConfigError
from chromseg.project import Pipeline

_WRITES = ("outs", "plots", "metrics")
_PARAMS = "params.yaml"  # where parameters stand that name no file


@dataclass(frozen=True)
class Step:
    """One command of a pipeline.

    Attributes:
        name: As DVC calls it within the pipeline, `train@unet-0`.
        command: What it runs.
        folder: Absolute; where it runs, and what its paths start from.
        reads: Files and folders that it depends on.
        params: Parameters that it depends on: params file → keys.
        writes: Files and folders that are its outputs.
        trains: It is one of many variants and seeds, so that a network is at work.
    """

    name: str
    command: str
    folder: Path
    reads: tuple[str, ...] = ()
    params: tuple[tuple[str, tuple[str, ...]], ...] = ()
    writes: tuple[str, ...] = ()
    trains: bool = False

    def follows(self, other: Step) -> bool:
        """Whether it reads what the other one writes, or a part or the whole of that."""
        return any(_overlap(self.folder / mine, other.folder / its) for mine in self.reads for its in other.writes)


def steps_of(pipeline: Pipeline) -> dict[str, Step]:
    """The steps of a pipeline by their names, in the order of its dvc.yaml.

    Raises:
        ConfigError: There is no dvc.yaml, or it uses what `make stages` does not write.
    """
    file = pipeline.pipeline_file
    try:
        stages = yaml.safe_load(file.read_text(encoding="utf-8"))["stages"]
    except FileNotFoundError as error:
        raise ConfigError(
            f"no {file}", expected="a pipeline", remedy="name another profile, or run `make stages`"
        ) from error
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise _not_ours(file, str(error)) from error
    return {step.name: step for name, stage in stages.items() for step in _of_stage(file, name, stage)}


def order_of(steps: Mapping[str, Step]) -> dict[str, set[str]]:
    """Step → the steps that must be done before it."""
    return {
        name: {before for before, other in steps.items() if before != name and step.follows(other)}
        for name, step in steps.items()
    }


def _of_stage(file: Path, name: str, stage: Mapping[str, Any]) -> Iterator[Step]:
    matrix = stage.get("matrix", {})
    for chosen in itertools.product(*matrix.values()):
        item = {f"${{item.{key}}}": str(value) for key, value in zip(matrix, chosen, strict=True)}
        own = _filled(dict(stage), item)
        if "${" in str(own) or not isinstance(own.get("cmd"), str):
            raise _not_ours(file, f"stage {name}")
        yield Step(
            "@".join([name, *(["-".join(item.values())] if item else [])]),
            own["cmd"],
            (file.parent / own.get("wdir", ".")).resolve(),
            tuple(own.get("deps", ())),
            tuple(_params(own.get("params", ()))),
            tuple(_path(each) for kind in _WRITES for each in own.get(kind, ())),
            bool(item),
        )


def _filled(value: Any, item: Mapping[str, str]) -> Any:
    """The value with the variant and seed of a step in their places."""
    if isinstance(value, dict):
        return {_filled(key, item): _filled(each, item) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, item) for each in value]
    if isinstance(value, str):
        for place, word in item.items():
            value = value.replace(place, word)
    return value


def _params(entries: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    keys = tuple(each for each in entries if isinstance(each, str))
    if keys:
        yield _PARAMS, keys
    for each in entries:
        if isinstance(each, dict):
            yield from ((file, tuple(names)) for file, names in each.items())


def _path(entry: str | dict[str, Any]) -> str:
    return entry if isinstance(entry, str) else next(iter(entry))


def _overlap(one: Path, other: Path) -> bool:
    one, other = Path(os.path.normpath(one)), Path(os.path.normpath(other))
    return one.is_relative_to(other) or other.is_relative_to(one)


def _not_ours(file: Path, what: str) -> ConfigError:
    return ConfigError(
        f"{file}: {what}", expected="stages as `make stages` writes them", remedy="run `make stages`, or `dvc repro`"
    )
