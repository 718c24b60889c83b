"""The model in use: loaded, warmed, and changed without a pause when its alias moves.

The previous one stays loaded, so a rollback is immediate; requests finish with the model that they began with. One that
was retired answers no more, even if there is none to take its place.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, Protocol, TypeAlias, TypeVar

import numpy as np

from chromseg.errors import ChromsegError, RetiredError
from chromseg.inference.predictor import Predictor
from chromseg.serving.checks import ServerCheck
from chromseg.validation.rules import image_rules

_LOG = logging.getLogger("chromseg.serving")
_WARM_SIDES = (256, 64)  # px
_PATIENCE = 5.0  # seconds that a model which is just being loaded is waited for at the end


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model ready for requests.

    Attributes:
        predictor: Its input rules refuse with every rule that was broken.
        version: Registered version; None for a folder.
        folder: Where its files are; None for one made in memory.
        at: When it was loaded, UTC, ISO 8601.
    """

    predictor: Predictor
    version: int | None = None
    folder: Path | None = None
    at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    @property
    def lineage_id(self) -> str | None:
        """The run that trained it: what `models lineage` goes by."""
        run = self.predictor.card.lineage.get("run_id")
        return None if run is None else str(run)


class Versioned(Protocol):
    """A model ready for requests, of any kind."""

    @property
    def version(self) -> int | None:
        """Registered version; None for a folder."""


Kind = TypeVar("Kind", bound=Versioned)
Made = TypeVar("Made", bound=Versioned, covariant=True)


class Source(Protocol[Made]):
    """Where models come from."""

    def current(self) -> int | None:
        """The version that is to be served; None where that never changes."""

    def load(self, version: int | None) -> Made:
        """Load it."""


ModelSource: TypeAlias = Source[Loaded]


class Followed(Generic[Kind]):
    """A model in use, and the one before.

    Args:
        source: Where they come from.
        poll: Seconds between two looks; 0 never looks again.
        on_change: Called with each model that comes into use.
        on_trouble: Called when the source cannot be read or a model not be loaded; the one in use stays.
    """

    def __init__(
        self,
        source: Source[Kind],
        poll: float,
        *,
        on_change: Callable[[Kind], None] = lambda loaded: None,
        on_trouble: Callable[[], None] = lambda: None,
    ) -> None:
        self._source, self._poll = source, poll
        self._on_change, self._on_trouble = on_change, on_trouble
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.retired: RetiredError | None = None
        self.previous: Kind | None = None
        self.current = self._ready(source.current())
        on_change(self.current)

    def watch(self) -> None:
        """Begin to look for moves of the alias."""
        if self._poll > 0 and self.current.version is not None:
            self._thread = threading.Thread(target=self._run, name="alias-watch", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Look no more; a store that does not answer keeps nobody."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def in_use(self) -> Kind:
        """The model that may answer.

        Raises:
            RetiredError: It was taken out of use, and none has its place.
        """
        if self.retired is not None:
            raise self.retired
        return self.current

    def look(self) -> bool:
        """Change to the version that is to be served, if it is another one; whether it was.

        Raises:
            ChromsegError: The source cannot be read, or the model not be loaded.
        """
        try:
            wanted, self.retired = self._source.current(), None
        except RetiredError as error:
            self.retired = error
            raise
        if wanted is None or wanted == self.current.version:
            return False
        kept = self.previous if self.previous is not None and self.previous.version == wanted else None
        self.previous, self.current = self.current, kept or self._ready(wanted)
        _LOG.info("model changed", extra={"facts": {"from": self.previous.version, "to": self.current.version}})
        self._on_change(self.current)
        return True

    def _ready(self, version: int | None) -> Kind:
        return self._source.load(version)

    def _run(self) -> None:
        pause = self._poll
        while not self._stop.wait(pause):
            try:
                self.look()
                pause = self._poll
            except ChromsegError as error:
                self._trouble(str(error))
                pause = min(2 * pause, 30.0)
            except Exception as error:  # a database may raise anything; the model in use must go on
                self._trouble(f"{type(error).__name__}: {error}")
                pause = min(2 * pause, 30.0)

    def _trouble(self, text: str) -> None:
        self._on_trouble()
        _LOG.warning("the model could not be looked up or changed", extra={"facts": {"error": " ".join(text.split())}})


class Models(Followed[Loaded]):
    """A model that cuts pictures, and the one before."""

    def _ready(self, version: int | None) -> Loaded:
        """Load a model and let it predict once, which is slower than every later time."""
        loaded = super()._ready(version)
        check = ServerCheck(image_rules(loaded.predictor.limits))
        loaded = replace(loaded, predictor=replace(loaded.predictor, check_input=check))
        for side in _WARM_SIDES:
            loaded.predictor.begin([np.zeros((side, side), dtype=np.float32)])
        return loaded
