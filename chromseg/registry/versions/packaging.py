"""A model folder packed as an MLflow model that loads without pickle."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from chromseg.errors import RegistryError
from chromseg.files import replacing
from chromseg.naming import MODEL_FILES
from chromseg.project import tracking_uri
from chromseg.registry.store.backend import (
    ColSpec,
    MlflowClient,
    ModelSignature,
    Schema,
    is_local_uri,
    local_file_uri_to_path,
    mlflow,
)
from chromseg.registry.store.store import explained, translated
from chromseg.registry.versions.package_code import copy_code, requirements
from chromseg.registry.versions.package_files import MODEL, hash_of, list_files, seal

_CODE = Path(__file__).with_name("pyfunc_model.py")
_EXAMPLE = Path(__file__).parents[1] / "gates" / "golden" / "cluster.png"
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec("binary", "image")]),  # an encoded image file; base64 in JSON
    outputs=Schema([ColSpec("string", "instances")]),  # COCO JSON
)


@dataclass(frozen=True)
class Package:
    """An MLflow model in the artifact store."""

    model_id: str
    source: str  # URI of its folder
    sha256: str  # of all its files, with their names


def log_package(client: MlflowClient, folder: Path, *, name: str, run_id: str) -> Package:
    """Pack a model folder and upload it as an MLflow model of run `run_id`; nothing is registered yet.

    An upload that breaks off leaves an MLflow model that is not READY and that no version points to.

    Args:
        client: Of the store.
        folder: With `model.safetensors` and `model.json`; Markdown, HTML and `failures/` come along.
        name: Name shown in MLflow.
        run_id: The run that trained it.
    """
    with translated(f"{folder} cannot be packed"), tempfile.TemporaryDirectory() as scratch:
        experiment = client.get_run(run_id).info.experiment_id
        model = client.create_logged_model(experiment, name=name, source_run_id=run_id, model_type="segmentation")
        packed = Path(scratch) / "packed"
        header = mlflow.models.Model(run_id=run_id, model_id=model.model_id)
        code = copy_code(Path(scratch) / "code" / "chromseg")
        _save(_clean_copy(folder, Path(scratch) / "model"), code, packed, header)
        seal(packed)
        client.log_model_artifacts(model.model_id, str(packed))
        client.finalize_logged_model(model.model_id, "READY")
        return Package(model.model_id, model.artifact_location, hash_of(list_files(packed)))


def fetch_package(source: str, cache: Path) -> Path:
    """The folder of a package: in place if the store is local, else downloaded once into `cache`.

    Raises:
        RegistryError: The files are gone or the store does not answer.
    """
    local = _local_path(source)
    if local is None:
        local = cache if is_fetched(source, cache) else _download(source, cache)
    return _complete(local)


@contextmanager
def fetched_anew(source: str) -> Iterator[Path]:
    """The folder of a package as the store has it now; what a remote store sends is gone after the block.

    Raises:
        RegistryError: The files are gone.
        StoreError: The store does not answer.
    """
    local = _local_path(source)
    if local is not None:
        yield _complete(local)
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield _complete(Path(_arrived(source, scratch)))


def is_fetched(source: str, cache: Path) -> bool:
    """Whether a package was downloaded into `cache` before; never so of a local store."""
    return _local_path(source) is None and (cache / "MLmodel").is_file()


def _complete(package: Path) -> Path:
    folder = package / MODEL
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if missing:
        raise RegistryError(
            f"{folder} lacks {', '.join(missing)}",
            expected="the files of a registered model",
            remedy="if the project was moved, move it back or register the model again",
        )
    return package


def _clean_copy(folder: Path, target: Path) -> Path:
    target.mkdir()
    needed = [folder / name for name in MODEL_FILES]
    for file in (*needed, *sorted(folder.glob("*.md")), *sorted(folder.glob("*.html"))):
        shutil.copy2(file, target)
    if (folder / "failures").is_dir():
        shutil.copytree(folder / "failures", target / "failures")
    return target


def _save(folder: Path, code: Path, packed: Path, header: mlflow.models.Model) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the signature is written down, not guessed from the example
        mlflow.pyfunc.save_model(
            packed,
            mlflow_model=header,
            python_model=_CODE,
            artifacts={"model": str(folder)},
            code_paths=[str(code)],
            signature=SIGNATURE,
            input_example=pd.DataFrame({"image": pd.Series([_EXAMPLE.read_bytes()], dtype=object)}),
            pip_requirements=requirements(),
        )
    _forget_this_machine(header.flavors["python_function"])
    header.save(packed / "MLmodel")


def _forget_this_machine(flavor: dict[str, Any]) -> None:
    """Where code and model lay when they were packed; MLflow finds them in the package by their names."""
    flavor["artifacts"]["model"]["uri"] = MODEL
    flavor["model_code_path"] = _CODE.name


def _local_path(source: str) -> Path | None:
    return Path(local_file_uri_to_path(source)) if is_local_uri(source) else None


def _download(source: str, cache: Path) -> Path:
    with replacing(cache) as whole, tempfile.TemporaryDirectory() as scratch:
        shutil.move(_arrived(source, scratch), whole)
    return cache


def _arrived(source: str, scratch: str) -> str:
    """What the store sends of a package.

    Raises:
        RegistryError: It has nothing there.
        StoreError: It does not answer.
    """
    try:
        return str(mlflow.artifacts.download_artifacts(source, dst_path=scratch, tracking_uri=tracking_uri()))
    except Exception as error:  # each kind of store raises its own
        if not _is_empty(source):
            raise explained(error, f"{source} cannot be downloaded") from error
        raise RegistryError(
            f"nothing is at {source}",
            expected="the files of a registered model",
            remedy="restore them from a backup of the store, or retire the version (`chromseg-ops models retire`)",
        ) from error


def _is_empty(source: str) -> bool:
    """Whether the store says that it has nothing there."""
    try:
        return not mlflow.artifacts.list_artifacts(artifact_uri=source, tracking_uri=tracking_uri())
    except Exception:  # it does not answer this either
        return False
