"""Lineage: where a model comes from. Without it nothing is registered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from chromseg.errors import LineageError
from chromseg.project import DEFAULT

NOT_BY_DVC = "not run by DVC"  # what a missing `dvc_stage` means, in words
_OPTIONAL = ("ablation", "dvc_stage", "validation", "parents", "seen_sha256", "overrides", "installed", "runtime")


@dataclass(frozen=True)
class Lineage:
    """Everything needed to say which code, data and machine made a model.

    Attributes:
        run_id: MLflow run that trained it, in the store where it was trained; "" before the run has started.
        experiment: MLflow experiment of that run.
        variant: Model × ablation, as in params.yaml.
        ablation: What the variant changes, in words; may be empty.
        seed: Of the run.
        profile: Pipeline that ran it; "default" is the one at the top of the project.
        git_commit: 40 hex digits.
        git_dirty: Files differed from the commit (`dvc.lock`, `reports/` and `mlruns/` left aside), or some below
            `chromseg/`, `pipelines/` or of the pipeline are not in it; or that was so of a model it starts from.
        data_md5: Dataset name → md5 of its folder as DVC computes it.
        test_md5: Of the sorted hashes of test images and annotations.
        environment: SHA-256 of `requirements.lock`.
        hardware: Processor, cores, GPU.
        software: Version of ChromSeg-Ops.
        dvc_stage: SHA-256 of the training stage's entry in `dvc.lock`; None if DVC did not run it.
        validation: Whether the data passed validation; None if unknown.
        parents: Registered versions that this model is built of, `models:/name/3`; empty for most.
        seen_sha256: Of the block `seen` of its card, the pictures that it knows; None in lineages of older versions.
        overrides: What an experiment (`dvc exp run -S …`) set otherwise than the commit: params file → pairs of the
            keys that lead to a place in it and the value there.
        installed: Distribution → version, of everything that could be imported; empty in older cards.
        runtime: Python, system, threads, CUDA, cuDNN and driver, as far as there are any; empty in older cards.
    """

    run_id: str
    experiment: str
    variant: str
    seed: int
    git_commit: str
    git_dirty: bool
    data_md5: dict[str, str]
    test_md5: str
    environment: str
    hardware: str
    software: str
    profile: str = DEFAULT
    ablation: str = ""
    dvc_stage: str | None = None
    validation: bool | None = None
    parents: tuple[str, ...] = ()
    seen_sha256: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    installed: dict[str, str] = field(default_factory=dict)
    runtime: dict[str, str] = field(default_factory=dict)

    def complete(self) -> Lineage:
        """Itself, if nothing is missing.

        Raises:
            LineageError: A fact is empty; the message names each.
        """
        values = self.to_dict()
        _demand([name for name in values if name not in _OPTIONAL and values[name] in ("", None, {})])
        return self

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"parents": list(self.parents)}

    def tags(self) -> dict[str, str]:
        """Tags of an MLflow run; what is no text is JSON. `from_tags` reverses it."""
        values = self.to_dict()
        return {
            name: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            for name, value in values.items()
            if value is not None and not (value == {} and name in _OPTIONAL)
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Lineage:
        """Read plain values, ignoring keys that are no part of a lineage.

        Raises:
            LineageError: A fact that every model must have is absent; the message names each.
        """
        known = {each.name for each in fields(Lineage)}
        _demand(sorted(known - set(_OPTIONAL) - {"profile"} - values.keys()))
        mine = {name: value for name, value in values.items() if name in known}
        return Lineage(**mine | {"parents": tuple(mine.get("parents") or ())})

    @staticmethod
    def from_tags(tags: Mapping[str, str]) -> Lineage:
        """Read back what `tags` wrote.

        Raises:
            LineageError: A fact is absent or unreadable.
        """
        texts = {each.name for each in fields(Lineage) if str(each.type).startswith("str")}
        known = {each.name for each in fields(Lineage)}
        try:
            values = {name: text if name in texts else json.loads(text) for name, text in tags.items() if name in known}
        except ValueError as error:
            raise LineageError(
                f"tags that cannot be read as lineage ({error})",
                expected="tags written by a ChromSeg-Ops training run",
                remedy="train the model again",
            ) from error
        return Lineage.from_dict(values)


def _demand(missing: list[str]) -> None:
    if missing:
        raise LineageError(
            f"a model without {', '.join(missing)}",
            expected="a complete lineage in model.json",
            remedy="train it with the pipeline (`dvc repro`) inside the git repository",
        )
