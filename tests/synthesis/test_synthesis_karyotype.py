"""The karyotype table: known proportions, same bands for the same type, whole cells."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from chromseg.errors import DataError
from chromseg.synthesis.karyotype import CHROMOSOME_TYPES, draw_karyotype

BY_NAME = {kind.name: kind for kind in CHROMOSOME_TYPES}


def test_all_24_types_in_order():
    assert [kind.name for kind in CHROMOSOME_TYPES] == [*map(str, range(1, 23)), "X", "Y"]


def test_lengths_sum_to_the_human_genome_and_chromosome_1_is_five_times_21():
    assert sum(kind.length for kind in CHROMOSOME_TYPES) == pytest.approx(3095, abs=10)  # Mb, hg19
    assert BY_NAME["1"].length / BY_NAME["21"].length == pytest.approx(5.2, abs=0.05)


def test_centromeres_lie_where_the_short_arm_ends():
    shares = {name: kind.centromere / kind.length for name, kind in BY_NAME.items()}
    assert shares["1"] == pytest.approx(0.5, abs=0.01)  # metacentric
    assert max(shares[name] for name in ("13", "14", "15")) < 0.2  # acrocentric
    for kind in CHROMOSOME_TYPES:
        step = int(kind.centromere / kind.length * len(kind.bands))
        assert "c" in kind.bands[step - 1 : step + 2], kind.name


def test_every_step_is_2_5_mb_and_every_letter_has_a_stain():
    for kind in CHROMOSOME_TYPES:
        assert len(kind.bands) == round(kind.length / 2.5) or abs(len(kind.bands) - kind.length / 2.5) < 1, kind.name
        for bands in (kind.g_bands, kind.q_bands):
            assert bands.shape == (len(kind.bands),)
            assert bands.min() >= 0
            assert bands.max() <= 1


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_whole_cell_has_two_homologues_of_each_autosome_and_a_pair_of_sex_chromosomes(seed):
    cell = Counter(kind.name for kind in draw_karyotype(np.random.default_rng(seed)))
    assert cell.total() == 46
    assert all(cell[str(number)] == 2 for number in range(1, 23))
    assert (cell["X"], cell["Y"]) in {(2, 0), (1, 1)}


def test_both_sexes_occur():
    assert {draw_is_male(seed) for seed in range(12)} == {True, False}


def draw_is_male(seed: int) -> bool:
    return any(kind.name == "Y" for kind in draw_karyotype(np.random.default_rng(seed)))


@pytest.mark.parametrize("count", [0, 47])
def test_a_number_that_no_cell_has_is_refused(count):
    with pytest.raises(DataError, match=f"{count} chromosomes .* expected 1 to 46"):
        draw_karyotype(np.random.default_rng(0), count)
