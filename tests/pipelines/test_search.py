"""`runs search`: what may be searched, and a search on this machine's cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from test_train import TINY
from tiny_boxes import write_boxes

from benchmarks.small_cluster import PATIENT
from chromseg.config import HardwareConfig, variant_config
from chromseg.errors import ConfigError
from chromseg.project import Pipeline
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.store import open_store
from chromseg.sweep import search
from chromseg.sweep.space import Parameter, nested, search_of
from pipelines import prepare

SEARCH: dict[str, Any] = {
    "variant": "tiny",
    "metric": "val/box_map",
    "trials": 3,
    "parameters": {"optim.lr": {"choice": [0.001, 1.0e12]}, "augment.paste": {"uniform": [0.0, 0.5]}},
}

QUICK = """\
import json, os, pathlib, sys, time
values = json.loads(sys.argv[sys.argv.index("--overrides") + 1])
holds = pathlib.Path("hold").exists()
try:
    os.mkdir("first")
    holds = False
except FileExistsError:
    pass
with open("begun", "a") as begun:
    begun.write(json.dumps([values, holds, os.getpid()]) + "\\n")
time.sleep(600 if holds else 0)
print(json.dumps({"epoch": 1, "val/box_map": values["optim"]["lr"]}), flush=True)
"""  # a trial that learns nothing: all but the first hold as long as there is a file `hold`
PATIENCE = 900  # seconds: a busy machine


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


def test_a_search_is_another_one_with_other_parameters_samples_or_code(tmp_path: Path) -> None:
    pipeline, config = Pipeline("default", tmp_path), search_of(TINY | {"search": SEARCH})
    variant = variant_config(TINY, "tiny")

    def key(config: Any = config, variant: Any = variant, evaluate: Any = None) -> str:
        return search.search_key(pipeline, config, variant, {"num_cpus": 1}, evaluate)

    for name in ("prepared/index.json", "chromseg/models/unet.py", "chromseg/serving/page/main.js"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("as it was")
    keys = [
        key(),
        key(replace(config, trials=4)),
        key(variant=replace(variant, crop=48)),
        key(evaluate={"also": ["a"]}),
    ]
    started = replace(variant, init="first")
    (tmp_path / "first").mkdir()
    for weights in ("random", "trained"):
        (tmp_path / "first" / "model.safetensors").write_text(weights)
        keys.append(key(variant=started))
    for name in ("prepared/index.json", "chromseg/models/unet.py"):
        (tmp_path / name).write_text("changed")
        keys.append(key())
    assert len(set(keys)) == len(keys) == 8
    (tmp_path / "chromseg/serving/page/main.js").write_text("changed")
    assert key(variant=replace(variant, hardware=HardwareConfig(workers=3))) == keys[-1]


def test_what_tune_cannot_read_is_named(tmp_path: Path) -> None:
    for name in ("experiment_state-1.json", "tuner.pkl"):
        (tmp_path / name).write_text("half of wh")
    with pytest.raises(ConfigError, match=f"{tmp_path} has a search that cannot be read .*; remove this folder"):
        search._restored(tmp_path, search.Training)


def test_what_was_found_is_kept_once(store: Path) -> None:
    init_store()
    config = search_of(TINY | {"search": SEARCH})
    better, failed = (search.Trial({"optim": {"lr": lr}}, lr, 1) for lr in (0.2, 0.1))
    run = search._kept("default", config, [better, failed], "key")
    assert search._kept("default", config, [better, failed], "key") == run
    others = [
        search._kept("default", config, [better, replace(failed, reason="killed")], "key"),
        search._kept("default", config, [better, failed], "another"),
    ]
    assert len({run, *others}) == 3


@pytest.mark.slow
def test_the_best_trial_is_printed_and_kept(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_boxes(store / "data")
    (store / "params.yaml").write_text(yaml.safe_dump(TINY | {"search": SEARCH}))
    monkeypatch.setattr(sys, "argv", ["prepare"])
    prepare.main()
    program = Path(sys.executable).with_name("chromseg-ops")
    command = [program, "runs", "search", "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=PATIENT | os.environ)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    best, *others = found["trials"]
    assert len(found["trials"]) == 3 and best["overrides"]["optim"]["lr"] == 0.001 and best["epochs"] == 1
    assert all("TrainingError" in each["reason"] for each in others if each["overrides"]["optim"]["lr"] > 1)
    run = open_store().get_run(found["run"])
    assert run.data.metrics == {"val/box_map": best["best"]} and run.data.params["optim.lr"] == "0.001"


@pytest.mark.slow
def test_a_search_that_was_killed_goes_on(store: Path) -> None:
    (store / "pipelines").mkdir()
    (store / "pipelines" / "__init__.py").touch()
    (store / "pipelines" / "trial.py").write_text(QUICK)
    block = SEARCH | {"parameters": {"optim.lr": {"uniform": [0.1, 0.9]}}}
    (store / "params.yaml").write_text(yaml.safe_dump(TINY | {"search": block}))
    (store / "hold").touch()
    command = [Path(sys.executable).with_name("chromseg-ops"), "runs", "search", "--json"]
    told: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": PATIENT | os.environ}
    states = store / "mlruns" / "sweeps" / "default" / "search"

    def one_of_several_is_done() -> bool:
        told = (each.read_text() for each in states.glob("*/experiment_state-*.json"))
        return len(begun(store)) > 1 and any("TERMINATED" in state for state in told)

    with subprocess.Popen(command, **told) as killed:
        try:
            wait(lambda: one_of_several_is_done() or killed.poll() is not None)
            assert killed.poll() is None, killed.communicate()
        finally:
            killed.kill()
    before = begun(store)
    wait(lambda: not any(psutil.pid_exists(process) for *_, process in before))
    (store / "hold").unlink()
    answer = subprocess.run(command, **told, timeout=PATIENCE)
    assert answer.returncode == 0, answer.stderr
    assert "goes on where this search was: 1 of 3 trials are done" in answer.stderr
    trials = [each["overrides"] for each in json.loads(answer.stdout)["trials"]]
    (done,) = (values for values, holds, _ in before if not holds)
    again = [values for values, *_ in begun(store)[len(before) :]]
    assert len(again) == 2 and done not in again, "the finished one is not repeated"
    assert sorted(map(str, trials)) == sorted(map(str, [done, *again]))


def begun(project: Path) -> list[tuple[dict[str, Any], bool, int]]:
    notes = project / "begun"
    return [tuple(json.loads(line)) for line in notes.read_text().splitlines()] if notes.is_file() else []


def wait(happened: Callable[[], bool]) -> None:
    last = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < last, "it hangs"
        time.sleep(0.2)
