"""From parts and pairings to one mask per chromosome, by union-find over the parts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from chromseg.arrays import Bool
from chromseg.partition.parts import Parts
from chromseg.partition.ports import Crossing
from chromseg.partition.strips import share_out


class Forest:
    """Union-find over the numbers 0 … n - 1."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))

    def root(self, item: int) -> int:
        """The representative of `item`'s tree."""
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def join(self, a: int, b: int) -> None:
        """Make one tree of two; the smaller root stays."""
        low, high = sorted((self.root(a), self.root(b)))
        self.parent[high] = low


def group_parts(n_free: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Free parts 1 … n_free that belong to one chromosome, in order of their smallest label."""
    forest = Forest(n_free + 1)
    for a, b in pairs:
        forest.join(a, b)
    groups: dict[int, list[int]] = {}
    for part in range(1, n_free + 1):
        groups.setdefault(forest.root(part), []).append(part)
    return list(groups.values())


def draw(parts: Parts, groups: list[list[int]], crossings: list[list[int]]) -> Bool:
    """Masks bool (N, H, W): each group's free parts and the crossing parts it runs through."""
    masks = np.zeros((len(groups), *parts.free.shape), dtype=bool)
    for mask, group, through in zip(masks, groups, crossings, strict=True):
        free_table = np.zeros(parts.n_free + 1, dtype=bool)
        free_table[group] = True
        crossing_table = np.zeros(parts.n_crossing + 1, dtype=bool)
        crossing_table[through] = True
        mask[:] = free_table[parts.free] | crossing_table[parts.crossing]
    return masks


def share_crossings(masks: Bool, parts: Parts, groups: list[list[int]], crossings: list[Crossing]) -> None:
    """Take from masks bool (N, H, W), in place, what they do not cover of crossings where three or more meet."""
    for label, crossing in enumerate(crossings, start=1):
        ports = [[port for port in crossing.ports if port.part in group] for group in groups]
        there = [index for index, own in enumerate(ports) if own]
        if len(there) > 2:
            covered = share_out([ports[index] for index in there], crossing.pixels, crossing.width)
            for index, own in zip(there, covered, strict=True):
                masks[index][parts.crossing == label] = own
