"""Boxes of what is found against boxes of which alone is known."""

import numpy as np

from benchmarks.boxes import brought_in, score_of, summary


def test_a_box_is_brought_in_from_each_side_and_keeps_a_pixel() -> None:
    boxes = np.array([[10.0, 20.0, 50.0, 60.0], [0.0, 0.0, 6.0, 6.0]])
    assert brought_in(boxes, (5, 6, 4, 3)).tolist() == [[15, 26, 46, 57], [5, 6, 6, 7]]


def test_a_true_box_is_found_once_and_by_the_best_assignment() -> None:
    # The first instance fits both boxes, the second the first box alone, the third none.
    ious = np.array([[0.9, 0.6], [0.7, 0.1], [0.4, 0.2]])
    assert score_of("a", ious, [False, False, True]) == ("a", 2, 3, 2, 1)


def test_figures_are_shares_of_all_boxes_and_errors_of_each_picture() -> None:
    two = [
        score_of("a", np.array([[0.9, 0.0], [0.0, 0.4], [0.0, 0.0]]), [False, True, False]),
        score_of("b", np.array([[0.8, 0.0], [0.0, 0.7]]), [False, False]),
    ]
    shown = {key: value[0] for key, value in summary(two).items() if isinstance(value, list)}
    assert shown == {"found": 0.75, "precision": 0.6, "count_error": 0.5, "count_exact": 0.5, "wrong_flagged": 0.5}


def test_a_picture_in_which_nothing_is_found_is_judged() -> None:
    assert score_of("a", np.zeros((0, 3)), []) == ("a", 3, 0, 0, 0)
