"""One call of `runs search`: trials of a variant with other parameters, by Ray Tune; ASHA stops worse ones."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import BasicVariantGenerator

from chromseg.cohort.start import connected
from chromseg.config import read_params, variant_config
from chromseg.errors import TrainingError
from chromseg.project import Pipeline, project_root, sweep_logs
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.runs import RunTracker
from chromseg.registry.store.store import experiment_id, open_store, translated
from chromseg.sweep.command import ended, leashed
from chromseg.sweep.on_ray import check_tree, needs_of_training
from chromseg.sweep.space import Parameter, SearchConfig, nested, search_of

EXPERIMENT = "search"  # of MLflow
_TRIALS = "trials.json"  # artifact of the run
_BEST, _EPOCHS, _UNKNOWN = "best", "epochs", float("-inf")  # so far, in what a trial reports; of a metric without value
_SPACES = {"choice": tune.choice, "uniform": tune.uniform, "loguniform": tune.loguniform}


@dataclass(frozen=True)
class Trial:
    """How one trial fared.

    Attributes:
        overrides: Its parameters, as a variant has them.
        best: Highest value of the metric; None if it was never measured.
        epochs: That it was trained for.
        reason: Why it failed, in one line; "" if it did not.
    """

    overrides: dict[str, Any]
    best: float | None
    epochs: int
    reason: str = ""


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        config: What was searched.
        trials: All of them, the best first.
        run: Id of the MLflow run that keeps it.
    """

    config: SearchConfig
    trials: list[Trial]
    run: str


class Training(tune.Trainable):  # type: ignore[misc]
    """A trial on its node: `pipelines.trial`, of which each step reads an epoch."""

    def setup(self, config: dict[str, Any]) -> None:
        """Start it."""
        overrides = json.dumps(nested(config["values"]))
        chosen = ["--profile", config["profile"], "--variant", config["variant"], "--seed", str(config["seed"])]
        command = [sys.executable, "-m", "pipelines.trial", *chosen, "--overrides", overrides]
        self._metric = config["metric"]
        self._last: dict[str, Any] = {}
        self._log = (Path(self.logdir) / "printed.log").open("w+b")
        self._process = subprocess.Popen(
            leashed(command), cwd=config["tree"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log
        )

    def step(self) -> dict[str, Any]:
        """The next epoch's metrics; the last one once more when it has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if line:
            value = json.loads(line).get(self._metric, _UNKNOWN)
            best, epochs = self._last.get(_BEST, _UNKNOWN), self._last.get(_EPOCHS, 0)
            self._last = {self._metric: value, _BEST: max(best, value), _EPOCHS: epochs + 1, "done": False}
            return self._last
        if self._process.wait():
            raise RuntimeError(self._reason())
        return self._last | {"done": True}

    def cleanup(self) -> None:
        """End it, where it was stopped early."""
        ended(self._process)
        self._log.close()

    def _reason(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), f"exit {self._process.returncode}")


def run_search(profile: str, address: str, cores: int | None) -> Found:
    """Search, and keep what was found in MLflow.

    Args:
        profile: Name of the pipeline whose params file has a block `search`; its samples are prepared.
        address: Of a Ray cluster, as `connected` takes it.
        cores: Of each trial; None as of `needs_of_training`.

    Raises:
        ConfigError: The block cannot be used, or the cluster.
        TrainingError: No trial came to a value of the metric.
        RegistryError: The store cannot be used.
    """
    tree = project_root()
    pipeline, logs = Pipeline(profile, tree), sweep_logs(profile) / "search"
    params = read_params(pipeline.params_file)
    config = search_of(params)
    init_store()
    with connected(address), redirect_stdout(io.StringIO()):  # Tune draws tables there
        check_tree(tree)
        fixed = {"profile": profile, "variant": config.variant, "seed": config.seed, "metric": config.metric}
        space = {name: _SPACES[each.kind](*_given(each)) for name, each in config.parameters.items()}
        results = _tuner(
            config,
            fixed | {"tree": str(tree), "values": space},
            epochs=variant_config(params, config.variant).optim.epochs,
            needs=needs_of_training(cores),
            logs=logs,
        ).fit()
        trials = sorted(map(_trial, results), key=_worth, reverse=True)
    if trials[0].best is None:
        why = trials[0].reason or f"{config.metric} was never measured"
        raise TrainingError(
            f"no trial of {len(trials)} has a value of {config.metric} ({why})",
            expected="at least one",
            remedy=f"see {logs}, and correct the block `search`",
        )
    return Found(config, trials, _kept(profile, config, trials))


def _tuner(
    config: SearchConfig, space: dict[str, Any], *, epochs: int, needs: Mapping[str, float], logs: Path
) -> tune.Tuner:
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # trials that fail are told at the end
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"  # MLflow keeps what is to be kept
    resources = {name.removeprefix("num_").removesuffix("s"): each for name, each in needs.items()}
    return tune.Tuner(
        tune.with_resources(Training, resources),
        param_space=space,
        tune_config=tune.TuneConfig(
            metric=config.metric,
            mode="max",
            num_samples=config.trials,
            search_alg=BasicVariantGenerator(random_state=config.seed),
            scheduler=ASHAScheduler(max_t=max(epochs + 1, 2), grace_period=min(config.grace, epochs)),
        ),
        run_config=tune.RunConfig(
            storage_path=str(logs), verbose=0, checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False)
        ),
    )


def _given(parameter: Parameter) -> tuple[Any, ...]:
    return (list(parameter.values),) if parameter.kind == "choice" else parameter.values


def _trial(result: Any) -> Trial:
    values = nested(result.config["values"])
    last = result.metrics or {}
    best = last.get(_BEST, _UNKNOWN)
    reason = "" if result.error is None else str(result.error).strip().splitlines()[-1]
    return Trial(values, None if best == _UNKNOWN else best, last.get(_EPOCHS, 0), reason)


def _worth(trial: Trial) -> float:
    return _UNKNOWN if trial.best is None else trial.best


def _kept(profile: str, config: SearchConfig, trials: list[Trial]) -> str:
    """Id of a run of MLflow with the best trial as parameters and metric, and all of them in a file."""
    client = open_store()
    with translated("the search cannot be kept"):
        run = client.create_run(experiment_id(client, EXPERIMENT), run_name=f"{profile}/{config.variant}")
        tracker = RunTracker(client, run.info.run_id)
        tracker.set_tags({"profile": profile, "variant": config.variant, "trials": str(len(trials))})
        tracker.log_params(_flat(trials[0].overrides))
        tracker.log_metrics({config.metric: trials[0].best})
        client.log_dict(run.info.run_id, {"trials": [vars(each) for each in trials]}, _TRIALS)
        client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def _flat(values: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """`{"optim": {"lr": 1}}` as `{"optim.lr": 1}`."""
    found: dict[str, Any] = {}
    for part, value in values.items():
        found |= _flat(value, f"{name}{part}.") if isinstance(value, dict) else {f"{name}{part}": value}
    return found
