"""What must run to train a version again: whatever it starts from comes first, each in the pipeline it belongs to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from chromseg.config import block, merge, read_params
from chromseg.project import DEFAULT, Pipeline
from chromseg.registry.lineage.lineage import Lineage

# `init` and `model.weights` name a folder that another training leaves, or a file in it
_TRAINED = re.compile(r"(?:profiles/(?P<profile>[^/]+)/)?models/(?P<variant>[^/]+)-(?P<seed>\d+)(?:/[^/]+)?/?")
_STAGES = ("train", "pretrain", "karyotype")  # blocks of a params file with variants

Stage = tuple[str, tuple[str, ...]]  # its name and arguments


class Training(NamedTuple):
    """One variant × seed of one pipeline."""

    profile: str
    variant: str
    seed: int


def trainings(tree: Path, lineage: Lineage) -> list[Training]:
    """Whatever a version starts from, the earliest first, and itself, each once.

    Args:
        tree: A checked-out project, with the params that the version was trained with.
        lineage: Of the version.
    """
    return list(dict.fromkeys(_ancestry(tree, Training(lineage.profile, lineage.variant, lineage.seed))))


def stages(tree: Path, lineage: Lineage) -> list[Stage]:
    """Stages to run with their arguments, in order, each once; takes what `trainings` takes."""
    found: list[Stage] = []
    for each in trainings(tree, lineage):
        params, profile = _params(tree, each.profile), profile_arguments(each.profile)
        found.append(("prepare", (*profile, *_chosen(params, lineage.data_md5))))
        found.append((_stage(params, each.variant), (*profile, *variant_arguments(each.variant, each.seed))))
    return list(dict.fromkeys(found))


def datasets(tree: Path, lineage: Lineage) -> dict[str, str]:
    """Those of the version's data that these stages read, name → md5; a model that is given needs none."""
    read = {name for each in trainings(tree, lineage) for name in _listed(_params(tree, each.profile))}
    return {name: md5 for name, md5 in lineage.data_md5.items() if name in read}


def given(tree: Path, lineage: Lineage) -> list[str]:
    """Folders and files that no training here leaves and that a training starts from, as params name them."""
    named = [source for each in trainings(tree, lineage) for source in _sources(_params(tree, each.profile), each)]
    return [source for source in dict.fromkeys(named) if "/" in source and not _TRAINED.fullmatch(source)]


def profiles_behind(*sources: str) -> list[str]:
    """Pipelines whose trainings left what `init` and `model.weights` name."""
    matches = filter(None, map(_TRAINED.fullmatch, sources))
    return list(dict.fromkeys(_parse(match).profile for match in matches))


def profile_arguments(profile: str) -> tuple[str, ...]:
    """The options that name a stage's pipeline."""
    return () if profile == DEFAULT else ("--profile", profile)


def variant_arguments(variant: str, seed: int) -> tuple[str, ...]:
    """The options that name what a stage works on."""
    return ("--variant", variant, "--seed", str(seed))


def _ancestry(tree: Path, training: Training) -> Iterator[Training]:
    for source in _sources(_params(tree, training.profile), training):
        if match := _TRAINED.fullmatch(source):
            yield from _ancestry(tree, _parse(match))
    yield training


def _sources(params: dict[str, Any], training: Training) -> list[str]:
    part = block(params, _stage(params, training.variant))
    settings = merge(part.get("base") or {}, part["variants"][training.variant] or {})
    return [str(source) for source in (settings.get("init"), (settings.get("model") or {}).get("weights")) if source]


def _parse(match: re.Match[str]) -> Training:
    return Training(match["profile"] or DEFAULT, match["variant"], int(match["seed"]))


def _stage(params: dict[str, Any], variant: str) -> str:
    stages = [stage for stage in _STAGES if variant in (params.get(stage) or {}).get("variants", {})]
    return stages[0] if stages else _STAGES[0]


def _listed(params: dict[str, Any]) -> list[str]:
    return list((params.get("prepare") or {}).get("datasets") or [])


def _chosen(params: dict[str, Any], known: Collection[str]) -> tuple[str, ...]:
    """What to tell `prepare` if the version has seen only some of the pipeline's datasets."""
    listed = _listed(params)
    seen = [name for name in listed if name in known]
    return ("--datasets", *seen) if 0 < len(seen) < len(listed) else ()


def _params(tree: Path, profile: str) -> dict[str, Any]:
    return read_params(Pipeline(profile, tree).params_file)
