"""Case-wise 6:2:2 splits that need no random number, and that no other case can move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TypeAlias

SPLITS = ("train", "val", "test")
Shares: TypeAlias = tuple[float, float, float]
USUAL_SHARES: Shares = (0.6, 0.2, 0.2)


def split_of(dataset: str, case: str, shares: Shares = USUAL_SHARES) -> str:
    """The split of a case: it follows from its own name alone, so that a set that grows never moves it.

    The first 8 bytes of SHA-256 of `<dataset>/<case>`, as a share of 2^64, fall below 0.6 for train, below 0.8 for
    val, else it is test (UCRD-Net §3.1).

    Args:
        dataset: The dataset's name; it enters the hash, so that equal case numbers of two labs fall apart.
        case: Case, or group of cases.
        shares: Shares of train, val and test; they are scaled to sum to one.
    """
    digest = hashlib.sha256(f"{dataset}/{case}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64 * sum(shares)
    if place < shares[0]:
        return "train"
    return "val" if place < shares[0] + shares[1] else "test"


def assign_splits(dataset: str, cases: Iterable[str], shares: Shares = USUAL_SHARES) -> dict[str, str]:
    """The split of every case by `split_of`; with few cases a split may stay empty."""
    return {case: split_of(dataset, case, shares) for case in cases}


def empty_splits_text(splits: Mapping[str, str]) -> str | None:
    """The message about splits that no case fell into, given the split of each case; None if there are none."""
    empty = [split for split in SPLITS if split not in splits.values()]
    if not empty:
        return None
    return (
        f"of {len(splits)} cases none fell in {', none in '.join(empty)}: the split of a case follows from its name, "
        "so that it never moves"
    )


def assign_fold(cases: Iterable[str], fold: int, folds: int) -> dict[str, str]:
    """Give every case a split for one turn of a cross-validation: part `fold` tests, the next validates, others train.

    Args:
        cases: `<dataset>/<case>` of each image, the group in place of cases that have one; repeats are one case.
        fold: 0 to `folds` - 1.
        folds: Number of parts, at least 3; cases are dealt to them in hash order.
    """
    ordered = sorted(set(cases), key=lambda case: hashlib.sha256(case.encode()).hexdigest())
    parts = {case: rank % folds for rank, case in enumerate(ordered)}
    names = {fold: "test", (fold + 1) % folds: "val"}
    return {case: names.get(part, "train") for case, part in parts.items()}
