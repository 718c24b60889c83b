"""Which arms at a crossing belong together: solved over the whole crossing, not arm by arm.

Two chromosomes cross, so four ports make two pairs (X), three make one pair and one end (T), two are two ends (L): a
lone end is never joined to the nearest arm. More ports may be three chromosomes or more. Of all ways to pair the ports
the likeliest outcome wins: bending, stubs left over, chromosomes too many or too few, pixels of the crossing that no
two chromosomes would cover. Its probability is the confidence; pairings that differ in crumbs only are one outcome.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np

from chromseg.arrays import F64
from chromseg.partition.ports import Crossing, Port
from chromseg.partition.strips import distances

Pair: TypeAlias = tuple[int, int]
Matching: TypeAlias = tuple[Pair, ...]
Owners: TypeAlias = tuple[int, ...]

_CHOICES = 4  # outcomes of one crossing that are weighed against those of the others
_MAX_PORTS = 6  # more arms than this meet only in predicted noise; the smallest are then left-overs
_WHOLE_AREA = 0.35  # squared chromosome widths from which a crossing is surely one
_STRIP = 1.1  # half widths that a strip reaches to either side
_MOST_PIXELS = 64  # of a crossing whose strips are counted
_HOPELESS = 7.0  # log-odds behind the best from which a pairing is not looked at any more

# What a pairing costs, in log-odds: a choice model (softmax over the pairings of a crossing), fitted on cases other
# than test, with true and with disturbed maps, by `benchmarks/fit_partition.py`. Width and brightness of the arms were
# tried as well and got no weight.
TERMS = {
    "bend": 1.11,  # angle between the ways that two joined arms leave, radians
    "swerve": 1.71,  # angle between the straighter arm and the line from port to port, radians
    "pairs": -1.46,  # how many
    "welds": -2.29,  # pairs of arms that are joined around the crossing as well
    "stubs": 2.51,  # area of stubs without a partner, squared widths
    "crowd": 4.16,  # chromosomes more than two
    "alone": 3.01,  # one chromosome only, that is, no crossing at all; less in a small one
    "sliver": -3.9,  # two chromosomes at a crossing that hardly has an area: they touch there
    "bare": 3.67,  # share of the crossing that the strips of fewer than two chromosomes cover
}
_WEIGHTS = np.array(list(TERMS.values()))


@dataclass(frozen=True)
class Pairing:
    """How the ports of one crossing are joined.

    Attributes:
        pairs: Parts that are joined, stubs to the arm that they lengthen included.
        n_chromosomes: How many chromosomes meet.
        cost: Negative log-odds.
        confidence: 0–1, its probability among all pairings of the crossing.
    """

    pairs: Matching
    n_chromosomes: int
    cost: float
    confidence: float


def rank(crossing: Crossing) -> list[Pairing]:
    """The likeliest pairings of one crossing's ports, the best first, at most `_CHOICES`; of no ports an empty one."""
    if not crossing.ports:
        return [Pairing((), 0, 0.0, 1.0)]
    ports, matchings = by_area(crossing), tried(crossing)
    costs = terms(crossing) @ _WEIGHTS
    least = float(costs.min())
    odds = np.exp(least - costs)
    shares: dict[Owners, float] = {}
    likeliest: dict[Owners, tuple[Matching, int]] = {}
    for index in sorted(np.flatnonzero(costs < least + _HOPELESS).tolist(), key=costs.__getitem__):
        pairs, n_chromosomes = joined(matchings[index], ports)
        same = outcome(pairs, ports)
        likeliest.setdefault(same, (pairs, n_chromosomes))
        shares[same] = shares.get(same, 0.0) + float(odds[index])
    everything = float(odds.sum())
    best = sorted(shares, key=lambda same: -shares[same])[:_CHOICES]
    return [
        Pairing(
            tuple((ports[a].part, ports[b].part) for a, b in likeliest[same][0]),
            likeliest[same][1],
            least - math.log(shares[same]),
            shares[same] / everything,
        )
        for same in best
    ]


def by_area(crossing: Crossing) -> list[Port]:
    """The ports of a crossing, that of the largest part first."""
    return sorted(crossing.ports, key=lambda port: -port.area)


def tried(crossing: Crossing) -> tuple[Matching, ...]:
    """All ways to pair the largest ports of a crossing, as indices into `by_area`."""
    return _matchings(min(len(crossing.ports), _MAX_PORTS))


