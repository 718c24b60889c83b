"""Case-wise 6:2:2 splits that need no random number and do not move when cases are added elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

SPLITS = ("train", "val", "test")


def assign_splits(
    dataset: str, case_ids: Iterable[str], shares: tuple[float, float, float] = (0.6, 0.2, 0.2)
) -> dict[str, str]:
    """Give every case a split (UCRD-Net §3.1).

    Cases are ordered by SHA-256 of `<dataset>/<case_id>`; the first 60 % train, the next 20 % val, the rest test.
    Splits are cut at rounded counts.

    Args:
        dataset: The dataset's name; it enters the hash, so that equal case numbers of two labs fall apart.
        case_ids: Case of each image; repeats are one case.
        shares: Shares of train, val and test; they are scaled to sum to one.

    Returns:
        split of each case, in hash order.
    """
    ordered = _in_hash_order(f"{dataset}/{case}" for case in case_ids)
    first = round(len(ordered) * shares[0] / sum(shares))
    second = round(len(ordered) * (shares[0] + shares[1]) / sum(shares))
    names = ["train"] * first + ["val"] * (second - first) + ["test"] * (len(ordered) - second)
    return {case.removeprefix(f"{dataset}/"): name for case, name in zip(ordered, names, strict=True)}


def assign_fold(case_ids: Iterable[str], fold: int, folds: int) -> dict[str, str]:
    """Give every case a split for one turn of a cross-validation: part `fold` tests, the next validates, others train.

    Args:
        case_ids: `<dataset>/<case_id>` of each image; repeats are one case.
        fold: 0 to `folds` - 1.
        folds: Number of parts, at least 3; cases are dealt to them in hash order.
    """
    parts = {case: rank % folds for rank, case in enumerate(_in_hash_order(case_ids))}
    names = {fold: "test", (fold + 1) % folds: "val"}
    return {case: names.get(part, "train") for case, part in parts.items()}


def _in_hash_order(cases: Iterable[str]) -> list[str]:
    return sorted(set(cases), key=lambda case: hashlib.sha256(case.encode()).hexdigest())
