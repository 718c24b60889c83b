"""How a version gets in: files and tags into the store in one step, then the entry of the log that makes it registered.

A process killed before that entry leaves nothing that resolves; registering again makes another version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chromseg.errors import RetiredError
from chromseg.registry.card.text import card_of
from chromseg.registry.log.audit import append, read_log
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.descriptions import of_model, of_version
from chromseg.registry.log.entries import Entry, timestamp
from chromseg.registry.store.backend import MlflowClient, MlflowException, ModelVersion
from chromseg.registry.store.runs import RunTracker
from chromseg.registry.store.store import translated
from chromseg.registry.versions.packaging import Package, log_package
from chromseg.registry.versions.proven import proven
from chromseg.registry.versions.references import Reference, tagged_versions
from chromseg.registry.versions.run_facts import run_facts
from chromseg.registry.versions.same_weights import check_scores
from chromseg.registry.versions.version import Version, find, place_of, retired_text, signature


def admit(
    client: MlflowClient,
    name: str,
    hashes: Mapping[str, str],
    enter: Callable[[], tuple[ModelVersion, Package]],
    draft: Entry,
) -> tuple[Version, bool]:
    """Put a version into the store and then into the log, unless the log has let one with these files in already.

    Of two that bring the same files at the same moment the log lets one version in, and both get that one. What a
    killed process left in the store stays unused: its files may have been changed since.
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
                f"these weights are {retired.model}/{retired.version}, retired at {retired_text(retired)}",
                expected="a model that was not taken out of use",
                remedy="train another one",
            )


def _first_admitted(chain: Chain, versions: Sequence[ModelVersion]) -> Entry | None:
    """The entry that let one of these versions in; None if none is in."""
    entries = (chain.admitted(each.name, int(each.version)) for each in versions)
    return next(filter(None, entries), None)


def _same_files(client: MlflowClient, name: str, hashes: Mapping[str, str]) -> list[ModelVersion]:
    """The versions that have these files already, registered to the end or not, oldest first."""
    return tagged_versions(client, name, hashes)


def upload(
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


def _ensure_model(client: MlflowClient, name: str) -> None:
    try:
        client.create_registered_model(name, description=of_model(name, ()))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
