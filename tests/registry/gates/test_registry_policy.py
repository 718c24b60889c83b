"""What a policy demands less than the usual one stays visible for ever."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from chromseg.cli.models.tables import event_row, facts, row
from chromseg.registry.gates.policy import Policy, default_policy
from chromseg.registry.gates.weakened import weaker
from chromseg.registry.promotion import history
from chromseg.registry.versions.listing import show

USUAL = default_policy()


def _changed(block: str, **values: Any) -> Policy:
    return dataclasses.replace(USUAL, **{block: dataclasses.replace(getattr(USUAL, block), **values)})


def test_the_usual_policy_and_a_stricter_one_are_not_weak() -> None:
    for policy in (USUAL, _changed("champion", sd=0.0), _changed("golden", min_recovered=0.9)):
        assert list(weaker(policy, USUAL, "chromseg", "champion")) == []


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (dataclasses.replace(USUAL, golden=None), ["golden set off"]),
        (_changed("golden", min_recovered=0.1), ["golden set ≥ 0.1 in place of 0.7"]),
        (dataclasses.replace(USUAL, thresholds=()), ["thresholds off"]),
        (
            dataclasses.replace(USUAL, thresholds=USUAL.thresholds[:1]),
            ["test/iou_crossing off", "test/mask_ap50 off"],
        ),
        (dataclasses.replace(USUAL, champion=None), ["champion off"]),
        (_changed("champion", metrics=("test/mask_map",)), ["champion without test/overall_acc, test/iou_crossing"]),
        (_changed("champion", sd=9.0), ["champion sd ≤ 9 in place of 2"]),
        (dataclasses.replace(USUAL, slices=None), ["slices off"]),
        (
            _changed("slices", by=("stain",), metric="iou_crossing", tolerance=0.5, min_images=99),
            [
                "slices without crossing, chromosomes",
                "slices by iou_crossing in place of overall_acc",
                "slices tolerance ≤ 0.5 in place of 0.05",
                "slices min_images ≤ 99 in place of 10",
            ],
        ),
        (dataclasses.replace(USUAL, stains=None), ["stains off"]),
        (_changed("stains", metric="recovered_80"), ["stains by recovered_80 in place of edits"]),
        (dataclasses.replace(USUAL, budget=None), ["budget off"]),
        (_changed("budget", max_seconds=99.0), ["budget max_seconds ≤ 99 in place of 30"]),
        (dataclasses.replace(USUAL, validation=False), ["data validation off"]),
        (dataclasses.replace(USUAL, model_card=()), ["model card off"]),
        (dataclasses.replace(USUAL, model_card=USUAL.model_card[1:]), ["model card without Intended use"]),
    ],
)
def test_every_gate_switched_off_and_every_looser_limit_is_named(policy: Policy, told: list[str]) -> None:
    assert list(weaker(policy, USUAL, "chromseg", "champion")) == told


def test_a_challenger_is_not_asked_for_scores() -> None:
    weak = dataclasses.replace(USUAL, thresholds=(), champion=None, slices=None, stains=None)
    assert list(weaker(weak, USUAL, "chromseg", "challenger")) == []


def test_a_weak_policy_is_told_by_list_show_and_history_for_ever(promoted: Path) -> None:
    text = (promoted / "promotion.yaml").read_text()
    (promoted / "promotion.yaml").unlink()
    told = "golden set off, budget off, thresholds off, champion off, slices off, stains off, "
    told += "data validation off, model card off"
    version = show("chromseg/1")
    assert version.forced == () and version.weakened == (told,)
    assert "weak policy" in str(row(version)[1]) and facts(version)["weak policy"] == told
    entry = history("chromseg")[2]
    assert (entry.action, entry.facts["policy"]) == ("promote", text)
    assert event_row(entry)[-1] == f"newer; under a policy with {told}"
