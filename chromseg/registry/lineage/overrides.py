"""Parameters of an experiment (`dvc exp run -S …`) that its commit does not have: found, and put back.

They are part of the lineage, so code that differs from its commit in nothing else counts as committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from chromseg.config import read_params

Override = list[Any]  # the keys that lead to a place in the file, and the value there


def overrides(committed: Mapping[str, Any], found: Mapping[str, Any]) -> list[Override]:
    """What must be set in `committed` to get `found`; a mapping that lost a key is set as a whole."""
    return list(_differences(committed, found, []))


def put_back(file: Path, changes: Sequence[Override]) -> None:
    """Set values in a params file."""
    params = _unshared(read_params(file))
    for path, value in changes:
        if not path:
            params = value
            continue
        place = params
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    file.write_text(yaml.safe_dump(params, sort_keys=False, allow_unicode=True), encoding="utf-8")


def described(changes: Mapping[str, Sequence[Override]]) -> list[str]:
    """Each as `dvc exp run -S` takes it: `params.yaml:train.base.optim.lr=0.01`."""
    return [
        f"{file}:{'.'.join(map(str, path))}={json.dumps(value)}"
        for file in sorted(changes)
        for path, value in changes[file]
    ]


def _unshared(value: Any) -> Any:
    """A copy in which blocks that YAML's anchors made one are two: a value set in one stays out of the other."""
    if isinstance(value, dict):
        return {key: _unshared(part) for key, part in value.items()}
    return [_unshared(part) for part in value] if isinstance(value, list) else value


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], place: list[str]) -> Iterator[Override]:
    if not old.keys() <= new.keys():
        yield [place, dict(new)]
        return
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            yield from _differences(before, value, [*place, key])
        elif key not in old or (type(before), before) != (type(value), value):
            yield [[*place, key], value]
