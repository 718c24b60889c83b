"""Several crossings in one cluster: the pairings must make sense together.

The chromosomes that meet at a crossing are different ones, and a chromosome is a line: it has two ends, so no part
of it leads on in three directions. Where the best pairings of the single crossings break this, the next best are tried.
"""

from __future__ import annotations

from itertools import product

from chromseg.partition.pairing import Pairing, rank
from chromseg.partition.ports import Crossing, Port
from chromseg.partition.reconstruct import Forest

_CONFLICT_COST = 3.0  # log-odds that avoiding one conflict is worth
_MOST_COMBINATIONS = 256


def solve_together(crossings: list[Crossing], n_free: int) -> list[Pairing]:
    """The pairing of every crossing such that all together cost least."""
    ports = [crossing.ports for crossing in crossings]
    choices = [rank(crossing) for crossing in crossings]
    best = [options[0] for options in choices]
    if len(best) < 2 or not _conflicts(best, ports, n_free):
        return best
    while _size(choices) > _MOST_COMBINATIONS:
        longest = max(choices, key=len)
        choices = [options[:-1] if options is longest else options for options in choices]
    return list(min(product(*choices), key=lambda pairings: _cost(list(pairings), ports, n_free)))


def _size(choices: list[list[Pairing]]) -> int:
    size = 1
    for options in choices:
        size *= len(options)
    return size


def _cost(pairings: list[Pairing], ports: list[list[Port]], n_free: int) -> float:
    return sum(pairing.cost for pairing in pairings) + _CONFLICT_COST * _conflicts(pairings, ports, n_free)


def _conflicts(pairings: list[Pairing], ports: list[list[Port]], n_free: int) -> int:
    """How many chromosomes too few meet at the crossings, and how many ways too many lead on from a part."""
    forest, degree = Forest(n_free + 1), [0] * (n_free + 1)
    for pairing in pairings:
        for a, b in pairing.pairs:
            forest.join(a, b)
            degree[a] += 1
            degree[b] += 1
    stubs = {port.part for at in ports for port in at if port.is_stub}
    branches = sum(max(0, count - 2) for part, count in enumerate(degree) if part not in stubs)
    missing = 0
    for pairing, at in zip(pairings, ports, strict=True):
        missing += max(0, pairing.n_chromosomes - len({forest.root(port.part) for port in at}))
    return missing + branches
