"""Which arms at a crossing belong together: solved over the whole crossing, not arm by arm.

Two chromosomes cross, so four ports make two pairs (X), three make one pair and one end (T), two are two ends (L): a
lone end is never joined to the nearest arm. Of all ways to pair the ports the one of least total cost wins: bending,
stubs left over, chromosomes too many or too few. Its probability among all of them is the confidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeAlias

from chromseg.partition.ports import Port

Pair: TypeAlias = tuple[int, int]

_CHOICES = 4  # pairings of one crossing that are weighed against those of the others
_MAX_PORTS = 6  # more arms than this meet only in predicted noise; the smallest are then left-overs
_WHOLE_AREA = 0.35  # squared chromosome widths from which a crossing is surely one

# What a pairing costs, in log-odds: a choice model (softmax over the pairings of a crossing), fitted on cases other
# than test and on random laid clusters, with true and with disturbed maps. `benchmarks/fit_partition.py` repeats it
# on other laid clusters; its weights did one or two points worse on train and val, so these stayed. Width and
# brightness of the arms were tried as well and got no weight.
TERMS = {
    "bend": 0.96,  # angle between the ways that two joined arms leave, radians
    "swerve": 1.5,  # angle between the straighter arm and the line from port to port, radians
    "pairs": -1.71,  # how many
    "welds": -2.22,  # pairs of arms that are joined around the crossing as well
    "stubs": 3.53,  # area of stubs without a partner, squared widths
    "crowd": 3.83,  # chromosomes more than two
    "alone": 3.65,  # one chromosome only, that is, no crossing at all; less in a small one
    "sliver": -2.7,  # two chromosomes at a crossing that hardly has an area: they touch there
}
_WEIGHTS = tuple(TERMS.values())


@dataclass(frozen=True)
class Pairing:
    """How the ports of one crossing are joined.

    Attributes:
        pairs: Parts that are joined, stubs to the arm that they lengthen included.
        n_chromosomes: How many chromosomes meet.
        cost: Negative log-odds.
        confidence: 0–1, its probability among all pairings of the crossing.
    """

    pairs: tuple[Pair, ...]
    n_chromosomes: int
    cost: float
    confidence: float


def solve(ports: list[Port], area: float = 1.0) -> Pairing:
    """The cheapest pairing of the ports of one crossing of `area` squared widths; no ports make an empty pairing."""
    return rank(ports, area)[0]


def rank(ports: list[Port], area: float) -> list[Pairing]:
    """The cheapest pairings of the ports of one crossing, the best first, at most `_CHOICES`."""
    tried = sorted(ports, key=lambda port: -port.area)[:_MAX_PORTS]
    scored = sorted((_cost(pairs, tried, area), pairs) for pairs in _matchings(len(tried)))
    everything = sum(math.exp(scored[0][0] - cost) for cost, _ in scored)
    return [
        _pairing(ports, tried, pairs, cost, math.exp(scored[0][0] - cost) / everything)
        for cost, pairs in scored[:_CHOICES]
    ]


def _pairing(ports: list[Port], tried: list[Port], pairs: tuple[Pair, ...], cost: float, confidence: float) -> Pairing:
    """Name the parts that a matching joins, and join what is left over to the arm that it lengthens."""
    lone = _lone(pairs, tried)
    hosts = [port for port in tried if port not in lone or not port.is_stub]
    joined = [(tried[a].part, tried[b].part) for a, b in pairs]
    if hosts:
        stubs = [port for port in ports if port not in hosts]
        joined += [(stub.part, min(hosts, key=lambda host: sum(_joint(stub, host)[:2])).part) for stub in stubs]
    n_chromosomes = len(pairs) + sum(not port.is_stub for port in lone)
    return Pairing(tuple(joined), n_chromosomes, cost, confidence)


def terms(pairs: tuple[Pair, ...], ports: list[Port], area: float) -> tuple[float, ...]:
    """What counts for and against a pairing, in the order of `TERMS`."""
    lone = _lone(pairs, ports)
    joints = [_joint(ports[a], ports[b]) for a, b in pairs]
    n_chromosomes = len(pairs) + sum(not port.is_stub for port in lone)
    trust = min(1.0, area / _WHOLE_AREA)
    return (
        sum(bend for bend, _, _ in joints),
        sum(swerve for _, swerve, _ in joints),
        len(pairs),
        sum(weld for _, _, weld in joints),
        sum(port.area for port in lone if port.is_stub),
        max(0, n_chromosomes - 2),
        trust if n_chromosomes < 2 else 0.0,
        1 - trust if n_chromosomes > 1 else 0.0,
    )


@lru_cache(maxsize=256)
def _joint(a: Port, b: Port) -> tuple[float, float, bool]:
    """Bend and swerve in radians on the way from one arm to another, and whether they are welded."""
    bend = swerve = _angle(a.away, (-b.away[0], -b.away[1]))
    over = (a.row - b.row, a.col - b.col)
    if math.hypot(*over) > 2:
        swerve = min(_angle(a.away, over), _angle(b.away, (-over[0], -over[1])))
    return bend, swerve, a.weld == b.weld


def _cost(pairs: tuple[Pair, ...], ports: list[Port], area: float) -> float:
    return sum(weight * term for weight, term in zip(_WEIGHTS, terms(pairs, ports, area), strict=True))


def _lone(pairs: tuple[Pair, ...], ports: list[Port]) -> list[Port]:
    joined = {index for pair in pairs for index in pair}
    return [port for index, port in enumerate(ports) if index not in joined]


@cache
def _matchings(n_ports: int) -> tuple[tuple[Pair, ...], ...]:
    """All ways to pair some of the numbers 0 … n_ports - 1, none of them included."""
    return tuple(_match(tuple(range(n_ports))))


def _match(numbers: tuple[int, ...]) -> Iterator[tuple[Pair, ...]]:
    if not numbers:
        yield ()
        return
    first, rest = numbers[0], numbers[1:]
    yield from _match(rest)
    for partner in rest:
        for pairs in _match(tuple(number for number in rest if number != partner)):
            yield ((first, partner), *pairs)


def _angle(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Between two vectors that are not zero, in radians."""
    cosine = (a[0] * b[0] + a[1] * b[1]) / (math.hypot(*a) * math.hypot(*b))
    return math.acos(max(-1.0, min(1.0, cosine)))
