"""`runs search`: what may be searched, and a search on this machine's cores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_train import TINY
from tiny_boxes import write_boxes

from chromseg.errors import ConfigError
from chromseg.registry.store.store import open_store
from chromseg.sweep.space import Parameter, nested, search_of
from pipelines import prepare

SEARCH: dict[str, Any] = {
    "variant": "tiny",
    "metric": "val/box_map",
    "trials": 3,
    "parameters": {"optim.lr": {"choice": [0.001, 1.0e12]}, "augment.paste": {"uniform": [0.0, 0.5]}},
}


def refused(**over: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        search_of(TINY | {"search": SEARCH | over})
    return str(raised.value)


def test_the_block_is_read() -> None:
    config = search_of(TINY | {"search": SEARCH})
    assert (config.variant, config.trials, config.grace) == ("tiny", 3, 1)
    assert config.parameters["augment.paste"] == Parameter("uniform", (0.0, 0.5))
    assert nested({"optim.lr": 1, "optim.ema": 2, "crop": 3}) == {"optim": {"lr": 1, "ema": 2}, "crop": 3}


def test_what_cannot_be_searched_is_refused_in_words() -> None:
    assert "test cases choose nothing" in refused(metric="test/mask_map")
    assert "unknown key `TrainConfig.optim.rate`" in refused(parameters={"optim.rate": {"choice": [1]}})
    assert "{loguniform: [from, to]}, the last above 0" in refused(parameters={"optim.lr": {"loguniform": [0, 1]}})
    assert "{choice: [values]}" in refused(parameters={"optim.lr": 0.1})
    assert "stopped early by themselves" in refused(parameters={"optim.epochs": {"choice": [1, 2]}})
    assert "no `train.variants.other`" in refused(variant="other")
    with pytest.raises(ConfigError, match="no `search` in the params file"):
        search_of(TINY)


@pytest.mark.slow
def test_the_best_trial_is_printed_and_kept(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_boxes(store / "data")
    (store / "params.yaml").write_text(yaml.safe_dump(TINY | {"search": SEARCH}))
    monkeypatch.setattr(sys, "argv", ["prepare"])
    prepare.main()
    program = Path(sys.executable).with_name("chromseg-ops")
    answer = subprocess.run([program, "runs", "search", "--json"], capture_output=True, text=True, timeout=900)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    best, *others = found["trials"]
    assert len(found["trials"]) == 3 and best["overrides"]["optim"]["lr"] == 0.001 and best["epochs"] == 1
    assert all("TrainingError" in each["reason"] for each in others if each["overrides"]["optim"]["lr"] > 1)
    run = open_store().get_run(found["run"])
    assert run.data.metrics == {"val/box_map": best["best"]} and run.data.params["optim.lr"] == "0.001"
