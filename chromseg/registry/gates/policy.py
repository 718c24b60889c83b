"""The limits of the gates, from `promotion.yaml`: the project's own, or the one that comes with ChromSeg-Ops."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from chromseg.config import parse, read_params
from chromseg.errors import ConfigError, RegistryError
from chromseg.files import sha256
from chromseg.metrics.catalogue import BY_KEY, TEST
from chromseg.project import project_root

FILE = "promotion.yaml"


@dataclass(frozen=True)
class Golden:
    """The pictures with known truth."""

    min_recovered: float  # share of their chromosomes found at IoU ≥ 0.5


@dataclass(frozen=True)
class Threshold:
    """An absolute limit of one metric of one registered model; `any` is every model without limits of its own."""

    model: str
    metric: str
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True)
class AgainstChampion:
    """How far a candidate may stay behind the champion."""

    metrics: tuple[str, ...]
    sd: float = 2.0  # standard deviations over seeds


@dataclass(frozen=True)
class Slices:
    """How far a candidate may stay behind the champion on a part of the test data."""

    by: tuple[str, ...]
    metric: str
    tolerance: float
    min_images: int = 10
    counted: str = "n_images"  # the figure of a slice that says how large it is


@dataclass(frozen=True)
class Budget:
    """What one picture may cost."""

    max_seconds: float
    max_memory_mib: float


@dataclass(frozen=True)
class Policy:
    """All limits; None (or nothing demanded) switches a gate off, and the gate then says so."""

    golden: Golden | None
    thresholds: tuple[Threshold, ...]
    champion: AgainstChampion | None
    slices: Slices | None
    budget: Budget | None
    validation: bool
    model_card: tuple[str, ...]
    stains: Slices | None = None  # whole metaphases, stain by stain

    def thresholds_of(self, model: str) -> tuple[Threshold, ...]:
        """The absolute limits of one registered model."""
        own = tuple(each for each in self.thresholds if each.model == model)
        return own or tuple(each for each in self.thresholds if each.model == "any")

    @property
    def compares(self) -> bool:
        """Whether a gate compares with the champion."""
        return any(each is not None for each in (self.champion, self.slices, self.stains))

    @property
    def needs_prediction(self) -> bool:
        """Whether a gate looks at a prediction."""
        return self.golden is not None or self.budget is not None


def policy_file() -> Path:
    """The project's `promotion.yaml`, or else that of ChromSeg-Ops."""
    own = project_root() / FILE
    return own if own.is_file() else Path(__file__).with_name(FILE)


def default_policy() -> Policy:
    """The limits that come with ChromSeg-Ops."""
    return parse(Policy, read_params(Path(__file__).with_name(FILE)), FILE)


def policy_text(expected: str) -> str:
    """What the file in force says, for the audit log.

    Args:
        expected: SHA-256 that it had when it was read.

    Raises:
        RegistryError: It was changed since.
    """
    content = policy_file().read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise changed_meanwhile("a version")
    return content.decode("utf-8")


def changed_meanwhile(judged: str) -> RegistryError:
    """What is wrong where the policy is another than when judging began."""
    return RegistryError(
        f"{policy_file()} was changed while {judged} was judged by it",
        expected="the same limits from beginning to end",
        remedy="run the same command again",
    )


def read_policy() -> tuple[Policy, str]:
    """The limits in force, and the SHA-256 of their file.

    Raises:
        ConfigError: The file has an unknown or missing key, or a value of the wrong kind.
    """
    file = policy_file()
    policy = parse(Policy, read_params(file), FILE)
    unknown = [key for key in _metrics(policy) if key not in BY_KEY]
    if unknown:
        raise ConfigError(
            f"metric {unknown[0]!r} in {FILE}",
            expected=f"one of {', '.join(BY_KEY)}",
            remedy="correct it: what nobody measures would refuse every model",
        )
    return policy, sha256(file)


def _metrics(policy: Policy) -> list[str]:
    return [
        *(limit.metric for limit in policy.thresholds),
        *(policy.champion.metrics if policy.champion else ()),
        *(f"{TEST}{each.metric}" for each in (policy.slices, policy.stains) if each),
    ]
