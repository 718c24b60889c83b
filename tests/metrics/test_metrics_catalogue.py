"""One list of metrics, whose every key is computed, and which everything that names metrics keeps to."""

from __future__ import annotations

from chromseg.metrics import summarize
from chromseg.metrics.catalogue import (
    AGAIN,
    BY_EPOCH,
    BY_KEY,
    HEADINGS,
    LABELS,
    METRICS,
    NAMING,
    OF_IMAGES,
    SLICED,
    TEST,
    figure,
)
from chromseg.registry.gates.policy import default_policy

UNCOUNTED = {"test/n_images", "test/n_left_out"}  # sizes, not scores


def test_every_score_is_in_the_list_and_every_key_of_it_is_computed() -> None:
    scores = {metric.key for metric in METRICS if metric.judged != "cost"}
    assert scores == summarize([]).keys() - UNCOUNTED
    assert len(BY_KEY) == len((*METRICS, *NAMING)), "each key once"


def test_tables_cards_rebuilds_and_gates_keep_to_it() -> None:
    assert list(HEADINGS) == list(LABELS) and set(AGAIN) <= set(HEADINGS)
    policy = default_policy()
    assert policy.champion is not None and set(policy.champion.metrics) <= set(AGAIN)
    shown = set(HEADINGS) | {metric.key for metric in NAMING}
    assert {limit.metric for limit in policy.thresholds} <= shown
    assert set(BY_EPOCH) <= set(OF_IMAGES)
    assert {TEST + name for name in SLICED} <= {key for key in HEADINGS if BY_KEY[key].judged == "cutouts"}


def test_figures_as_shown() -> None:
    assert figure("test/mask_map", 0.81256) == "0.813" and figure("test/edits", 1.23456) == "1.23"
    assert figure("perf/infer_ms_per_image", 12.345) == "12.3" and figure("test/ece", None) == "–"
    assert (figure("loss", 0.5), figure("loss", 52.25)) == ("0.500", "52.2")
