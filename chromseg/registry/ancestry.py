"""What must run to train a version again: whatever it starts from comes first, each in the pipeline it belongs to."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from chromseg.config import block, merge, read_params
from chromseg.registry.lineage import Lineage

# `init` and `model.weights` name a folder that another training leaves, or a file in it
_TRAINED = re.compile(r"(?:profiles/(?P<profile>[^/]+)/)?models/(?P<variant>[^/]+)-(?P<seed>\d+)(?:/[^/]+)?")

Stage = tuple[str, tuple[str, ...]]  # module and arguments


class Training(NamedTuple):
    """One variant × seed of one pipeline."""

    profile: str
    variant: str
    seed: int


def stages(tree: Path, lineage: Lineage) -> list[Stage]:
    """Modules to run with their arguments, in order, each once.

    Args:
        tree: A checked-out project.
        lineage: Of the version; its data is all that `tree/data` holds, so nothing else is prepared.
    """
    found: list[Stage] = []
    for each in _ancestry(tree, Training(lineage.profile, lineage.variant, lineage.seed)):
        params, profile = _params(tree, each.profile), profile_arguments(each.profile)
        found.append(("pipelines.prepare", (*profile, *_datasets(params, lineage.data_md5))))
        module = f"pipelines.{_stage(params, each.variant)}"
        found.append((module, (*profile, "--variant", each.variant, "--seed", str(each.seed))))
    return list(dict.fromkeys(found))


def profile_arguments(profile: str) -> tuple[str, ...]:
    """How a stage is told its pipeline."""
    return () if profile == "default" else ("--profile", profile)


def _ancestry(tree: Path, training: Training) -> list[Training]:
    """Whatever a training starts from, the earliest first, and itself."""
    params = _params(tree, training.profile)
    part = block(params, _stage(params, training.variant))
    settings = merge(part.get("base") or {}, part["variants"][training.variant] or {})
    sources = (settings.get("init"), (settings.get("model") or {}).get("weights"))
    parents = [_parse(match) for source in sources if (match := _TRAINED.fullmatch(str(source)))]
    return [each for parent in parents for each in _ancestry(tree, parent)] + [training]


def _parse(match: re.Match[str]) -> Training:
    return Training(match["profile"] or "default", match["variant"], int(match["seed"]))


def _stage(params: dict[str, Any], variant: str) -> str:
    return "train" if variant in block(params, "train")["variants"] else "pretrain"


def _datasets(params: dict[str, Any], known: Collection[str]) -> tuple[str, ...]:
    """What to tell `prepare` if the version has seen only some of the pipeline's datasets."""
    listed = (params.get("prepare") or {}).get("datasets") or []
    seen = [name for name in listed if name in known]
    return ("--datasets", *seen) if 0 < len(seen) < len(listed) else ()


def _params(tree: Path, profile: str) -> dict[str, Any]:
    return read_params((tree if profile == "default" else tree / "profiles" / profile) / "params.yaml")
