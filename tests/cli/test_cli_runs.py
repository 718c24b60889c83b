from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from example_lineage import LINEAGE
from typer.testing import CliRunner

from chromseg.cli.app import app

runner = CliRunner()


@pytest.fixture
def runs(store: Path) -> Path:
    """Two variants, and one of another pipeline."""
    from chromseg.registry.lineage.lineage import Lineage
    from chromseg.registry.store.runs import start_run

    for variant, profile, overall in (("unet", "default", 0.25), ("chromseg", "default", 0.75), ("unet", "paper", 0.5)):
        with start_run(replace(Lineage.from_dict(LINEAGE), variant=variant, profile=profile)) as tracker:
            tracker.log_metrics({"test/overall_acc": overall})
    return store


def test_markdown_is_the_default_and_has_a_table_for_each_pipeline(runs: Path) -> None:
    answer = runner.invoke(app, ["runs", "compare"])
    assert answer.exit_code == 0
    first, second = answer.stdout.split("\n\nchromseg, profile ")
    assert first.splitlines() == [
        "chromseg, profile default, test data fedcba987654",
        "",
        "| variant | seeds | overall |",
        "| --- | ---: | ---: |",
        "| unet | 1 | 0.250 |",
        "| chromseg | 1 | 0.750 (+0.500) |",
    ]
    assert second.startswith("paper,")


def test_csv_and_json(runs: Path) -> None:
    table = runner.invoke(app, ["runs", "compare", "--profile", "paper", "--format", "csv"]).stdout
    assert table.startswith("# chromseg,paper,fedcba9876543210")
    [told] = json.loads(runner.invoke(app, ["runs", "compare", "--profile", "paper", "--json"]).stdout)
    assert told["rows"][0]["cells"]["test/overall_acc"]["mean"] == 0.5


def test_refusals(runs: Path) -> None:
    answer = runner.invoke(app, ["runs", "compare", "--experiment", "cascade"])
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "no experiment 'cascade'; expected one of: chromseg" in answer.stderr
    assert runner.invoke(app, ["runs", "compare", "--format", "pdf"]).exit_code == 2
