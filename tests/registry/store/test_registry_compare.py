from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from example_lineage import LINEAGE

from chromseg.errors import RegistryError
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.store.compare import compare_runs
from chromseg.registry.store.runs import start_run


def _run(variant: str, seed: int, overall: float | None, **changes: Any) -> None:
    lineage = replace(Lineage.from_dict(LINEAGE), variant=variant, seed=seed, **changes)
    with start_run(lineage) as tracker:
        tracker.log_metrics({"train/loss": 1.0} | ({} if overall is None else {"test/overall_acc": overall}))


@pytest.fixture
def runs(store: Path) -> Path:
    """Two variants at two seeds, and what must not be mixed in with them."""
    _run("unet", 0, 0.25)
    _run("unet", 1, 0.75)
    _run("chromseg", 0, 0.5)
    _run("chromseg", 0, 0.875)  # trained again: counts instead
    _run("untested", 0, None)
    _run("unet", 0, 0.125, profile="paper")
    _run("unet", 0, 0.0625, test_md5="other test data")
    with pytest.raises(ValueError), start_run(replace(Lineage.from_dict(LINEAGE), variant="broken")) as tracker:
        tracker.log_metrics({"test/overall_acc": 1.0})
        raise ValueError
    return store


def test_means_over_seeds_and_differences(runs: Path) -> None:
    table = compare_runs("chromseg")[0]
    assert [(row.variant, row.seeds) for row in table.rows] == [("unet", (0, 1)), ("chromseg", (0,))]
    first, second = (row.cells["test/overall_acc"] for row in table.rows)
    assert (first.mean, first.n, first.difference) == (0.5, 2, None)
    assert (second.mean, second.n, second.difference) == (0.875, 1, 0.625), "over the seed that both have"


def test_other_pipelines_and_other_test_data_are_other_tables(runs: Path) -> None:
    tables = compare_runs("chromseg")
    assert [(table.profile, table.test_md5) for table in tables] == [
        ("default", LINEAGE["test_md5"]),
        ("paper", LINEAGE["test_md5"]),
        ("default", "other test data"),
    ]
    assert [table.rows[0].cells["test/overall_acc"].mean for table in tables] == [0.5, 0.125, 0.0625]
    [paper] = compare_runs("chromseg", profile="paper")
    assert paper == tables[1]


def test_the_baseline_may_be_chosen(runs: Path) -> None:
    table = compare_runs("chromseg", profile="default", baseline=None)[0]
    assert table.rows[0].variant == "unet"
    _run("chromseg", 0, 0.5, test_md5="other test data")
    table = compare_runs("chromseg", profile="default", baseline="chromseg")[0]
    assert table.rows[0].variant == "chromseg"
    assert table.rows[1].cells["test/overall_acc"].difference == -0.625


def test_the_baseline_of_the_profile_is_the_default(runs: Path) -> None:
    for folder in (runs, runs / "profiles" / "paper"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "params.yaml").write_text("compare: {baseline: chromseg}\n")
    default, paper, _ = compare_runs("chromseg")
    assert [row.variant for row in default.rows] == ["chromseg", "unet"]
    assert [row.variant for row in paper.rows] == ["unet"], "a baseline that is not evaluated yet cannot be one"


def test_runs_without_a_column_in_the_table_are_left_out(store: Path) -> None:
    with start_run(replace(Lineage.from_dict(LINEAGE), variant="lite0", experiment="ucrd-net")) as tracker:
        tracker.log_metrics({"test/accuracy": 0.9, "test/n_chromosomes": 100.0})
    with pytest.raises(RegistryError, match="no evaluated run in experiment ucrd-net"):
        compare_runs("ucrd-net")
    _run("mask-rcnn", 0, 0.5, experiment="ucrd-net")
    [table] = compare_runs("ucrd-net")
    assert [row.variant for row in table.rows] == ["mask-rcnn"]


def test_the_table_as_markdown_csv_and_json(runs: Path) -> None:
    table = compare_runs("chromseg")[0]
    assert "| variant | seeds | overall |" in table.to_markdown()
    assert "| chromseg | 1 | 0.875 (+0.625) |" in table.to_markdown()
    [row] = [row for row in csv.DictReader(table.to_csv().splitlines()[1:]) if row["variant"] == "chromseg"]
    assert float(row["test/overall_acc"]) == 0.875
    assert table.to_dict()["rows"][1]["cells"]["test/overall_acc"]["mean"] == 0.875


def test_unknown_names_are_answered_with_known_ones(runs: Path) -> None:
    with pytest.raises(RegistryError, match="no experiment 'ucrd-net'; expected one of: chromseg"):
        compare_runs("ucrd-net")
    with pytest.raises(RegistryError, match="no evaluated run in experiment chromseg of profile nowhere"):
        compare_runs("chromseg", profile="nowhere")
    with pytest.raises(RegistryError, match=r"no evaluated run of the baseline 'nobody'.*expected one of: unet"):
        compare_runs("chromseg", baseline="nobody")
