import hashlib
from collections import Counter

import pytest

from chromseg.annotations import SPLITS, assign_splits
from chromseg.annotations.splits import assign_fold


def test_cases_are_cut_at_60_and_80_percent_of_the_hash_order():
    cases = [str(number) for number in range(10)]
    ordered = sorted(cases, key=lambda case: hashlib.sha256(f"cells/{case}".encode()).hexdigest())
    splits = assign_splits("cells", cases)
    assert [splits[case] for case in ordered] == ["train"] * 6 + ["val"] * 2 + ["test"] * 2


def test_order_and_repeats_of_images_do_not_matter():
    cases = [f"c{number}" for number in range(30)]
    assert assign_splits("a", cases) == assign_splits("a", [*reversed(cases), *cases[:7]])


def test_equal_case_numbers_of_two_sets_fall_apart():
    cases = [str(number) for number in range(40)]
    assert assign_splits("a", cases) != assign_splits("b", cases)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 1, 0)), (3, (2, 0, 1)), (5, (3, 1, 1)), (88, (53, 17, 18))],
)
def test_small_numbers_of_cases(count, expected):
    found = Counter(assign_splits("x", map(str, range(count))).values())
    assert tuple(found[split] for split in SPLITS) == expected


def test_other_shares_are_scaled_to_one():
    found = Counter(assign_splits("x", map(str, range(100)), shares=(50, 25, 25)).values())
    assert found == {"train": 50, "val": 25, "test": 25}
    assert set(assign_splits("x", ["a", "b"], shares=(0, 0, 1)).values()) == {"test"}


def test_the_rest_stays_when_cases_are_added_to_another_set():
    before = assign_splits("a", map(str, range(20)))
    assign_splits("b", map(str, range(20, 50)))
    assert assign_splits("a", map(str, range(20))) == before


def test_every_case_is_tested_in_exactly_one_fold():
    cases = [f"cells/{number}" for number in range(23)]
    tested = [case for fold in range(5) for case, split in assign_fold(cases, fold, 5).items() if split == "test"]
    assert sorted(tested) == sorted(cases)
    first = Counter(assign_fold(cases, 0, 5).values())
    assert first["test"] in (4, 5) and first["val"] in (4, 5) and first.total() == 23
