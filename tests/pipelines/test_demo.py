"""What `make demo` prints of the scores: the real pictures' beside the drawn ones'."""

from __future__ import annotations

from pipelines.demo import table


def test_scores_of_each_stain_stand_beside_those_of_all() -> None:
    scores = {
        "metrics": {"test/mask_ap50": 0.7652, "test/sp_acc": None},
        "slices": {"test/slice/stain/dapi/mask_ap50": 0.4249, "test/slice/stain/synthetic/mask_ap50": 0.8859},
    }
    heading, first, second = (line.split() for line in table(scores).splitlines())
    assert heading == ["all", "drawn", "DAPI"]
    assert first == ["test/mask_ap50", "0.765", "0.886", "0.425"]
    assert second == ["test/sp_acc", "–", "–", "–"]
