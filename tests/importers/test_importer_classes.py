import pytest

from chromseg.errors import DataError
from chromseg.importers.classes import KARYOTYPE, class_of
from chromseg.importers.source import ImportOptions


def test_the_karyotype_has_24_classes_in_two_notations():
    assert len(set(KARYOTYPE)) == 22 * 2 + 2
    assert {"A1", "C12", "G22", "1", "22", "X", "Y"} <= set(KARYOTYPE) and "A4" not in KARYOTYPE


@pytest.mark.parametrize("label", ["chr", "Chromosome", "chromosomes", "CHR"])
def test_plain_names_are_one_class(label):
    assert class_of(label, ImportOptions()) == "chromosome"


@pytest.mark.parametrize("label", ["A1", "g22", "7", "X", "chr7", "chrX", "chr_A3"])
def test_karyotype_names_stay_as_they_are(label):
    assert class_of(label, ImportOptions()) == label


@pytest.mark.parametrize("label", ["nucleus", "", "25", "0", "A9", "Z", "chrZ", "background"])
def test_other_names_are_refused_with_both_ways_out(label):
    with pytest.raises(DataError, match=f"unknown class '{label}'.*--classes {label}.*--ignore {label}"):
        class_of(label, ImportOptions())


def test_names_can_be_declared_or_ignored():
    options = ImportOptions(classes=("marker",), ignore=("chr", "nucleus"))
    assert class_of("marker", options) == "marker"
    assert class_of("nucleus", options) is None and class_of("chr", options) is None


@pytest.mark.parametrize(("label", "expected"), [("23", "X"), ("24", "Y"), ("chr23", "X"), ("22", "22")])
def test_sets_that_number_all_classes_have_x_and_y_last(label, expected):
    assert class_of(label, ImportOptions()) == expected
