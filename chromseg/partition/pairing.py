"""Which arms at a crossing belong together: solved over the whole crossing, not arm by arm.

Two chromosomes cross, so four ports make two pairs (X), three make one pair and one end (T), two are two ends (L): a
lone end is never joined to the nearest arm. Of all ways to pair the ports the one of least total bending and least
change of width and brightness wins; its lead over the next best is the confidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from chromseg.partition.ports import Port

Pair: TypeAlias = tuple[int, int]

_CHOICES = 4  # pairings of one crossing that are weighed against those of the others
_MAX_PORTS = 6  # more arms than this meet only in predicted noise; the smallest are then left-overs
_WHOLE_AREA = 0.35  # squared chromosome widths from which a crossing is surely one

# All costs in radians of bending.
_WIDTH_WEIGHT = 0.3  # of one arm e times as wide as the other
_SHADE_WEIGHT = 0.5  # of a difference in absorbance of 1
_WELD_GAIN = 0.7  # for joining arms that are joined around the crossing as well
_STUB_COST = 3.0  # of a stub of one squared width that finds no partner
_COUNT_COST = 1.5  # of one chromosome more or fewer than two
_SPECK_COST = 0.3  # of taking a speck of the crossing map for a crossing


@dataclass(frozen=True)
class Pairing:
    """How the ports of one crossing are joined.

    Attributes:
        pairs: Parts that are joined, stubs to the arm that they lengthen included.
        n_chromosomes: How many chromosomes meet.
        cost: In radians of bending.
        confidence: 0.5–1, from the lead over the next best pairing.
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
    costs = {(a, b): joint_cost(tried[a], tried[b]) for a in range(len(tried)) for b in range(a + 1, len(tried))}
    scored = sorted((_total(pairs, tried, costs, area), pairs) for pairs in _matchings(len(tried)))
    best, second = scored[0][0], scored[1][0] if len(scored) > 1 else math.inf
    return [_pairing(ports, tried, pairs, cost, second if cost == best else best) for cost, pairs in scored[:_CHOICES]]


def _pairing(ports: list[Port], tried: list[Port], pairs: tuple[Pair, ...], cost: float, rival: float) -> Pairing:
    """Name the parts that a matching joins, and join what is left over to the arm that it lengthens."""
    lone = _lone(pairs, tried)
    hosts = [port for port in tried if port not in lone or not port.is_stub]
    joined = [(tried[a].part, tried[b].part) for a, b in pairs]
    if hosts:
        stubs = [port for port in ports if port not in hosts]
        joined += [(stub.part, min(hosts, key=lambda host: joint_cost(stub, host)).part) for stub in stubs]
    n_chromosomes = len(pairs) + sum(not port.is_stub for port in lone)
    confidence = 1 - 0.5 * math.exp(-2 * (rival - cost)) if rival > cost else 0.5
    return Pairing(tuple(joined), n_chromosomes, cost, confidence)


def joint_cost(a: Port, b: Port) -> float:
    """How unlike one chromosome two arms are: bending on the way through, change of width and of brightness."""
    turn = _angle(a.away, (-b.away[0], -b.away[1]))
    over = (a.row - b.row, a.col - b.col)
    if math.hypot(*over) > 2:
        turn = max(turn, _angle(a.away, over), _angle(b.away, (-over[0], -over[1])))
    gain = _WELD_GAIN if a.weld == b.weld else 0.0
    return turn + _WIDTH_WEIGHT * abs(math.log(a.width / b.width)) + _SHADE_WEIGHT * abs(a.shade - b.shade) - gain


def _total(pairs: tuple[Pair, ...], ports: list[Port], costs: dict[Pair, float], area: float) -> float:
    lone = _lone(pairs, ports)
    stubs = sum(port.area for port in lone if port.is_stub)
    n_chromosomes = len(pairs) + sum(not port.is_stub for port in lone)
    trust = min(1.0, area / _WHOLE_AREA)
    odd = _COUNT_COST * trust  # of there being no crossing at all
    if n_chromosomes > 1:
        odd = _COUNT_COST * (n_chromosomes - 2) + _SPECK_COST * (1 - trust)
    return sum(costs[pair] for pair in pairs) + _STUB_COST * stubs + odd


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
