"""The Python interface: `load_predictor`, and `load_karyotyper` for karyograms."""

from __future__ import annotations

from pathlib import Path

from chromseg import DEFAULT_MODEL, KARYOTYPE_MODEL
from chromseg.extras import named_if_missing
from chromseg.inference.karyotyping import Karyotyper, karyotyper_from_folder
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.predictor import Predictor
from chromseg.naming import model_folder


def load_predictor(uri_or_folder: str | Path = DEFAULT_MODEL, *, device: str = "auto") -> Predictor:
    """Load a model that cuts images into chromosomes.

    Args:
        uri_or_folder: A registered model, `models:/NAME@ALIAS` or `models:/NAME/VERSION`, or a folder with
            `model.safetensors` and `model.json`.
        device: Where the network runs: "auto" (on a GPU if there is one), "cpu", "cuda", "cuda:1" …

    Returns:
        The predictor; results carry the model's name, version and hash.

    Raises:
        RegistryError: The name, alias or version is unknown; the message lists those known.
        ModelError: The folder holds no usable model.
        ConfigError: There is no such device.
        MissingExtraError: A registered model is asked for where the extra `registry` is not installed.
    """
    folder, name, version = located_model(uri_or_folder)
    return predictor_from_folder(folder, name=name, version=version, device=device)


def load_karyotyper(uri_or_folder: str | Path = KARYOTYPE_MODEL, *, device: str = "auto") -> Karyotyper:
    """Load a model of the family `karyotype`, which names the chromosomes of a result and places them.

    Arguments and errors as of `load_predictor`; ModelError also for a model of another family.
    """
    folder, name, version = located_model(uri_or_folder)
    return karyotyper_from_folder(folder, name=name, version=version, device=device)


def located_model(uri_or_folder: str | Path) -> tuple[Path, str, str | None]:
    """The folder of a model, the name that results give it ("" for that in its card), and its registered version.

    Arguments and errors as of `load_predictor`.
    """
    folder = model_folder(uri_or_folder)
    if folder is not None:  # needs no store, and no seconds for MLflow
        return folder, "", None
    with named_if_missing():
        from chromseg.registry.versions.resolve import resolve_model

    found = resolve_model(uri_or_folder)
    return found.folder, found.name or "", None if found.version is None else str(found.version)
