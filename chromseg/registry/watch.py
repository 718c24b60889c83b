"""Looking at an alias again and again, cheaply: what a server does that follows it."""

from __future__ import annotations

from chromseg.errors import RegistryError
from chromseg.registry.references import Reference, find_version
from chromseg.registry.store import open_store, translated

_WHOLE_LOG_EVERY = 20  # looks


class AliasWatch:
    """Which version an alias names now.

    The audit log decides, and reading all of it at every look would take longer the longer it grows. So a look asks
    MLflow for the alias as it is shown, and the log when that has changed; and every twentieth time, in case somebody
    was killed between writing to the log and showing it.

    Args:
        reference: With an alias.

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
            RegistryError: There is no such alias, the log cannot be trusted, or the store does not answer.
        """
        shown = self._look()
        if self._version is None or shown != self._shown or self._looks % _WHOLE_LOG_EVERY == 0:
            self._version = int(find_version(self._client, self._reference).version)
            self._shown = shown
        self._looks += 1
        return self._version

    def _look(self) -> str | None:
        """The alias as MLflow shows it; None if there is no such model, which reading the log tells better."""
        try:
            with translated(f"{self._reference.name} cannot be read"):
                number = self._client.get_registered_model(self._reference.name).aliases.get(self._reference.alias)
        except RegistryError:
            self._version = None
            return None
        return None if number is None else str(number)
