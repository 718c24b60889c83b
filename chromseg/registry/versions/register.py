"""Registered versions: put in, listed, read.

A version enters the store in one step with all its tags, after its files are complete; the audit log's entry makes it
registered. A process killed before that entry leaves nothing that resolves; registering again makes another version.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromseg.errors import LineageError, RetiredError
from chromseg.files import sha256
from chromseg.registry.card.text import card_of
from chromseg.registry.lineage.gather import dvc_stage_hash
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.lineage.seen import check_seen
from chromseg.registry.log.actor import current_actor
from chromseg.registry.log.audit import append, read_log
from chromseg.registry.log.beginning import init_store
from chromseg.registry.log.descriptions import of_model, of_version
from chromseg.registry.log.entries import Chain, Entry, timestamp
from chromseg.registry.store.backend import MlflowClient, MlflowException, ModelVersion
from chromseg.registry.store.restore import restore_record
from chromseg.registry.store.runs import RunTracker
from chromseg.registry.store.store import open_store, translated
from chromseg.registry.versions.packaging import Package, log_package
from chromseg.registry.versions.parents import check_parents
from chromseg.registry.versions.proven import proven
from chromseg.registry.versions.references import (
    Reference,
    all_versions,
    check_name,
    known_names,
    parse_reference,
    standing,
)
from chromseg.registry.versions.run_facts import run_facts
from chromseg.registry.versions.same_weights import check_scores
from chromseg.registry.versions.version import FILE_HASHES, Version, as_version, find, place_of, signature, told_retired
from chromseg.registry.versions.vouching import Voucher, vouch
from chromseg.training.tracker import read_run

if TYPE_CHECKING:
    from chromseg.models.package import ModelCard


def register(
    folder: Path, name: str, *, allow_dirty: bool = False, by: str | None = None, made_of: Path | None = None
) -> tuple[Version, bool]:
    """Register a model folder as the next version of `name`; the same files again are the version they already are.

    Args:
        folder: With `model.safetensors` and `model.json`; `run.json`, if there, fills in the run if the store lacks it.
        name: Registered model; made if new.
        allow_dirty: Let in a model whose code was not committed; recorded.
        by: Who; default: `current_actor()`.
        made_of: The folder that is on record, where `folder` is a copy of it that names its parents by other numbers.

    Returns:
        The version, and whether it is new.

    Raises:
        ModelError: The folder cannot be used.
        LineageError: The lineage is incomplete or dirty without `allow_dirty`, the data were not validated, folder or
            scores are not as they were recorded, or a version with these weights has other scores.
        RegistryError: Nobody's name is known, a parent is not registered, or the store does not take it.
    """
    from chromseg.models.package import CARD, load_model, read_card  # torch, which reading the registry does without

    check_name(name)
    by = by or current_actor()
    network, card = load_model(folder)
    lineage = _admitted(card, folder, allow_dirty)
    init_store()
    client = open_store()
    voucher = vouch(client, made_of or folder, read_card(made_of or folder))
    check_parents(client, folder, card)
    hashes = {"weights_sha256": card.weights_sha256, "card_sha256": sha256(folder / CARD)}

    def enter() -> tuple[ModelVersion, Package]:
        run = _ensure_run(client, folder, card, lineage, voucher)
        tags = hashes | _tags(run, card, lineage, voucher, by)
        check_scores(client, read_log(client), tags)
        with _documented(folder, card, lineage, tags, sum(weight.numel() for weight in network.parameters())) as whole:
            return _enter(client, whole, name, run, tags)

    waived = "code not committed (--allow-dirty)" if lineage.git_dirty else ""
    draft = Entry("", by, "register", name, 0, reason=waived, facts=voucher.facts())
    return _admit(client, name, hashes, enter, draft)


def bring_in(
    folder: Path, name: str, tags: Mapping[str, str], *, by: str, reason: str, facts: Mapping[str, Any]
) -> tuple[Version, bool]:
    """Register a model folder that was registered in another store, with the facts it had there.

    Args:
        folder: Complete, with its model card.
        name: Registered model; made if new.
        tags: What it was registered with.
        by: Who brings it in.
        reason: Where it comes from, in words.
        facts: What vouches for it; kept in the audit log.

    Returns:
        The version, and whether it is new.

    Raises:
        ModelError: The folder cannot be used.
        RegistryError: The store does not take it.
    """
    from chromseg.models.package import load_model

    load_model(folder)
    init_store()
    client = open_store()

    def enter() -> tuple[ModelVersion, Package]:
        lineage = Lineage.from_dict(json.loads(tags["lineage"]))
        record = {"params": json.loads(tags["config"]), "tags": lineage.tags()}
        check_scores(client, read_log(client), tags)
        run = restore_record(client, record, json.loads(tags["metrics"]))
        return _enter(client, folder, name, run, tags)

    hashes = {key: tags[key] for key in FILE_HASHES}
    return _admit(client, name, hashes, enter, Entry("", by, "import", name, 0, reason=reason, facts=dict(facts)))


def _admit(
    client: MlflowClient,
    name: str,
    hashes: Mapping[str, str],
    enter: Callable[[], tuple[ModelVersion, Package]],
    draft: Entry,
) -> tuple[Version, bool]:
    """Put a version into the store and then into the log, unless the log has let one with these files in already.

    Of two that bring the same files at the same moment the log lets one version in, and both get that one. What a
    killed process left in the store is let lie: nobody knows who has been at its files since.
    """
    _check_not_retired(read_log(client), hashes["weights_sha256"])
    if known := _first_admitted(read_log(client), _same_files(client, name, hashes)):
        return find(client, Reference(name, version=known.version)), False
    found, package = enter()
    signed: dict[str, Any] = {
        "weights_sha256": found.tags["weights_sha256"],
        "tags_sha256": signature(found.tags),
        "package_sha256": package.sha256,
        "source": place_of(found),
        **proven(found.tags),
    }
    with translated(f"run {found.run_id} cannot be read"):
        signed["run"] = run_facts(client.get_run(found.run_id))
    own = replace(draft, at=timestamp(), version=int(found.version), facts=draft.facts | signed)

    def entry(chain: Chain) -> Entry:
        _check_not_retired(chain, hashes["weights_sha256"])
        known = _first_admitted(chain, _same_files(client, name, hashes))
        if known is None:
            check_scores(client, chain, found.tags)
        return known or own

    entered = append(client, entry)
    return find(client, Reference(name, version=entered.version)), replace(entered, prev=own.prev) == own


def _check_not_retired(chain: Chain, weights: str) -> None:
    """Weights that were taken out of use come back under no name."""
    for retired in chain.retirements:
        admitted = chain.admitted(retired.model, retired.version)
        if admitted is not None and admitted.facts["weights_sha256"] == weights:
            raise RetiredError(
                f"these weights are {retired.model}/{retired.version}, retired at {told_retired(retired)}",
                expected="a model that was not taken out of use",
                remedy="train another one",
            )


def _first_admitted(chain: Chain, versions: Sequence[ModelVersion]) -> Entry | None:
    """The entry that let one of these versions in; None if none is in."""
    entries = (chain.admitted(each.name, int(each.version)) for each in versions)
    return next(filter(None, entries), None)


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
    return find(open_store(), parse_reference(reference))


def _versions(client: MlflowClient, name: str) -> list[Version]:
    aliases, chain = standing(client, name)
    found = [each for each in all_versions(client, name) if chain.admitted(name, int(each.version))]
    return [as_version(each, aliases, chain) for each in found]


def _same_files(client: MlflowClient, name: str, hashes: Mapping[str, str]) -> list[ModelVersion]:
    """The versions that have these files already, registered to the end or not, oldest first."""
    return [each for each in all_versions(client, name) if hashes.items() <= each.tags.items()]


def _tags(run: RunTracker, card: ModelCard, lineage: Lineage, voucher: Voucher, by: str) -> dict[str, str]:
    with translated(f"run {run.run_id} cannot be read"):
        data = run.client.get_run(run.run_id).data
    return {
        "lineage": json.dumps(lineage.to_dict(), sort_keys=True),
        "config": json.dumps(data.params, sort_keys=True),
        "metrics": json.dumps(card.metrics | voucher.scores, sort_keys=True),
        "data_md5": json.dumps(lineage.data_md5, sort_keys=True),
        "git_commit": lineage.git_commit,
        "registered_by": by,
        "registered_at": timestamp(),
        "allow_dirty": json.dumps(lineage.git_dirty),
    }


@contextmanager
def _documented(
    folder: Path, card: ModelCard, lineage: Lineage, tags: Mapping[str, str], parameters: int
) -> Iterator[Path]:
    """A copy of the model folder with a complete model card."""
    from chromseg.registry.card.files import write_card_files  # torch

    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(folder, Path(scratch) / "model")
        write_card_files(
            copy,
            card,
            lineage,
            metrics=json.loads(tags["metrics"]),
            config=json.loads(tags["config"]),
            parameters=parameters,
        )
        yield copy


def _enter(
    client: MlflowClient, folder: Path, name: str, run: RunTracker, tags: Mapping[str, str]
) -> tuple[ModelVersion, Package]:
    """Upload the files, then make the version that points to them."""
    package = log_package(client, folder, name=name, run_id=run.run_id)
    _ensure_model(client, name)
    with translated(f"{name} cannot take a version"):
        made = client.create_model_version(
            name,
            package.source,
            run_id=run.run_id,
            tags=dict(tags),
            description=of_version(card_of(folder), (), 0),
            model_id=package.model_id,
            await_creation_for=0,
        )
        return made, package


def _admitted(card: ModelCard, folder: Path, allow_dirty: bool) -> Lineage:
    """The card's lineage, complete, of valid data and clean enough; the hash of its DVC stage is known only now."""
    lineage = Lineage.from_dict(card.lineage).complete()
    check_seen(folder, card, lineage)
    if lineage.validation is not True:
        state = "was not validated" if lineage.validation is None else "failed validation"
        raise LineageError(
            f"{folder} was trained on data that {state}",
            expected="data that the stage `validate` passed as they were trained on",
            remedy="run that stage, mend what it names, and train again (`dvc repro` does all in order)",
        )
    if lineage.git_dirty and not allow_dirty:
        raise LineageError(
            f"{folder} was trained on code that differs from commit {lineage.git_commit[:12]}",
            expected="a model of a clean commit",
            remedy="commit and train again, or register with --allow-dirty, which is recorded",
        )
    return lineage if lineage.dvc_stage else replace(lineage, dvc_stage=dvc_stage_hash(folder))


def _ensure_run(client: MlflowClient, folder: Path, card: ModelCard, lineage: Lineage, voucher: Voucher) -> RunTracker:
    """The run that trained the model; if the store lacks it, rebuilt from `run.json`, or else from the card."""
    tests = voucher.scores
    if (folder / "run.json").is_file():
        record = read_run(folder / "run.json")
    else:
        params = {f"model.{name}": value for name, value in asdict(card.architecture).items()}
        record = {"params": params, "metrics": [{"step": 0, **card.metrics}]}
    return restore_record(client, record | {"tags": lineage.tags()}, tests)


def _ensure_model(client: MlflowClient, name: str) -> None:
    try:
        client.create_registered_model(name, description=of_model(name, ()))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
