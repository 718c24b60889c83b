import numpy as np
import pytest

from chromseg.metrics import bootstrap_by_case


def mean(values):
    return float(np.mean(values)) if values else None


def test_equal_values_leave_no_width():
    assert bootstrap_by_case([0.5] * 4, list("aabb"), mean) == (0.5, 0.5)


def test_two_cases_give_one_or_the_other_or_both():
    # three equally likely mixtures would be 1/4, 1/2, 1/4: the ends at 95 % are the two pure ones
    assert bootstrap_by_case([0, 0, 1, 1], list("aabb"), mean) == (0, 1)


def test_the_interval_is_that_of_the_normal_law_for_many_cases():
    values = list(np.random.default_rng(1).normal(0, 1, 400))
    low, high = bootstrap_by_case(values, [str(n) for n in range(400)], mean)
    assert (high - low) / 2 == pytest.approx(1.96 * np.std(values) / 20, rel=0.1)
    assert low < np.mean(values) < high


def test_images_of_one_case_widen_the_interval():
    values = [n % 2 for n in range(20) for _ in range(5)]  # 20 cases of 5 like images
    by_case = bootstrap_by_case(values, [str(n) for n in range(20) for _ in range(5)], mean)
    by_image = bootstrap_by_case(values, [str(n) for n in range(100)], mean)
    assert by_case.high - by_case.low > 1.8 * (by_image.high - by_image.low)


def test_the_seed_decides():
    values, cases = list(range(9)), list("abcdefghi")
    assert bootstrap_by_case(values, cases, mean, seed=3) == bootstrap_by_case(values, cases, mean, seed=3)
    assert bootstrap_by_case(values, cases, mean, n=50, seed=3) != bootstrap_by_case(values, cases, mean, n=50, seed=4)


def test_drawings_without_a_figure_are_dropped():
    for nothing in (None, float("nan")):
        only_b = lambda values, nothing=nothing: float(max(values)) if max(values) else nothing  # noqa: E731
        assert bootstrap_by_case([0, 1], list("ab"), only_b) == (1, 1)
        assert bootstrap_by_case([0, 0], list("ab"), only_b) is None
    assert bootstrap_by_case([], [], mean) is None
