"""A model on its way to the nodes of a cluster, which need neither its folder nor the registry that it came from."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from chromseg.inference.load import identity_of, predictor_from_folder
from chromseg.inference.predictor import Predictor
from chromseg.inference.result import ModelIdentity
from chromseg.models.package import read_card
from chromseg.naming import MODEL_FILES


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model, and what results call it."""

    files: dict[str, bytes]
    identity: ModelIdentity

    @classmethod
    def of(cls, folder: Path, name: str = "", version: str | None = None) -> ModelFiles:
        """Read a model folder; arguments and errors as of `predictor_from_folder`."""
        files = {each: (folder / each).read_bytes() for each in MODEL_FILES}
        return cls(files, identity_of(read_card(folder), name, version))

    def load(self, device: str) -> Predictor:
        """The predictor, in this process; errors as of `predictor_from_folder`."""
        with tempfile.TemporaryDirectory(prefix="chromseg-model-") as scratch:
            for name, content in self.files.items():
                (Path(scratch) / name).write_bytes(content)
            identity = self.identity
            return predictor_from_folder(Path(scratch), name=identity.name, version=identity.version, device=device)
