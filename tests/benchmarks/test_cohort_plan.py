"""The simulation of a cohort against what can be worked out by hand."""

from __future__ import annotations

import pytest

from benchmarks.cohort import Costs, Machines, plans, simulate

COSTS = Costs(megabytes=1.0, before=0.2, network=0.6, after=0.2)


def test_workers_without_anything_to_wait_for_share_the_work() -> None:
    quick = Machines(1, line=1e9, start=5.0)
    assert simulate(COSTS, quick, 100, spread=0.0) == pytest.approx(5 + 100 * 1.0)
    assert simulate(COSTS, Machines(10, line=1e9, start=5.0), 100, spread=0.0) == pytest.approx(5 + 100 / 10)
    uneven = simulate(COSTS, Machines(10, line=1e9, start=0.0), 5000, spread=0.5, seed=1)
    assert uneven == pytest.approx(5000 / 10, rel=0.05), "the mean counts, not how it spreads"


def test_a_block_stays_with_the_worker_that_took_it() -> None:
    two = Machines(2, line=1e9, start=0.0)
    assert simulate(COSTS, two, 60, spread=0.0, blocks=7) == pytest.approx(9 + 9 + 8 + 8), "four blocks of seven"
    assert simulate(COSTS, two, 3, spread=0.0, blocks=1) == pytest.approx(3)
    assert simulate(COSTS, two, 60, spread=0.0) == pytest.approx(30)


def test_a_narrow_line_and_a_busy_gpu_set_the_pace() -> None:
    narrow = Machines(64, line=4.0, start=0.0)
    assert simulate(COSTS, narrow, 400) == pytest.approx(400 / 4, rel=0.05)
    on_gpu = Costs(megabytes=0.0, before=0.2, network=0.05, after=0.2)
    assert simulate(on_gpu, Machines(64, gpus=1, start=0.0), 2000) == pytest.approx(2000 * 0.05, rel=0.05)
    assert simulate(on_gpu, Machines(4, gpus=1, start=0.0), 2000, spread=0.0) == pytest.approx(
        2000 * 0.45 / 4, rel=0.05
    ), "few workers leave it idle"


def test_a_long_cohort_is_as_a_short_one_many_times() -> None:
    ((workers, hours, money, files), *_) = plans(COSTS, 1_000_000, price=0.1)
    assert workers == 2 and hours == pytest.approx(1_000_000 * 1.0 / 2 / 3600, rel=0.02)
    assert money == pytest.approx(2 * hours * 0.1) and files == 2 * 3907
