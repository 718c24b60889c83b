"""Where a training run reports to: an interface that MLflow's side can fill, and two that need nothing installed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from chromseg.config import TrainConfig
from chromseg.errors import TrainingError
from chromseg.files import write_json

Param = str | int | float | bool


class Tracker(Protocol):
    """What the loop tells; calls come from the main process only."""

    def log_params(self, params: Mapping[str, Param]) -> None:
        """Parameters of the run, once, flattened (`model.depth`)."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Finite values after epoch `step` (from 0). Epochs before a resumption do not come again."""

    def log_artifact(self, path: Path) -> None:
        """A finished file."""


class NullTracker:
    """Reports to nobody."""

    def log_params(self, params: Mapping[str, Param]) -> None:
        """Do nothing."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Do nothing."""

    def log_artifact(self, path: Path) -> None:
        """Do nothing."""


class JsonTracker:
    """Keeps `run.json`: parameters, tags, metrics per epoch and artifact names, rewritten at every report.

    Args:
        path: The file.
        tags: Tags of the run.
        metrics: Earlier epochs of a resumed run, `{"step": 0, …}` each.
    """

    def __init__(
        self, path: Path, tags: Mapping[str, str] | None = None, metrics: list[dict[str, float]] | None = None
    ) -> None:
        self.path = path
        self.run: dict[str, Any] = {
            "params": {},
            "tags": dict(tags or {}),
            "metrics": list(metrics or []),
            "artifacts": [],
        }

    def log_params(self, params: Mapping[str, Param]) -> None:
        """Add parameters."""
        self.run["params"].update(params)
        write_json(self.path, self.run)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Add one epoch."""
        self.run["metrics"].append({"step": step, **metrics})
        write_json(self.path, self.run)

    def log_artifact(self, path: Path) -> None:
        """Add the file's name."""
        self.run["artifacts"].append(path.name)
        write_json(self.path, self.run)


def read_run(path: Path) -> dict[str, Any]:
    """Read a `run.json`: keys "params", "tags", "metrics" (one `{"step": …}` an epoch) and "artifacts".

    Raises:
        TrainingError: It is missing or damaged.
    """
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{path} cannot be read ({error})", expected="the record of a training run", remedy="train again"
        ) from error
    return dict(run)


def flat_params(config: TrainConfig, *, seed: int) -> dict[str, Param]:
    """All parameters of a run as one level of names (`model.depth`), as trackers keep them."""

    def walk(value: Any, name: str) -> dict[str, Param]:
        if isinstance(value, dict):
            return {key: leaf for part in value for key, leaf in walk(value[part], f"{name}.{part}").items()}
        return {name.removeprefix("."): ",".join(map(str, value)) if isinstance(value, tuple | list) else value}

    return walk(asdict(config), "") | {"seed": seed}


def finite(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """Only what could be measured: an undefined score is left out rather than reported as a number."""
    return {name: value for name, value in metrics.items() if value is not None and math.isfinite(value)}
