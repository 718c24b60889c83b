"""Gates about the scores: good enough, and not worse than the champion, on the whole test or on any part of it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from chromseg.metrics.catalogue import BY_KEY, TEST
from chromseg.registry.gates.contest import tested
from chromseg.registry.gates.gate import Gate, at_least, at_most, shown, switched_off
from chromseg.registry.gates.naming_trial import FAMILY
from chromseg.registry.gates.policy import AgainstChampion, Policy, Slices
from chromseg.registry.versions.version import Version

_NAMING = (f"{TEST}class_acc",)  # what models that name chromosomes are compared by
_CUTOUTS = "n_images"  # what counts slices of cut-outs
SLICE = "test/slice/"  # test/slice/<by>/<value>/<metric>


@dataclass(frozen=True)
class SeedSpread:
    """How much a metric moves with the seed.

    Attributes:
        sd: Standard deviation over the seeds of the champion's family; 0 if it has not two.
        seeds: Those it is estimated from, in order.
    """

    sd: float
    seeds: tuple[int, ...]

    def __str__(self) -> str:
        return f"sd {self.sd:.2g} over seeds {', '.join(map(str, self.seeds))}" if self.sd else "sd 0, unknown"


def spread_of(scores: Mapping[int, float]) -> SeedSpread:
    """The spread of one metric.

    Args:
        scores: By seed, of runs that differ in nothing else.
    """
    sd = statistics.stdev(scores.values()) if len(scores) > 1 else 0.0
    return SeedSpread(sd, tuple(sorted(scores)))


def threshold_gates(policy: Policy, version: Version) -> list[Gate]:
    """Absolute limits."""
    gates = []
    for limit in policy.thresholds_of(version.name):
        value = version.metrics.get(limit.metric)
        if limit.min is not None:
            gates.append(at_least(limit.metric, value, limit.min))
        if limit.max is not None:
            gates.append(at_most(limit.metric, value, limit.max))
    return gates or [switched_off("thresholds")]


def champion_gates(
    policy: Policy, version: Version, champion: Version | None, spreads: Mapping[str, SeedSpread], hint: str = ""
) -> list[Gate]:
    """The candidate against the champion, overall and slice by slice; both judged on the same test data.

    Args:
        policy: The limits.
        version: The candidate, with its scores.
        champion: With its own; None for none.
        spreads: By metric.
        hint: What to do if they were judged on other data.
    """
    if champion is None:
        return [Gate("champion", "there is none yet", "not worse than it", True)]
    if not policy.compares:
        return [switched_off("champion"), switched_off("slices"), switched_off("stains")]
    own, theirs = tested(version), tested(champion)
    test = Gate("same test data", own, f"{theirs}, the champion's" + (f"; {hint}" if hint else ""), own == theirs)
    if not test.passed:
        return [test]
    return [
        test,
        *(_overall(policy.champion, version, champion, spreads) if policy.champion else [switched_off("champion")]),
        *([] if _names(version) else _parts(policy, version, champion)),
    ]


def compared(limits: AgainstChampion, version: Version) -> tuple[str, ...]:
    """The metrics by which a version is held against a champion of its family."""
    return _NAMING if _names(version) else limits.metrics


def _names(version: Version) -> bool:
    """Whether it names chromosomes, of which no cut-out or outline tells anything."""
    return version.config.get("model.architecture") == FAMILY


def _parts(policy: Policy, version: Version, champion: Version) -> list[Gate]:
    return [
        *(_slices(policy.slices, version, champion) if policy.slices else [switched_off("slices")]),
        *(_slices(policy.stains, version, champion) if policy.stains else [switched_off("stains")]),
    ]


def _overall(
    limits: AgainstChampion, version: Version, champion: Version, spreads: Mapping[str, SeedSpread]
) -> list[Gate]:
    gates = []
    for metric in compared(limits, version):
        name, value, best = f"champion {metric}", version.metrics.get(metric), champion.metrics.get(metric)
        if best is None:
            gates.append(Gate(name, shown(value), f"the champion's, which was not measured ({champion.label})", False))
            continue
        spread = spreads[metric]
        words = f"{limits.sd:g} × {spread}"
        gates.append(_not_worse(name, metric, value, best, limits.sd * spread.sd, words, champion))
    return gates


def _slices(limits: Slices, version: Version, champion: Version) -> list[Gate]:
    gates = []
    for by in limits.by:
        known = (key for key in champion.metrics | version.metrics if key.startswith(f"{SLICE}{by}/"))
        names = sorted({_slice(key) for key in known if key.endswith(f"/{limits.counted}")})
        if not names:
            gates.append(Gate(f"slices by {by}", "not measured", f"no worse than {champion.label}", False))
        gates += [_slice_gate(limits, name, version, champion) for name in names]
    return gates


def _slice_gate(limits: Slices, name: str, version: Version, champion: Version) -> Gate:
    label, key = f"slice {name}", f"{SLICE}{name}/{limits.metric}"
    if limits.counted != _CUTOUTS:
        label += f" {limits.metric}"
    sizes = [each.metrics.get(f"{SLICE}{name}/{limits.counted}") or 0 for each in (version, champion)]
    value, best = version.metrics.get(key), champion.metrics.get(key)
    if sizes[1] and not sizes[0]:
        return Gate(label, "not measured", f"measured, as it was for {champion.label}", False)
    if max(sizes) < limits.min_images:
        return Gate(label, shown(value), f"too small to judge ({max(sizes):.0f} images)", True)
    if best is None:
        return Gate(label, shown(value), f"the champion's, which was not measured ({champion.label})", False)
    words = f"{limits.tolerance:g}"
    return _not_worse(label, f"{TEST}{limits.metric}", value, best, limits.tolerance, words, champion)


def _not_worse(
    name: str, metric: str, value: float | None, best: float, room: float, words: str, champion: Version
) -> Gate:
    """A value that may be worse than the champion's by `room` at most, whichever way is worse."""
    if BY_KEY[metric].higher:
        return at_least(name, value, best - room, f" = {best:.4g} of {champion.label} − {words}")
    return at_most(name, value, best + room, f" = {best:.4g} of {champion.label} + {words}")


def _slice(key: str) -> str:
    return key.removeprefix(SLICE).rpartition("/")[0]
