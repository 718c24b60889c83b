import hashlib
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromseg.annotations import assign_splits
from chromseg.annotations.splits import assign_fold, empty_splits_text


def place(name):
    """Where a case's name puts it between 0 and 1, exactly."""
    return Fraction(int(hashlib.sha256(name.encode()).hexdigest()[:16], 16), 2**64)


def test_a_case_falls_where_its_hash_puts_it():
    splits = assign_splits("cells", map(str, range(200)))
    for case, split in splits.items():
        at = place(f"cells/{case}")
        assert split == ("train" if at < Fraction(6, 10) else "val" if at < Fraction(8, 10) else "test")
    assert [splits[case] for case in ("1", "21", "0")] == ["train", "val", "test"]  # 0x1ff…, 0xa…, 0xd…: sha256sum


@given(st.sets(st.text(min_size=1, max_size=6)), st.sets(st.text(min_size=1, max_size=6)), st.text(max_size=4))
def test_growing_never_moves_a_case(old, new, name):
    before, after = assign_splits(name, old), assign_splits(name, old | new)
    assert {case: after[case] for case in old} == before


def test_order_and_repeats_of_images_do_not_matter():
    cases = [f"c{number}" for number in range(30)]
    assert assign_splits("a", cases) == assign_splits("a", [*reversed(cases), *cases[:7]])


def test_equal_case_numbers_of_two_sets_fall_apart():
    cases = [str(number) for number in range(40)]
    assert assign_splits("a", cases) != assign_splits("b", cases)


def test_many_cases_come_near_the_shares():
    found = Counter(assign_splits("x", map(str, range(2000))).values())
    assert found["train"] / 2000 == pytest.approx(0.6, abs=0.03)
    assert found["val"] / 2000 == pytest.approx(0.2, abs=0.03)


def test_other_shares_are_scaled_to_one():
    found = assign_splits("x", map(str, range(100)), shares=(50, 25, 25))
    assert found == assign_splits("x", map(str, range(100)), shares=(0.5, 0.25, 0.25))
    for case, split in found.items():
        assert (split == "train") == (place(f"x/{case}") < Fraction(1, 2))
    assert set(assign_splits("x", map(str, range(30)), shares=(0, 0, 1)).values()) == {"test"}
    assert set(assign_splits("x", map(str, range(30)), shares=(1, 1, 0)).values()) == {"train", "val"}


def test_empty_splits_are_told():
    assert empty_splits_text({"a": "train", "b": "val", "c": "test"}) is None
    assert empty_splits_text({"a": "train", "b": "train"}).startswith("of 2 cases none fell in val, none in test: ")


def test_every_case_is_tested_in_exactly_one_fold():
    cases = [f"cells/{number}" for number in range(23)]
    tested = [case for fold in range(5) for case, split in assign_fold(cases, fold, 5).items() if split == "test"]
    assert sorted(tested) == sorted(cases)
    first = Counter(assign_fold(cases, 0, 5).values())
    assert first["test"] in (4, 5) and first["val"] in (4, 5) and first.total() == 23