def joined(pairs: Matching, ports: list[Port]) -> tuple[Matching, int]:
    """Complete a pairing of `by_area`: each left-over is joined to the arm that it lengthens best.

    Returns:
        All pairs, and how many chromosomes they make.
    """
    paired = {index for pair in pairs for index in pair}
    arms = [i for i, port in enumerate(ports) if i in paired or (i < _MAX_PORTS and not port.is_stub)]
    if len(arms) in (0, len(ports)):
        return pairs, len(arms) - len(pairs)
    left_over = [i for i in range(len(ports)) if i not in arms]
    found = ((min(arms, key=lambda arm: sum(joint(ports[stub], ports[arm]))), stub) for stub in left_over)
    return (*pairs, *found), len(arms) - len(pairs)


def outcome(pairs: Matching, ports: list[Port]) -> Owners:
    """For each port that is no crumb, the first of those that pairs as of `joined` give to the same chromosome."""
    owners = list(range(len(ports)))
    for first, second in pairs:
        owners[second] = owners[first]
    large = [owner for owner, port in zip(owners, ports, strict=True) if not port.is_crumb]
    return tuple(map(large.index, large))


def terms(crossing: Crossing) -> F64:
    """What counts for and against each pairing of `tried`: float64 (pairings, terms), in the order of `TERMS`."""
    ports = by_area(crossing)[:_MAX_PORTS]
    chosen = _indicators(len(ports))
    is_chromosome = ~np.diag([port.is_stub for port in ports])
    n_chromosomes = chosen @ is_chromosome.ravel()
    several = n_chromosomes > 1
    pixels = crossing.pixels[:: -(-len(crossing.pixels) // _MOST_PIXELS)]
    covers = distances(ports, pixels, crossing.width) <= _STRIP
    depth = chosen @ (covers & is_chromosome[..., None]).reshape(len(ports) ** 2, -1)
    trust = min(1.0, crossing.area / _WHOLE_AREA)
    counted = (
        np.maximum(n_chromosomes - 2, 0),
        trust * ~several,
        (1 - trust) * several,
        several * np.maximum(2 - depth, 0).sum(axis=1) / len(pixels),
    )
    return np.column_stack([chosen @ _joints(ports).reshape(-1, 5), *counted])


def _joints(ports: list[Port]) -> F64:
    """Bend, swerve, pairs, welds and stubs of a port joined to another (a < b) or left alone: float64 (n, n, 5)."""
    joints = np.zeros((len(ports), len(ports), 5))
    for b, second in enumerate(ports):
        joints[b, b, 4] = second.area if second.is_stub else 0
        for a, first in enumerate(ports[:b]):
            joints[a, b, :4] = *joint(first, second), 1, first.weld == second.weld
    return joints


def joint(a: Port, b: Port) -> tuple[float, float]:
    """Bend and swerve in radians on the way from one arm to another."""
    bend = swerve = math.pi - _angle(a.away, b.away)
    over = (a.row - b.row, a.col - b.col)
    distance = math.hypot(*over)
    if distance > 2:
        way = (over[0] / distance, over[1] / distance)
        swerve = min(_angle(a.away, way), math.pi - _angle(b.away, way))
    return bend, swerve


@cache
def _indicators(n_ports: int) -> F64:
    """The matchings as float64 (matchings, n_ports²): 1 at (a, b) if a < b are paired, at (a, a) if a is alone."""
    matchings = _matchings(n_ports)
    chosen = np.zeros((len(matchings), n_ports, n_ports))
    chosen[:, np.arange(n_ports), np.arange(n_ports)] = 1
    for own, pairs in zip(chosen, matchings, strict=True):
        for a, b in pairs:
            own[a, b], own[a, a], own[b, b] = 1, 0, 0
    return chosen.reshape(len(matchings), -1)


@cache
def _matchings(n_ports: int) -> tuple[Matching, ...]:
    """All ways to pair some of the numbers 0 … n_ports - 1, none of them included."""
    return tuple(_match(tuple(range(n_ports))))


def _match(numbers: tuple[int, ...]) -> Iterator[Matching]:
    if not numbers:
        yield ()
        return
    first, rest = numbers[0], numbers[1:]
    yield from _match(rest)
    for partner in rest:
        for pairs in _match(tuple(number for number in rest if number != partner)):
            yield ((first, partner), *pairs)


def _angle(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Between two unit vectors, in radians."""
    return math.acos(max(-1.0, min(1.0, a[0] * b[0] + a[1] * b[1])))
