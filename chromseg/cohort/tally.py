"""What became of a whole cohort, kept in a few numbers however many pictures it has."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chromseg.cohort.outcome import PictureOutcome
from chromseg.inference.failures import Failure, failure_of

_WORST = 20  # pictures that are named


@dataclass
class Tally:
    """Adds outcomes up.

    Attributes:
        total: Pictures to come; None where that is not known before archives are opened.
        earlier: What earlier runs failed at, by name; a picture that has an outcome now is no longer there.
        clock: Seconds; a test has its own.
    """

    total: int | None = None
    earlier: dict[str, Failure] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    statuses: Counter[str] = field(default_factory=Counter)
    counts: Counter[int] = field(default_factory=Counter)  # chromosomes of a picture → pictures
    rules: Counter[str] = field(default_factory=Counter)  # why pictures were refused or failed
    timings_ms: Counter[str] = field(default_factory=Counter)
    chromosomes: int = 0
    flagged: int = 0
    unclaimed: int = 0  # pieces that may be chromosomes and belong to none
    failures: list[Failure] = field(default_factory=list)
    _worst: list[tuple[float, str, int, int, int]] = field(default_factory=list)
    _began: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Begin to count the time."""
        self._began = self.clock()

    def add(self, outcome: PictureOutcome) -> None:
        """Count one picture."""
        self.earlier.pop(outcome.file.name, None)
        self.statuses[outcome.status] += 1
        if outcome.error is not None:
            self.rules[outcome.rule] += 1
            self.failures.append(failure_of(outcome.file.name, outcome.error))
            return
        self.counts[outcome.count] += 1
        self.chromosomes += outcome.count
        self.flagged += outcome.flagged
        self.timings_ms.update(outcome.timings_ms)
        unclaimed = outcome.unclaimed or 0
        self.unclaimed += unclaimed
        if outcome.flagged or unclaimed:
            share = (outcome.flagged + unclaimed) / (outcome.count + unclaimed)
            entry = (share, outcome.file.name, outcome.flagged, unclaimed, outcome.count)
            (heapq.heappush if len(self._worst) < _WORST else heapq.heappushpop)(self._worst, entry)

    @property
    def done(self) -> int:
        """Pictures with an outcome."""
        return self.statuses.total()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self.clock() - self._began

    @property
    def worst(self) -> list[dict[str, Any]]:
        """The pictures with the largest share of what a person should look at, the worst first."""
        names = ("file", "flagged", "unclaimed", "chromosomes")
        return [dict(zip(names, facts, strict=True)) for _, *facts in sorted(self._worst, reverse=True)]

    def line(self) -> str:
        """How far it is, in a line for people."""
        rate = self.done / self.seconds if self.seconds > 0 else 0.0
        of = "" if self.total is None else f" of {self.total:,}"
        missing = 0 if self.total is None else self.total - self.done
        left = f", {_span(missing / rate)} left" if missing and rate else ""
        rules = "".join(f", {count} {rule}" for rule, count in self.rules.most_common(3))
        return f"{self.done:,}{of} pictures, {rate:.2f}/s{left}{rules}"

    def to_json(self) -> dict[str, Any]:
        """All numbers, plain values for `json.dumps`; steps in milliseconds a picture that was predicted on."""
        predicted = max(1, self.statuses["done"])
        return {
            "done": self.statuses["done"],
            "skipped": self.statuses["skipped"],
            "refused": self.statuses["refused"],
            "failed": self.statuses["failed"],
            "chromosomes": self.chromosomes,
            "to_review": self.flagged + self.unclaimed,
            "flagged": self.flagged,
            "unclaimed": self.unclaimed,
            "seconds": round(self.seconds, 1),
            "rules": dict(self.rules.most_common()),
            "chromosomes_of_pictures": {str(count): self.counts[count] for count in sorted(self.counts)},
            "ms_a_picture": {step: round(spent / predicted, 1) for step, spent in self.timings_ms.items()},
            "worst": self.worst,
        }


def _span(seconds: float) -> str:
    """A time for people: "40 s", "12 min", "3.4 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
