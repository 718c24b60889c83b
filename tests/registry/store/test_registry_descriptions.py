"""What a person reads in MLflow's pages: it follows the log and the card, and fits into MLflow's database."""

from __future__ import annotations

from pathlib import Path

from example_lineage import LINEAGE

from chromseg.registry.card.text import compose
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.log.descriptions import of_version
from chromseg.registry.promotion import promote, rollback
from chromseg.registry.store.descriptions import of_run
from chromseg.registry.store.store import open_store


def test_a_run_says_what_it_changes_and_how_to_have_it_again() -> None:
    told = of_run(Lineage.from_dict(LINEAGE | {"profile": "lab", "ablation": "no focal loss", "git_dirty": True}))
    assert "**tiny**, seed 0, of profile lab" in told and "no focal loss" in told and "not committed" in told
    assert "`dvc repro profiles/lab/dvc.yaml`" in told
    tried = {"overrides": {"params.yaml": [[["train", "base", "crop"], 48]]}}
    assert "`dvc exp run -S 'params.yaml:train.base.crop=48' dvc.yaml`" in of_run(Lineage.from_dict(LINEAGE | tried))


def test_a_version_shows_its_card_and_from_its_promotion_on_when_why_and_what_the_gates_said(promoted: Path) -> None:
    client = open_store()
    told = client.get_model_version("chromseg", "2").description
    assert "Became **champion** on " in told and "Ada Tester <ada@lab.example>" in told and ": newer)" in told
    assert "| gate | found | demanded | |" in told and "passed |" in told
    assert "# Model card:" in told and "## Intended use" in told


def test_a_model_says_who_its_champion_is_and_follows_promotion_and_rollback(promoted: Path) -> None:
    client = open_store()
    assert "Champion: **version 2** since " in client.get_registered_model("chromseg").description
    rollback("chromseg", reason="misses small ones")
    assert "Champion: **version 1** since " in client.get_registered_model("chromseg").description
    assert "again, by a rollback on " in client.get_model_version("chromseg", "1").description
    promote("chromseg/2", alias="challenger", reason="a second look")
    assert "Challenger: **version 2** since " in client.get_registered_model("chromseg").description


def test_the_audit_log_says_that_it_is_no_model(promoted: Path) -> None:
    assert open_store().get_registered_model("chromseg-audit").description.startswith("**Not a model.**")


def test_a_long_card_loses_sections_from_its_end_and_says_where_the_whole_is() -> None:
    sections = {"Intended use": "use", "Test scores": "scores", "Slices": "s" * 4000, "Data and its terms": "d" * 4000}
    told = of_version(compose("m", sections), (), 1)
    assert len(told) <= 5000
    assert "## Test scores" in told and "## Slices" in told and "Data and its terms" not in told
    assert "`MODEL_CARD.md`" in told
