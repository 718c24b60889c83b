"""Looking at a registered version again and again, cheaply: what a server does, lest it serve one moved or retired."""

from __future__ import annotations

from chromseg.errors import RegistryError
from chromseg.registry.log.heads import HEAD_TAG
from chromseg.registry.store.store import open_store, translated
from chromseg.registry.versions.references import Reference
from chromseg.registry.versions.version import check_in_use, find

_WHOLE_LOG_EVERY = 20  # looks


class Watch:
    """Which version a reference names now, and whether it is still in use.

    The audit log decides, and reading all of it at every look would take longer the longer it grows. So a look asks
    MLflow for what it shows of the model (the alias, or for a reference by number the head of the log written down
    there), and the log when that has changed; and every twentieth time, in case somebody was killed between writing to
    the log and showing it.

    Args:
        reference: What is followed.

    Raises:
        RegistryError: There is no store.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._client = open_store()
        self._looks = 0
        self._shown: str | None = None
        self._version: int | None = None

    def version(self) -> int:
        """Number of the version.

        Raises:
            RetiredError: It was taken out of use.
            RegistryError: There is no such alias, the log cannot be trusted, or the store does not answer.
        """
        shown = self._look()
        if self._version is None or shown != self._shown or self._looks % _WHOLE_LOG_EVERY == 0:
            self._version = None
            found = find(self._client, self._reference)
            check_in_use(found)
            self._version, self._shown = found.number, shown
        self._looks += 1
        return self._version

    def _look(self) -> str | None:
        """What MLflow shows; None if there is no such model, which reading the log tells better."""
        try:
            with translated(f"{self._reference.name} cannot be read"):
                model = self._client.get_registered_model(self._reference.name)
        except RegistryError:
            self._version = None
            return None
        alias = self._reference.alias
        shown = model.tags.get(HEAD_TAG) if alias is None else model.aliases.get(alias)
        return None if shown is None else str(shown)
