"""Counts and marks of a karyogram."""

from __future__ import annotations

import numpy as np

from chromseg.karyogram.classes import CLASSES
from chromseg.karyogram.karyogram import Given, karyogram_of


def answers_for(names: list[str], share: float = 0.98) -> np.ndarray:
    """Answers float32 (N, 24, 2), nearly sure, upright."""
    table = np.full((len(names), 24, 2), (1 - share) / 47, dtype=np.float32)
    table[np.arange(len(names)), [CLASSES.index(name) for name in names], 0] = share
    return table


AUTOSOMES = [*map(str, range(1, 23))] * 2


def test_a_man_and_a_woman_are_counted() -> None:
    assert karyogram_of(answers_for([*AUTOSOMES, "X", "Y"])).count == "46,XY"
    assert karyogram_of(answers_for([*AUTOSOMES, "X", "X"])).count == "46,XX"
    assert karyogram_of(answers_for([])).count == "0,?"


def test_a_third_and_a_missing_autosome_are_told_beside_the_count() -> None:
    karyogram = karyogram_of(answers_for([*AUTOSOMES[:-1], "21", "X", "X"], 0.999))
    assert karyogram.count == "46,XX" and karyogram.unusual == {"21": 3, "22": 1}


def test_a_class_holds_the_numbers_of_its_annotations() -> None:
    karyogram = karyogram_of(answers_for(["3", "X", "3"]))
    assert [each.number for each in karyogram.of("3")] == [1, 3]


def test_the_end_that_is_up_is_that_of_the_class_given() -> None:
    answers = answers_for(["3", "5"])
    answers[1] = answers[1, :, ::-1]
    assert [each.upside_down for each in karyogram_of(answers).chromosomes] == [False, True]


def test_what_is_unsure_is_marked_and_counted() -> None:
    answers = answers_for(["3", "5"])
    answers[0] = 0.01
    answers[0, [8, 9], 0] = 0.26, 0.25
    karyogram = karyogram_of(answers)
    assert [each.unsure for each in karyogram.chromosomes] == [True, False] and karyogram.unsure == 1


def test_what_a_person_says_stands_and_the_others_are_placed_around_it() -> None:
    """Two that look like chromosome 1 leave no place there once a person has put two others into it."""
    answers = answers_for(["1", "1", "3", "3"], 0.6)
    answers[:2, CLASSES.index("2"), 0] = 0.3
    usual = karyogram_of(answers)
    told = karyogram_of(answers, [Given(), Given(), Given("1"), Given("1", upside_down=True)])
    assert [each.name for each in usual.chromosomes] == ["1", "1", "3", "3"]
    assert [each.name for each in told.chromosomes] == ["2", "2", "1", "1"]
    assert [each.by_person for each in told.chromosomes] == [False, False, True, True]
    assert [each.upside_down for each in told.chromosomes] == [False, False, False, True]
    assert not told.chromosomes[2].unsure and told.chromosomes[2].sureness == 1


def test_a_person_may_put_as_many_into_a_place_as_there_are() -> None:
    told = karyogram_of(answers_for(["3"] * 9), [Given("21")] * 9)
    assert [each.name for each in told.chromosomes] == ["21"] * 9


def test_its_json_says_that_it_is_no_diagnosis() -> None:
    told = karyogram_of(answers_for(["3", "Y"])).to_json()
    assert "not a diagnosis" in told["note"] and told["count"] == "2,Y"
    assert told["chromosomes"][0]["name"] == "3" and told["chromosomes"][0]["number"] == 1
