"""What one gate found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Gate:
    """One demand and whether it is met.

    Attributes:
        name: The gate, `slices stain=g-band` say.
        measured: What was found, in words.
        limit: What is demanded, in words.
        passed: The verdict.
    """

    name: str
    measured: str
    limit: str
    passed: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.measured} ({self.limit})"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def switched_off(name: str) -> Gate:
    """A gate that the policy does without."""
    return Gate(name, "not asked", "switched off in promotion.yaml", True)


def at_least(name: str, value: float | None, limit: float, note: str = "") -> Gate:
    """A value that must not be lower; None has not been measured, and that is a no."""
    return Gate(name, shown(value), f"≥ {limit:.4g}{note}", value is not None and value >= limit)


def at_most(name: str, value: float | None, limit: float, note: str = "") -> Gate:
    """A value that must not be higher."""
    return Gate(name, shown(value), f"≤ {limit:.4g}{note}", value is not None and value <= limit)


def shown(value: float | None) -> str:
    """A figure, or that there is none."""
    return "not measured" if value is None else f"{value:.4g}"


def failed(gates: Sequence[Gate]) -> list[Gate]:
    """Those that say no."""
    return [gate for gate in gates if not gate.passed]
