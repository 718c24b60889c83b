"""What the trial of a model gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measured:
    """What the trial gave.

    Attributes:
        recovered: Share of the golden set's chromosomes found at IoU ≥ 0.5, or of a model that names them, named alike
            when the picture is turned; None if it did not run.
        seconds: For the golden metaphase, once warm.
        memory_mib: Highest memory of the process.
        problem: Why it did not run, or what its answer lacked; "" if all is well.
        pictures: Picture → found, or named alike, of how many, `36/38`.
        at: When it ended, UTC, ISO 8601; "" if it did not.
    """

    recovered: float | None
    seconds: float | None
    memory_mib: float | None
    problem: str
    pictures: dict[str, str] = field(default_factory=dict)
    at: str = ""


def measured_of(hits: Mapping[str, tuple[int, int]], seconds: float, problem: str = "") -> Measured:
    """What a trial gave: by picture, how many chromosomes passed of how many."""
    passed, total = (sum(each) for each in zip(*hits.values(), strict=True))
    return Measured(passed / total, seconds, None, problem, {name: f"{own}/{n}" for name, (own, n) in hits.items()})
