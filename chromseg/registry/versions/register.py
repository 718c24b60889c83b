"""The two ways in for a model folder: trained here (`register`), or registered in another store (`bring_in`).

A trained one must have a complete lineage of validated data, and scores that somebody vouches for.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromseg.errors import LineageError
from chromseg.files import sha256
from chromseg.registry.lineage.gather import dvc_stage_hash
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.lineage.seen import check_seen
from chromseg.registry.log.actor import current_actor
from chromseg.registry.log.audit import read_log
from chromseg.registry.log.beginning import init_store
from chromseg.registry.log.entries import Entry, timestamp
from chromseg.registry.store.backend import MlflowClient, ModelVersion
from chromseg.registry.store.restore import restore_record
from chromseg.registry.store.runs import RunTracker
from chromseg.registry.store.store import open_store, translated
from chromseg.registry.versions.admission import admit, upload
from chromseg.registry.versions.packaging import Package
from chromseg.registry.versions.parents import check_parents
from chromseg.registry.versions.references import check_name
from chromseg.registry.versions.same_weights import check_scores
from chromseg.registry.versions.version import FILE_HASHES, Version
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
        RegistryError: The user's name is not known, a parent is not registered, or the store does not take it.
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
            return upload(client, whole, name, run, tags)

    waived = "code not committed (--allow-dirty)" if lineage.git_dirty else ""
    draft = Entry("", by, "register", name, 0, reason=waived, facts=voucher.facts())
    return admit(client, name, hashes, enter, draft)


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
        return upload(client, folder, name, run, tags)

    hashes = {key: tags[key] for key in FILE_HASHES}
    return admit(client, name, hashes, enter, Entry("", by, "import", name, 0, reason=reason, facts=dict(facts)))


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


def _ensure_run(client: MlflowClient, folder: Path, card: ModelCard, lineage: Lineage, voucher: Voucher) -> RunTracker:
    """The run that trained the model; if the store lacks it, rebuilt from `run.json`, or else from the card."""
    tests = voucher.scores
    if (folder / "run.json").is_file():
        record = read_run(folder / "run.json")
    else:
        params = {f"model.{name}": value for name, value in asdict(card.architecture).items()}
        record = {"params": params, "metrics": [{"step": 0, **card.metrics}]}
    return restore_record(client, record | {"tags": lineage.tags()}, tests)
