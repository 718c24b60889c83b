"""Registered versions: put in, listed, read.

A version enters in one step with all its tags, after its files are complete: a process killed before leaves nothing to
resolve, one killed after a whole version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromseg.errors import LineageError, RegistryError
from chromseg.files import sha256
from chromseg.registry.actor import current_actor
from chromseg.registry.backend import MlflowClient, MlflowException, ModelVersion
from chromseg.registry.lineage import Lineage
from chromseg.registry.packaging import log_package
from chromseg.registry.provenance import dvc_stage_hash
from chromseg.registry.references import (
    all_versions,
    check_name,
    find_version,
    known_aliases,
    known_names,
    parse_reference,
)
from chromseg.registry.restore import restore_record
from chromseg.registry.store import init_store, open_store, translated
from chromseg.registry.tracking import RunTracker
from chromseg.training.tracker import read_run

if TYPE_CHECKING:
    from chromseg.models.package import ModelCard


@dataclass(frozen=True)
class Version:
    """One registered version, as the store knows it.

    Attributes:
        name: Registered model.
        number: Version, from 1.
        aliases: Those that point to it now.
        lineage: Where it comes from.
        metrics: Test metrics known at registration.
        weights_sha256: Of `model.safetensors`.
        card_sha256: Of `model.json`.
        registered_by: Who registered it.
        registered_at: When, UTC, ISO 8601.
        allow_dirty: It was let in although its code was not committed.
        run: MLflow run in this store.
        source: URI of its files.
    """

    name: str
    number: int
    aliases: tuple[str, ...]
    lineage: Lineage
    metrics: dict[str, float | None]
    weights_sha256: str
    card_sha256: str
    registered_by: str
    registered_at: str
    allow_dirty: bool
    run: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"aliases": list(self.aliases), "lineage": self.lineage.to_dict()}


def register(folder: Path, name: str, *, allow_dirty: bool = False, by: str | None = None) -> tuple[Version, bool]:
    """Register a model folder as the next version of `name`; the same files again are the version they already are.

    Args:
        folder: With `model.safetensors` and `model.json`; `run.json`, if there, fills in the run if the store lacks it.
        name: Registered model; made if new.
        allow_dirty: Let in a model whose code was not committed; recorded.
        by: Who; default: `current_actor()`.

    Returns:
        The version, and whether it is new.

    Raises:
        ModelError: The folder cannot be used.
        LineageError: The lineage is incomplete, or dirty without `allow_dirty`.
        RegistryError: Nobody's name is known, or the store does not take it.
    """
    from chromseg.models.package import CARD, load_model  # torch, which reading the registry does without

    check_name(name)
    by = by or current_actor()
    _, card = load_model(folder)
    lineage = _admitted(card, folder, allow_dirty)
    init_store()
    client = open_store()
    card_sha256 = sha256(folder / CARD)
    for known in _versions(client, name) if name in known_names(client) else []:
        if (known.weights_sha256, known.card_sha256) == (card.weights_sha256, card_sha256):
            return known, False
    run = _ensure_run(client, folder, card, lineage)
    package = log_package(client, folder, name=name, run_id=run.run_id)
    _ensure_model(client, name)
    tags = {
        "lineage": json.dumps(lineage.to_dict(), sort_keys=True),
        "metrics": json.dumps(card.metrics | _test_metrics(run), sort_keys=True),
        "weights_sha256": card.weights_sha256,
        "card_sha256": card_sha256,
        "data_md5": json.dumps(lineage.data_md5, sort_keys=True),
        "git_commit": lineage.git_commit,
        "registered_by": by,
        "registered_at": timestamp(),
        "allow_dirty": json.dumps(lineage.git_dirty and allow_dirty),
    }
    with translated(f"{name} cannot take a version"):
        made = client.create_model_version(
            name, package.source, run_id=run.run_id, tags=tags, model_id=package.model_id, await_creation_for=0
        )
    return _read(made, {}), True


def list_versions(name: str | None = None) -> list[Version]:
    """All versions of one model, or of all, by name and number; those of other programs in the same store left out.

    Raises:
        RegistryError: There is no model `name`, or no store.
    """
    client = open_store()
    if name is not None:
        return _versions(client, name)
    return [version for each in known_names(client) for version in _versions(client, each)]


def show(reference: str) -> Version:
    """The version that `NAME@ALIAS` or `NAME/VERSION` means.

    Raises:
        RegistryError: There is none, or it was not registered by ChromSeg-Ops.
    """
    client, wanted = open_store(), parse_reference(reference)
    return read_version(client, find_version(client, wanted))


def read_version(client: MlflowClient, found: ModelVersion) -> Version:
    """An MLflow version as ours, with its aliases.

    Raises:
        RegistryError: It was not registered by ChromSeg-Ops.
    """
    return _read(found, known_aliases(client, found.name))


def timestamp() -> str:
    """Now, in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _versions(client: MlflowClient, name: str) -> list[Version]:
    aliases = known_aliases(client, name)
    return [_read(version, aliases) for version in all_versions(client, name) if "lineage" in version.tags]


def _read(found: ModelVersion, aliases: Mapping[str, int]) -> Version:
    tags = found.tags
    if "lineage" not in tags:
        raise RegistryError(
            f"{found.name}/{found.version} has no lineage",
            expected="a version registered by `chromseg-ops models register`",
            remedy="register its model folder",
        )
    return Version(
        name=found.name,
        number=int(found.version),
        aliases=tuple(alias for alias, number in aliases.items() if number == int(found.version)),
        lineage=Lineage.from_dict(json.loads(tags["lineage"])),
        metrics=json.loads(tags["metrics"]),
        weights_sha256=tags["weights_sha256"],
        card_sha256=tags["card_sha256"],
        registered_by=tags["registered_by"],
        registered_at=tags["registered_at"],
        allow_dirty=json.loads(tags["allow_dirty"]),
        run=found.run_id,
        source=found.source,
    )


def _admitted(card: ModelCard, folder: Path, allow_dirty: bool) -> Lineage:
    """The card's lineage, complete and clean enough; the hash of its DVC stage is known only now."""
    lineage = Lineage.from_dict(card.lineage).complete()
    if lineage.git_dirty and not allow_dirty:
        raise LineageError(
            f"{folder} was trained on code that differs from commit {lineage.git_commit[:12]}",
            expected="a model of a clean commit",
            remedy="commit and train again, or register with --allow-dirty, which is recorded",
        )
    return lineage if lineage.dvc_stage else replace(lineage, dvc_stage=dvc_stage_hash(folder))


def _ensure_run(client: MlflowClient, folder: Path, card: ModelCard, lineage: Lineage) -> RunTracker:
    """The run that trained the model; if the store lacks it, rebuilt from `run.json`, or else from the card."""
    tests = {name: value for name, value in card.metrics.items() if name.startswith("test/")}
    if (folder / "run.json").is_file():
        record = read_run(folder / "run.json")
    else:
        params = {f"model.{name}": value for name, value in asdict(card.architecture).items()}
        record = {"params": params, "metrics": [{"step": 0, **card.metrics}]}
        tests = {}
    return restore_record(client, record | {"tags": lineage.tags()}, tests)


def _test_metrics(run: RunTracker) -> dict[str, float]:
    with translated(f"run {run.run_id} cannot be read"):
        metrics = run.client.get_run(run.run_id).data.metrics
    return {name: value for name, value in metrics.items() if name.startswith("test/")}


def _ensure_model(client: MlflowClient, name: str) -> None:
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
