"""Which of several explanations of the same pixels is better: the rule of the cascade (docs/cascade.md).

An explanation is a set of masks for a whole picture. The sets are broken into groups of masks that compete for the same
chromosomes, as small as they come, so that one quarrel in a large cluster does not decide the rest of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from chromseg.arrays import F32, F64, I32, I64, Bool
from chromseg.boxes import window_of
from chromseg.inference.found import Found, Verdict
from chromseg.metrics import mask_ious
from chromseg.metrics.splicing import assign
from chromseg.models.cascade import EVIDENCE, CascadeRule
from chromseg.partition.cluster import chromosome_width

PARTITION, DETECTOR = 0, 1  # places of the two witnesses among the explanations

_LEAST = 0.02  # probabilities are taken no closer to 0 and 1: no network is that certain
_AREA_SPREAD, _WIDTH_SPREAD = 0.6, 0.2  # sd of the logarithms within a metaphase of the training cases of `bioimlab`
_FARTHEST = 3.0  # sd from which on an unusual chromosome is no more unusual

Floats = F64


@dataclass(frozen=True)
class Group:
    """Masks that compete for the same chromosomes.

    Attributes:
        members: Per explanation the indices of its masks; perhaps none.
        window: Rows and columns around all of them.
        evidence: float64 (explanations, 6), in the order of `EVIDENCE`, larger is better.
    """

    members: tuple[list[int], ...]
    window: tuple[slice, slice]
    evidence: Floats

    def probabilities(self, rule: CascadeRule) -> Floats:
        """How probably each explanation is the best, float64 (explanations,): a logit of the weighted evidence."""
        logits = self.evidence @ np.array([getattr(rule, name) for name in EVIDENCE])
        odds = np.exp(logits - logits.max())
        return np.asarray(odds / odds.sum())


@dataclass(frozen=True)
class Debate:
    """All explanations of one picture and the tables in which they meet.

    Attributes:
        explanations: Of one picture: the partition's, the detector's, then others.
        chromosome: float32 (H, W), probability of being on a chromosome.
        crossing: float32 (H, W), probability that two lie there.
    """

    explanations: Sequence[Found]
    chromosome: F32
    crossing: F32

    @cached_property
    def maps(self) -> F32:
        """Both, float32 (2, H, W)."""
        return np.stack([self.chromosome, self.crossing])

    def groups(self, rule: CascadeRule) -> list[Group]:
        """The groups of competing masks, each with its evidence."""
        owners = np.concatenate([np.full(len(e.masks), k) for k, e in enumerate(self.explanations)])
        labels = self._labels(owners, rule.related)
        groups = []
        for label in range(labels.max(initial=-1) + 1):
            own = np.flatnonzero(labels == label)
            members = tuple([int(i - start) for i in own[owners[own] == k]] for k, start in enumerate(self._starts))
            window = window_of(np.asarray(self._masks[own].any(axis=0)))
            groups.append(self._with_evidence(Group(members, window, np.zeros(0))))
        return groups

    def _labels(self, owners: I64, related: float) -> I32:
        """By mask the number of its group: masks of different explanations that share much of the smaller one."""
        sums = self._areas[:, None] + self._areas[None]
        common = self._ious * sums / (1 + self._ious)
        shares = common / np.maximum(np.minimum(self._areas[:, None], self._areas[None]), 1)
        rivals = (shares >= related) & (owners[:, None] != owners[None])
        _, labels = connected_components(rivals, directed=False)
        return np.asarray(labels)

    def masks_of(self, k: int, group: Group) -> Bool:
        """The masks of explanation `k` in a group, bool (N, h, w) in its window."""
        return self.explanations[k].masks[group.members[k]][:, *group.window]

    def ious(self, k: int, other: int, group: Group) -> Floats:
        """IoU of the masks of explanation `k` with those of another in a group, float64 (N, M)."""
        rows, cols = (self._starts[each] + np.array(group.members[each], dtype=np.intp) for each in (k, other))
        return np.asarray(self._ious[np.ix_(rows, cols)])

    def beliefs_of(self, k: int, group: Group) -> Floats:
        """The scores of explanation `k` in a group, float64 (N,)."""
        return np.array([self.explanations[k].scores[index] for index in group.members[k]], dtype=np.float64)

    def _with_evidence(self, group: Group) -> Group:
        sets = [self.masks_of(k, group) for k in range(len(self.explanations))]
        region = np.asarray(np.concatenate(sets).any(axis=0))
        witnesses = [(witness, self.beliefs_of(witness, group)) for witness in (DETECTOR, PARTITION)]
        evidence = np.array(
            [
                [
                    self._likelihood(masks, group.window, region),
                    *(agreement(self.ious(k, witness, group), belief) for witness, belief in witnesses),
                    usual(masks.sum(axis=(1, 2)), self._usual[0], _AREA_SPREAD),
                    usual(np.array([chromosome_width(mask) for mask in masks]), self._usual[1], _WIDTH_SPREAD),
                    worth([self.explanations[k].verdicts[index] for index in group.members[k]]),
                ]
                for k, masks in enumerate(sets)
            ]
        )
        return replace(group, evidence=evidence)

    def _likelihood(self, masks: Bool, window: tuple[slice, slice], region: Bool) -> float:
        """Mean log likelihood, over the pixels of a group, of how many chromosomes lie there."""
        chromosome = np.clip(self.chromosome[window][region], _LEAST, 1 - _LEAST)
        crossing = np.clip(self.crossing[window][region], _LEAST, 1 - _LEAST)
        depth = np.minimum(masks.sum(axis=0)[region], 2)
        likely = np.choose(depth, [1 - chromosome, chromosome * (1 - crossing), chromosome * crossing])
        return float(np.log(likely).mean())

    @cached_property
    def _masks(self) -> Bool:
        return np.concatenate([explanation.masks for explanation in self.explanations])

    @cached_property
    def _areas(self) -> Floats:
        return np.asarray(self._masks.sum(axis=(1, 2)), dtype=np.float64)

    @cached_property
    def _starts(self) -> list[int]:
        """Index of the first mask of each explanation among all."""
        counts = [len(explanation.masks) for explanation in self.explanations]
        return [sum(counts[:k]) for k in range(len(counts))]

    @cached_property
    def _ious(self) -> Floats:
        return mask_ious(self._masks, self._masks)

    @cached_property
    def _usual(self) -> tuple[float, float]:
        """Median area and width of all masks of the picture."""
        widths = [chromosome_width(mask[window_of(mask)]) for mask in self._masks]
        return float(np.median(self._areas)), float(np.median(widths))


def agreement(ious: Floats, belief: Floats) -> float:
    """How far a set of masks says what a witness says, 0–1: Dice's coefficient with IoU for "the same mask".

    Args:
        ious: float64 (N, M), of N masks with the M of the witness.
        belief: float64 (M,), how far the witness is to be believed about each, 0–1.

    Returns:
        1 if both are empty, 0 if one is.
    """
    if not ious.size:
        return float(ious.shape == (0, 0))
    same = ious * belief
    return float((same.max(axis=1).sum() + same.max(axis=0).sum()) / (len(ious) + belief.sum()))


def usual(values: npt.NDArray[np.generic], typical: float, spread: float) -> float:
    """Mean log likelihood of sizes (N,) under a log-normal law, without its constant; 0 for none."""
    if not values.size:
        return 0.0
    distance = np.abs(np.log(np.maximum(values, 1) / max(typical, 1))) / spread
    return float(-0.5 * (np.minimum(distance, _FARTHEST) ** 2).mean())


def worth(verdicts: Sequence[Verdict | None]) -> float:
    """What a verifier finds masks worth: 1 for one that is a chromosome, −1 for one that is none, 0 without a verdict.

    By IoU, not by the probability of a right outline: a bad outline of a chromosome is better than none, for it counts.
    """
    return float(sum(2 * each.iou - 1 for each in verdicts if each is not None))


def alike(ious: Floats, least: float) -> bool:
    """Whether two sets, of which IoUs float64 (N, M) are given, are the same chromosomes one by one."""
    return ious.shape[0] == ious.shape[1] and bool((assign(ious)[1] >= least).all())
