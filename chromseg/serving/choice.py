"""The models of one server: the first answers, unless a client asks for another by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chromseg.serving.models import Models
from chromseg.serving.problems import ProblemError


class Choice:
    """All that are served.

    Args:
        served: By name; the first answers who asks for none.
    """

    def __init__(self, served: Mapping[str, Models]) -> None:
        self._served = dict(served)

    def __iter__(self) -> Iterator[tuple[str, Models]]:
        """Names and models, the first first."""
        return iter(self._served.items())

    def of(self, name: str) -> tuple[str, Models]:
        """Name and model that a client means; "" means the first.

        Raises:
            ProblemError: None has that name.
        """
        chosen = name or next(iter(self._served))
        if chosen not in self._served:
            raise ProblemError(
                "bad-request",
                f"model {name[:80]!r}",
                expected=f"one of {', '.join(self._served)}",
                remedy="choose one that /v1/models lists, or leave it out",
            )
        return chosen, self._served[chosen]

    def watch(self) -> None:
        """Begin to look for moves of aliases."""
        for models in self._served.values():
            models.watch()

    def close(self) -> None:
        """Look no more."""
        for models in self._served.values():
            models.close()
