"""The model that names chromosomes, loaded when the first karyogram is asked for, since many servers make none."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chromseg.errors import ChromsegError, RetiredError
from chromseg.inference.karyotyping import Karyotyper
from chromseg.serving.models import Followed
from chromseg.serving.problems import ProblemError
from chromseg.serving.settings import ServeSettings
from chromseg.serving.sources import Namer, source_of_names


class Naming:
    """A model of the family `karyotype`, which from its first use on changes when its alias moves.

    Args:
        settings: Of the server.
        on_change: Called with each model that comes into use.
        on_trouble: As of `Followed`.
    """

    def __init__(
        self, settings: ServeSettings, on_change: Callable[[Namer], None], on_trouble: Callable[[], None]
    ) -> None:
        self._settings, self._on_change, self._on_trouble = settings, on_change, on_trouble
        self._followed: Followed[Namer] | None = None
        self._alone = threading.Lock()

    def loaded(self) -> Karyotyper:
        """The model.

        Raises:
            ProblemError: This server has none that can be used.
            RetiredError: It was taken out of use.
        """
        with self._alone:
            if self._followed is None:
                self._followed = self._follow()
                self._followed.watch()
            return self._followed.in_use().karyotyper

    def close(self) -> None:
        """Look no more for other versions."""
        if self._followed is not None:
            self._followed.close()

    def _follow(self) -> Followed[Namer]:
        model = self._settings.karyotype
        try:
            return Followed(
                source_of_names(model, self._settings.device),
                self._settings.poll,
                on_change=self._on_change,
                on_trouble=self._on_trouble,
            )
        except RetiredError:
            raise
        except ChromsegError as error:
            raise ProblemError(
                "not-found",
                f"a server without a model that names chromosomes ({error.got})",
                expected=f"{model}, a model of the family karyotype",
                remedy="start the server with --karyotype MODEL",
            ) from error
