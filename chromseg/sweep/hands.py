"""Who runs the steps: this process, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from chromseg.sweep.command import run_step
from chromseg.sweep.plan import Step


class Hands(Protocol):
    """Takes steps that may run side by side, and gives them back as they end."""

    def give(self, step: Step, log: Path) -> None:
        """One step more to run; what it prints goes to `log`."""

    def take(self) -> tuple[Step, str]:
        """The next step that ends, and "" or in one line why it failed."""


@dataclass
class OwnHands:
    """Runs them here.

    Attributes:
        environment: Variables for their commands.
    """

    environment: Mapping[str, str]
    _waiting: deque[tuple[Step, Path]] = field(default_factory=deque)

    def give(self, step: Step, log: Path) -> None:
        """As of `Hands`."""
        self._waiting.append((step, log))

    def take(self) -> tuple[Step, str]:
        """As of `Hands`; the step begins only now."""
        step, log = self._waiting.popleft()
        return step, run_step(step, log, self.environment)
