import numpy as np
import pytest

from chromseg.errors import MaskError
from chromseg.metrics import match_instances, splice_quality, well_spliced


def bars(*columns, length=10, size=32):
    """One mask per column: a bar of 2 × `length` px."""
    masks = np.zeros((len(columns), size, size), dtype=bool)
    for mask, col in zip(masks, columns, strict=True):
        mask[4 : 4 + length, col : col + 2] = True
    return masks


def test_matching_finds_the_order():
    pairs, ious = match_instances(bars(20, 4, 12), bars(4, 12, 20))
    assert pairs.tolist() == [[0, 2], [1, 0], [2, 1]]
    assert ious.tolist() == [1, 1, 1]


def test_matching_prefers_the_best_sum_to_the_first_come():
    truth = bars(4, 6)
    wide = (truth[0] | truth[1])[None]  # half of each
    pairs, ious = match_instances(np.concatenate([wide, truth[:1]]), truth)
    assert pairs.tolist() == [[0, 1], [1, 0]]
    assert ious.tolist() == [0.5, 1.0]


def test_matching_of_unequal_numbers_leaves_the_rest_alone():
    pairs, ious = match_instances(bars(12), bars(4, 12, 20))
    assert pairs.tolist() == [[0, 1]] and ious.tolist() == [1]
    assert match_instances(bars(), bars(4))[0].shape == (0, 2)


@pytest.mark.parametrize(("length", "quality"), [(10, 1.0), (9, 0.9), (8, 0.8), (7, 0.7)])
def test_quality_is_the_lowest_iou(length, quality):
    pred = np.concatenate([bars(4), bars(12, length=length)])
    assert splice_quality(pred, bars(12, 4)) == quality
    assert well_spliced(pred, bars(12, 4), quality)
    assert not well_spliced(pred, bars(12, 4), quality + 1e-9)


def test_another_number_of_chromosomes_is_never_well_spliced():
    assert splice_quality(bars(4, 12), bars(4)) == 0
    assert splice_quality(bars(4), bars(4, 12)) == 0
    assert splice_quality(bars(), bars(4)) == 0
    assert not well_spliced(bars(), bars(4), 0.01)


def test_nothing_there_and_nothing_made_is_right():
    assert splice_quality(bars(), bars()) == 1


def test_a_refused_cluster_is_not_well_spliced_at_any_threshold():
    assert splice_quality(bars(4), bars(4), refused=True) == 0
    assert not well_spliced(bars(4), bars(4), 0.0, refused=True)


def test_masks_of_another_size_are_refused():
    with pytest.raises(MaskError, match="same height and width"):
        splice_quality(bars(4), bars(4, size=33))
