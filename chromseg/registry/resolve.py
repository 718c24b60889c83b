"""From what a user calls a model to a folder with its files, and from a result back to the model that made it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chromseg import DEFAULT_MODEL
from chromseg.errors import DataError, ModelError, RegistryError
from chromseg.files import sha256
from chromseg.registry.packaging import FILES, fetch_folder, fetched_anew, is_fetched
from chromseg.registry.place import project_root
from chromseg.registry.references import is_reference, parse_reference
from chromseg.registry.store import open_store
from chromseg.registry.version import Version, check_in_use, find
from chromseg.registry.versions import list_versions


@dataclass(frozen=True)
class Resolved:
    """A model's folder, and its name and version if it is a registered one."""

    folder: Path
    name: str | None = None
    version: int | None = None


def resolve(model: str | Path) -> Path:
    """The local folder with `model.safetensors` and `model.json`; see `resolve_model`."""
    return resolve_model(model).folder


def resolve_model(model: str | Path) -> Resolved:
    """Find a model by `models:/NAME@ALIAS`, `models:/NAME/VERSION` or folder.

    Registered weights are checked against the hash they were registered with.

    Raises:
        RegistryError: The name, alias or version is unknown, or the files are not those registered.
        ModelError: There is no such folder, or it holds no model.
    """
    if isinstance(model, str) and is_reference(model) and not Path(model).is_dir():
        client, reference = open_store(), parse_reference(model)
        version = find(client, reference)
        return Resolved(checked_folder(version), version.name, version.number)
    folder = Path(model)
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder} lacks {' and '.join(missing)}" if folder.is_dir() else f"no model folder {folder}",
            expected=f"a folder with {' and '.join(FILES)}, or a registered model such as {DEFAULT_MODEL}",
            remedy="check the path, or see `chromseg-ops models list`",
        )
    return Resolved(folder)


def version_of_result(file: Path) -> Version:
    """The registered version that made a result, found by the hash of its weights.

    Args:
        file: An `instances.json`.

    Raises:
        DataError: The file is no result.
        RegistryError: No version of this store has these weights, or the result names another version than its weights.
    """
    made_by = _model_block(file)
    weights = made_by["weights_sha256"]
    same = [version for version in list_versions() if version.weights_sha256 == weights]
    named = [version for version in same if (version.name, str(version.number)) == _claimed(made_by)]
    if same and (named or made_by.get("version") is None):
        return (named or same)[-1]
    claim = "/".join(_claimed(made_by)) if made_by.get("version") is not None else "a model folder"
    raise RegistryError(
        f"{file} says it was made by {claim} with weights {weights[:12]}…",
        expected="the version of this store with these weights: "
        + (", ".join(f"{version.name}/{version.number}" for version in same) or "there is none"),
        remedy="look in the store it was made with (MLFLOW_TRACKING_URI), or do not trust the file",
    )


def _model_block(file: Path) -> dict[str, Any]:
    try:
        block = json.loads(file.read_text(encoding="utf-8"))["model"]
        weights = block["weights_sha256"]
        if not (weights is None or isinstance(weights, str)):
            raise TypeError("weights_sha256 is no text")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file} cannot be read as a result ({type(error).__name__}: {error})",
            expected="an instances.json written by `chromseg-ops predict`",
            remedy="check the path",
        ) from error
    if weights is None:
        raise DataError(
            f"{file} was made from given maps, by no model",
            expected="an instances.json written by `chromseg-ops predict`",
            remedy="its block `model` tells how: partition settings and software version",
        )
    return dict(block)


def _claimed(made_by: dict[str, Any]) -> tuple[str, str]:
    return str(made_by.get("name")), str(made_by.get("version"))


def checked_folder(version: Version) -> Path:
    """The local folder with the files of a version in use, which are those that were registered.

    Raises:
        RetiredError: It was taken out of use.
        RegistryError: They are gone or were changed.
    """
    check_in_use(version)
    folder = fetch_folder(version.source, _cache(version))
    check_files(version, folder)
    return folder


def check_files(version: Version, folder: Path) -> None:
    """Compare a version's files with their hashes.

    Raises:
        RegistryError: They are not those that were registered.
    """
    for name, expected in zip(FILES, (version.weights_sha256, version.card_sha256), strict=True):
        found = sha256(folder / name)
        if found != expected:
            raise RegistryError(
                f"{folder / name} has SHA-256 {found[:12]}…",
                expected=f"{expected[:12]}…, as {version.name}/{version.number} was registered",
                remedy="do not use it; restore the file from a backup or register the model again",
            )


def check_stored_files(version: Version) -> None:
    """Compare the files that the store has now, fetched anew, and those that were fetched from it before.

    Raises:
        RegistryError: They are gone, or not those that were registered.
        StoreError: They cannot be fetched.
    """
    with fetched_anew(version.source) as folder:
        check_files(version, folder)
    if is_fetched(version.source, _cache(version)):
        check_files(version, fetch_folder(version.source, _cache(version)))


def _cache(version: Version) -> Path:
    return project_root() / "mlruns" / "cache" / f"{version.name}-{version.number}-{version.weights_sha256[:12]}"
