"""From what a user calls a model to a folder with its files, and from a result back to the model that made it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chromseg.errors import DataError, RegistryError
from chromseg.naming import MODEL_FILES, model_folder
from chromseg.project import package_cache, tracking_uri
from chromseg.registry.store.backend import MlflowClient, ModelRegistryClient, ModelVersion
from chromseg.registry.store.store import open_store, translated
from chromseg.registry.versions.listing import versions_with_weights
from chromseg.registry.versions.package_files import MODEL, hash_of, list_files
from chromseg.registry.versions.packaging import fetch_package, fetched_anew, is_fetched
from chromseg.registry.versions.references import parse_reference
from chromseg.registry.versions.version import Version, check_in_use, find


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

    The whole package of a registered model is compared with what was registered.

    Raises:
        RegistryError: The name, alias or version is unknown, or the files are not those registered.
        ModelError: There is no such folder, or it holds no model.
    """
    folder = model_folder(model)
    if folder is not None:
        return Resolved(folder)
    client, reference = open_store(), parse_reference(str(model))
    version = find(client, reference)
    return Resolved(checked_folder(version), version.name, version.number)


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
    same = versions_with_weights(weights)
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
    """The local folder with the files of a version in use, which are those registered; see `checked_package`."""
    return checked_package(version)[0] / MODEL


def checked_package(version: Version) -> tuple[Path, dict[str, str]]:
    """The local folder of a version's MLflow package, and the hashes of its files, which are those registered.

    Raises:
        RetiredError: The version was taken out of use.
        RegistryError: Files are gone, were changed or were added.
    """
    check_in_use(version)
    package = fetch_package(version.source, _cache(version))
    return package, check_files(version, package)


def check_files(version: Version, package: Path) -> dict[str, str]:
    """Compare all files of a version's package with the hash in the log, before anything of it is loaded.

    Of a version that was registered when the log kept no hash of the package, weights and card alone can be compared.

    Returns:
        SHA-256 of each file, by name.

    Raises:
        RegistryError: They are not those that were registered.
    """
    files = list_files(package)
    for name, expected in zip(MODEL_FILES, (version.weights_sha256, version.card_sha256), strict=True):
        if files[f"{MODEL}/{name}"] != expected:
            raise _changed(f"{package / MODEL / name} has", files[f"{MODEL}/{name}"], expected, version)
    if version.package_sha256 not in (None, hash_of(files)):
        got = f"{package} was changed: all its {len(files)} files together have"
        raise _changed(got, hash_of(files), str(version.package_sha256), version)
    return files


def check_stored_files(client: MlflowClient, found: ModelVersion, version: Version) -> None:
    """Compare the files that the store has now, fetched anew, and those that were fetched from it before.

    Raises:
        RegistryError: They are gone, or not those that were registered, or MLflow's own functions load others.
        StoreError: They cannot be fetched.
    """
    _check_places(client, found)
    with fetched_anew(version.source) as package:
        check_files(version, package)
    if is_fetched(version.source, _cache(version)):
        check_files(version, fetch_package(version.source, _cache(version)))


def _check_places(client: MlflowClient, found: ModelVersion) -> None:
    """MLflow's own functions must find a version's package where we do, by its name and by the model's id."""
    with translated(f"{found.name}/{found.version} cannot be looked up"):
        model_id = found.source.rstrip("/").split("/")[-2]  # …/models/m-…/artifacts
        registry = ModelRegistryClient(tracking_uri(), tracking_uri())  # what MlflowClient asks, after all versions
        by_name = registry.get_model_version_download_uri(found.name, found.version)
        places = {by_name, client.get_logged_model(model_id).artifact_location}
    if others := places - {found.source}:
        raise RegistryError(
            f"MLflow loads {found.name}/{found.version} from {', '.join(sorted(others))}",
            expected=f"{found.source}, its source",
            remedy="do not load it with MLflow; restore the store from a backup (`chromseg-ops registry restore`)",
        )


def _cache(version: Version) -> Path:
    digest = version.package_sha256 or version.weights_sha256
    return package_cache() / f"{version.name}-{version.number}-{digest[:12]}"


def _changed(what: str, found: str, expected: str, version: Version) -> RegistryError:
    return RegistryError(
        f"{what} SHA-256 {found[:12]}…",
        expected=f"{expected[:12]}…, as {version.label} was registered",
        remedy="do not use it; restore the files from a backup or register the model again",
    )
