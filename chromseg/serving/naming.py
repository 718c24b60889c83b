"""The model that names chromosomes, loaded when the first karyogram is asked for, since many servers make none."""

from __future__ import annotations

import threading

from chromseg.api import load_karyotyper
from chromseg.errors import ChromsegError
from chromseg.inference.karyotyping import Karyotyper
from chromseg.serving.problems import ProblemError


class Naming:
    """A model of the family `karyotype`; the one that was loaded stays until the server ends.

    Args:
        model: Registered model or folder.
        device: Where the network runs.
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        self._model, self._device = model, device
        self._loaded: Karyotyper | None = None
        self._alone = threading.Lock()

    def loaded(self) -> Karyotyper:
        """The model.

        Raises:
            ProblemError: This server has none that can be used.
        """
        with self._alone:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Karyotyper:
        try:
            return load_karyotyper(self._model, device=self._device)
        except ChromsegError as error:
            raise ProblemError(
                "not-found",
                f"a server without a model that names chromosomes ({error.got})",
                expected=f"{self._model}, a model of the family karyotype",
                remedy="start the server with --karyotype MODEL",
            ) from error
