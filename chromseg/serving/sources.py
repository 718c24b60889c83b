"""Where a server's model comes from: a folder, which needs no registry, or the registry, where an alias may move."""

from __future__ import annotations

from pathlib import Path

from chromseg.extras import named_if_missing
from chromseg.inference.load import predictor_from_folder
from chromseg.naming import model_folder
from chromseg.serving.models import Loaded, ModelSource
from chromseg.serving.settings import ServeSettings


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
    folder = model_folder(model)
    return RegistrySource(model, device) if folder is None else FolderSource(folder, device)


def sources_of(settings: ServeSettings) -> list[ModelSource]:
    """The sources of all models of a server, the first first; errors as of `source_of`."""
    return [source_of(model, settings.device) for model in (settings.model, *settings.also)]


class FolderSource:
    """A model folder, which stays as it is.

    Args:
        folder: With `model.safetensors` and `model.json`.
        device: Where the network runs.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self._folder, self._device = folder, device

    def current(self) -> int | None:
        """None: it has no versions."""
        return None

    def load(self, version: int | None) -> Loaded:
        """Load it.

        Raises:
            ModelError: It cannot be used.
        """
        return Loaded(predictor_from_folder(self._folder, device=self._device), folder=self._folder)


class RegistrySource:
    """A registered model.

    Args:
        model: `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
        device: Where the network runs.

    Raises:
        RegistryError: The name cannot be read, or there is no store.
        MissingExtraError: The extra `registry` is not installed.
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        with named_if_missing():
            from chromseg.registry.versions.references import parse_reference
            from chromseg.registry.versions.watch import Watch

        self._device, self._reference = device, parse_reference(model)
        self._watch = Watch(self._reference)

    def current(self) -> int | None:
        """The version that is meant now.

        Raises:
            RetiredError: It was taken out of use.
            RegistryError: There is no such alias, or the store does not answer.
        """
        return self._watch.version()

    def load(self, version: int | None) -> Loaded:
        """Load a version, its files checked against their registered hashes.

        Raises:
            ChromsegError: It cannot be used.
        """
        from chromseg.registry.versions.resolve import resolve_model

        found = resolve_model(f"models:/{self._reference.name}/{version}")
        name, number = found.name or "", str(found.version)
        return Loaded(
            predictor_from_folder(found.folder, name=name, version=number, device=self._device),
            found.version,
            found.folder,
        )
