"""Where a server's model comes from: a folder, which needs no registry, or the registry, where an alias may move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias

from chromseg.extras import named_if_missing
from chromseg.inference.karyotyping import Karyotyper, karyotyper_from_folder
from chromseg.inference.load import predictor_from_folder
from chromseg.naming import model_folder
from chromseg.serving.models import Kind, Loaded, ModelSource, Source
from chromseg.serving.settings import ServeSettings

Make: TypeAlias = Callable[[Path, str, int | None], Kind]  # of a folder, a name ("": that in its card) and a version


@dataclass(frozen=True, eq=False)
class Namer:
    """A model that names chromosomes, ready for requests; `version` is the registered one, None for a folder."""

    karyotyper: Karyotyper
    version: int | None = None


def source_of(model: str, device: str = "cpu") -> ModelSource:
    """The source that `--model` means.

    Args:
        model: `models:/NAME@ALIAS`, `models:/NAME/VERSION` or a folder.
        device: Where the network runs.

    Raises:
        ModelError: There is no such folder, or it holds no model.
        RegistryError: The name cannot be read, or there is no store.
        MissingExtraError: A registered model is asked for without the extra `registry`.
    """

    def make(folder: Path, name: str, version: int | None) -> Loaded:
        predictor = predictor_from_folder(folder, name=name, version=_text(version), device=device)
        return Loaded(predictor, version, folder)

    return _source(model, make)


def source_of_names(model: str, device: str = "cpu") -> Source[Namer]:
    """The source that `--karyotype` means; arguments and errors as of `source_of`."""

    def make(folder: Path, name: str, version: int | None) -> Namer:
        return Namer(karyotyper_from_folder(folder, name=name, version=_text(version), device=device), version)

    return _source(model, make)


def sources_of(settings: ServeSettings) -> list[ModelSource]:
    """The sources of all models of a server, the first first; errors as of `source_of`."""
    return [source_of(model, settings.device) for model in (settings.model, *settings.also)]


def _source(model: str, make: Make[Kind]) -> Source[Kind]:
    folder = model_folder(model)
    return RegistrySource(model, make) if folder is None else FolderSource(folder, make)


def _text(version: int | None) -> str | None:
    return None if version is None else str(version)


class FolderSource(Generic[Kind]):
    """A model folder, which stays as it is.

    Args:
        folder: With `model.safetensors` and `model.json`.
        make: Loads it.
    """

    def __init__(self, folder: Path, make: Make[Kind]) -> None:
        self._folder, self._make = folder, make

    def current(self) -> int | None:
        """None: it has no versions."""
        return None

    def load(self, version: int | None) -> Kind:
        """Load it.

        Raises:
            ModelError: It cannot be used.
        """
        return self._make(self._folder, "", None)


class RegistrySource(Generic[Kind]):
    """A registered model.

    Args:
        model: `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
        make: Loads a version.

    Raises:
        RegistryError: The name cannot be read, or there is no store.
        MissingExtraError: The extra `registry` is not installed.
    """

    def __init__(self, model: str, make: Make[Kind]) -> None:
        with named_if_missing():
            from chromseg.registry.versions.references import parse_reference
            from chromseg.registry.versions.watch import Watch

        self._make, self._reference = make, parse_reference(model)
        self._watch = Watch(self._reference)

    def current(self) -> int | None:
        """The version that is meant now.

        Raises:
            RetiredError: It was taken out of use.
            RegistryError: There is no such alias, or the store does not answer.
        """
        return self._watch.version()

    def load(self, version: int | None) -> Kind:
        """Load a version, its files checked against their registered hashes.

        Raises:
            ChromsegError: It cannot be used.
        """
        from chromseg.registry.versions.resolve import resolve_model

        found = resolve_model(f"models:/{self._reference.name}/{version}")
        return self._make(found.folder, found.name or "", found.version)
