"""Who vouches for a model folder and its test scores: DVC, which wrote their hashes down, or the run that trained it.

Test scores are figures that a person would like to be high, so none is taken on trust: neither from `model.json`, which
anybody can type into, nor from an MLflow run, which its pages let anybody edit. They come from a folder that `dvc.lock`
or `bundled.dvc` knows to the hash, or from `models evaluate`, which measures them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromseg.dvc import Output, folder_md5, stage_outputs, tracked_outputs
from chromseg.errors import LineageError
from chromseg.project import project_root
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.runs import find_run, tags_of_run
from chromseg.training.tracker import read_run

if TYPE_CHECKING:
    from chromseg.models.package import ModelCard

TEST = "test/"
_RECORD = "bundled.dvc"
_LATER = ("dvc_stage", "parents")  # known or numbered at registration; parents are checked there by their weights
_SCORES = "metrics.json"  # what `evaluate` leaves in its output


@dataclass(frozen=True)
class Voucher:
    """What is known of a folder.

    Attributes:
        record: Who vouches for it: `dvc.lock`, `profiles/mylab/dvc.lock`, `bundled.dvc`, `run.json` or `MLflow run`.
        md5: Of the folder, as DVC computes it; None if DVC knows nothing of it.
        scores: Test scores that are vouched for, by key.
    """

    record: str
    md5: str | None = None
    scores: dict[str, float | None] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {"record": self.record, "md5": self.md5}


def vouch(client: MlflowClient, folder: Path, card: ModelCard) -> Voucher:
    """Compare a model folder with what DVC recorded of it, or else with the record of its run.

    Args:
        client: Of the store.
        folder: With `model.json`.
        card: Its card.

    Raises:
        LineageError: Folder or scores differ from what was recorded, nothing was recorded, or the card holds test
            scores that nobody vouches for.
    """
    outputs = list(_outputs(project_root()))
    bundled = _bundled(folder, outputs)
    if bundled is not None:
        return Voucher(_RECORD, bundled.md5, _tested(card.metrics))
    md5 = folder_md5(folder)
    same = [each for each in outputs if each.md5 == md5]
    if same:
        found = next((own for each in same if (own := _evaluated(each, outputs))), {})
        return Voucher(_named(same[0].file), md5, _tested(card.metrics) | found)
    _refuse_changed(folder, md5, outputs)
    record = _record_of_run(client, folder, Lineage.from_dict(card.lineage))
    if _tested(card.metrics):
        raise LineageError(
            f"{folder} with test scores in its model.json that nobody vouches for",
            expected="scores that `dvc.lock` knows to the hash, or none",
            remedy="register the folder that `dvc repro` wrote; or take the scores out of model.json, register, and "
            "measure them (`chromseg-ops models evaluate`)",
        )
    return Voucher(record)


def _bundled(folder: Path, outputs: list[Output]) -> Output | None:
    """The record of the bundled models, if the folder is one of them.

    Raises:
        LineageError: They are not as recorded.
    """
    for bundle in (each for each in outputs if each.file.name == _RECORD):
        if folder.resolve().parent == bundle.path:
            _compare(bundle.path, folder_md5(bundle.path), bundle)
            return bundle
    return None


def _refuse_changed(folder: Path, md5: str, outputs: list[Output]) -> None:
    """A folder that lies where DVC put one must be that one."""
    place = folder.resolve()
    for each in outputs:
        if each.path == place:
            _compare(folder, md5, each)
        if each.path in place.parents:
            _compare(each.path, folder_md5(each.path), each)
        if each.path.parent == place and each.path.is_file():
            _compare(each.path, folder_md5(each.path), each)


def _compare(path: Path, found: str, recorded: Output) -> None:
    if found != recorded.md5:
        raise LineageError(
            f"{path} has md5 {found[:12]}…",
            expected=f"{str(recorded.md5)[:12]}…, as {_named(recorded.file)} recorded it",
            remedy="restore it (`dvc checkout`), or make it anew (`dvc repro`)",
        )


def _evaluated(model: Output, outputs: list[Output]) -> dict[str, float | None]:
    """The scores that a stage of the same lock file wrote of this very model; {} if it was not evaluated since.

    Raises:
        LineageError: They were changed since.
    """
    for each in outputs:
        judged = any(dep.get("md5") == model.md5 for dep in each.stage.get("deps", []))
        file = each.path / _SCORES
        if each.file == model.file and judged and file.is_file():
            _compare(each.path, folder_md5(each.path), each)
            scores: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return _tested(scores.get("metrics", {}) | scores.get("slices", {}))
    return {}


def _record_of_run(client: MlflowClient, folder: Path, lineage: Lineage) -> str:
    """Where the run that trained the model is recorded: in the folder, and in the store.

    Raises:
        LineageError: Nowhere, or a record says of the model's origin something else than its card.
    """
    records: dict[str, tuple[Mapping[str, str], Mapping[str, str]]] = {}  # what it says, and what the card says of that
    if (folder / "run.json").is_file():
        records["run.json"] = read_run(folder / "run.json").get("tags", {}), lineage.tags()
    run = find_run(client, lineage.run_id)
    if run is not None:
        records["MLflow run"] = run.data.tags, tags_of_run(lineage)
    if not records:
        raise LineageError(
            f"{folder}, of which neither DVC nor a run has a record",
            expected="an output of `dvc repro`, a folder with the run.json of its training, or its run in the store",
            remedy="register the folder that training wrote, whole",
        )
    for name, (tags, said) in records.items():
        wrong = [key for key, value in said.items() if key not in _LATER and tags.get(key) != value]
        if wrong:
            raise LineageError(
                f"{folder}/model.json with another {', '.join(wrong)} than the record of its training ({name})",
                expected="the card that training wrote",
                remedy="copy the model folder again as training left it, or train the model again",
            )
    return next(iter(records))


def _outputs(root: Path) -> Iterator[Output]:
    """Everything that the project's lock files, and the record of the bundled models, know by hash."""
    known = (*stage_outputs(root), *tracked_outputs(root / _RECORD))
    yield from (output for output in known if output.md5)


def _tested(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    return {key: value for key, value in metrics.items() if key.startswith(TEST) and value is not None}


def _named(file: Path) -> str:
    return file.relative_to(project_root()).as_posix()
