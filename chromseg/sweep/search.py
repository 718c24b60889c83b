"""One call of `runs search`: trials of a variant with other parameters, by Ray Tune; ASHA stops worse ones.

Tune keeps how far a search is in a folder that is named after all that decides what its trials find.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import BasicVariantGenerator

from chromseg.cohort.start import connected
from chromseg.config import HardwareConfig, TrainConfig, read_params, variant_config
from chromseg.errors import ConfigError, TrainingError
from chromseg.project import CODE, Pipeline, project_root, sweep_logs
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.runs import RunTracker
from chromseg.registry.store.store import experiment_id, open_store, translated
from chromseg.sweep.alone import alone
from chromseg.sweep.command import ended, leashed
from chromseg.sweep.inputs import hashes_below
from chromseg.sweep.on_ray import check_tree, needs_of_training
from chromseg.sweep.space import Parameter, SearchConfig, nested, search_of

EXPERIMENT = "search"  # of MLflow
_TRIALS = "trials.json"  # artifact of the run
_BEST, _EPOCHS, _UNKNOWN = "best", "epochs", float("-inf")  # so far, in what a trial reports; of a metric without value
_NOTED = "1"  # seconds after which Tune writes down again how far it is
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


def run_search(profile: str, address: str, cores: int | None, tell: Callable[[str], None]) -> Found:
    """Search, and keep what was found in MLflow; a search that was stopped goes on.

    Args:
        profile: Name of the pipeline whose params file has a block `search`; its samples are prepared.
        address: Of a Ray cluster, as `connected` takes it.
        cores: Of each trial; None as of `needs_of_training`.
        tell: Hears, in a sentence, that a search goes on.

    Raises:
        ConfigError: The block cannot be used, or the cluster; or the same search is at work already.
        TrainingError: No trial came to a value of the metric.
        RegistryError: The store cannot be used.
    """
    pipeline = Pipeline(profile, project_root())
    params = read_params(pipeline.params_file)
    config = search_of(params)
    variant = variant_config(params, config.variant)
    init_store()
    with connected(address):
        check_tree(pipeline.top)
        needs = needs_of_training(cores)
        key = search_key(pipeline, config, variant, needs, params.get("evaluate"))
        logs = sweep_logs(profile) / "search" / key
        with alone(logs, f"search of {profile}"):
            with redirect_stdout(io.StringIO()):  # Tune draws tables there
                results = _tuner(pipeline, config, logs, epochs=variant.optim.epochs, needs=needs, tell=tell).fit()
            trials = sorted(map(_trial, results), key=_worth, reverse=True)
            if trials[0].best is None:
                why = trials[0].reason or f"{config.metric} was never measured"
                raise TrainingError(
                    f"no trial of {len(trials)} has a value of {config.metric} ({why})",
                    expected="at least one",
                    remedy=f"see {logs}, and correct the block `search`",
                )
            return Found(config, trials, _kept(profile, config, trials, key))


def search_key(
    pipeline: Pipeline, config: SearchConfig, variant: TrainConfig, needs: Mapping[str, float], evaluate: Any
) -> str:
    """What a search is called: of equal parameters, samples, first weights and code, on nodes shared out alike.

    Ray is among it because it reads only what it wrote itself, and the project's place because trials know it.
    """
    files = hashes_below(pipeline.top, [str(pipeline.prepared), *CODE, *([variant.init] if variant.init else [])])
    decisive = {name: md5 for name, md5 in files.items() if name.endswith(".py") or not name.startswith(CODE)}
    trained = replace(variant, hardware=HardwareConfig())
    said = [
        pipeline.name, str(pipeline.top), asdict(config), asdict(trained), evaluate, needs, decisive, ray.__version__,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]


def _tuner(
    pipeline: Pipeline,
    config: SearchConfig,
    logs: Path,
    *,
    epochs: int,
    needs: Mapping[str, float],
    tell: Callable[[str], None],
) -> tune.Tuner:
    """Tune on a new search, or on one that was begun in `logs`."""
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # trials that fail are told at the end
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"  # MLflow keeps what is to be kept
    os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"  # Tune would take what it has at Ctrl-C for the whole search
    os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = _NOTED
    resources = {name.removeprefix("num_").removesuffix("s"): each for name, each in needs.items()}
    training = tune.with_resources(Training, resources)
    if any(logs.glob("experiment_state-*.json")):
        tuner, done = _restored(logs, training)
        tell(f"goes on where this search was: {done} of {config.trials} trials are done")
        return tuner
    fixed = {"profile": pipeline.name, "variant": config.variant, "seed": config.seed, "metric": config.metric}
    space = {name: _SPACES[each.kind](*_given(each)) for name, each in config.parameters.items()}
    return tune.Tuner(
        training,
        param_space=fixed | {"tree": str(pipeline.top), "values": space},
        tune_config=tune.TuneConfig(
            metric=config.metric,
            mode="max",
            num_samples=config.trials,
            search_alg=BasicVariantGenerator(random_state=config.seed),
            scheduler=ASHAScheduler(max_t=max(epochs + 1, 2), grace_period=min(config.grace, epochs)),
        ),
        run_config=tune.RunConfig(
            name=logs.name,
            storage_path=str(logs.parent),
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )


def _restored(logs: Path, training: Any) -> tuple[tune.Tuner, int]:
    """Tune on the search in `logs`, and how many of its trials are done; those that failed are tried again."""
    try:
        tuner = tune.Tuner.restore(str(logs), training, restart_errored=True)
        return tuner, tuner.get_results().num_terminated
    except Exception as error:  # Tune raises what it likes
        raise ConfigError(
            f"{logs} has a search that cannot be read ({type(error).__name__}: {error})",
            expected="how far it is, as Tune wrote it",
            remedy="remove this folder; the search then begins anew",
        ) from error


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


def _kept(profile: str, config: SearchConfig, trials: list[Trial], key: str) -> str:
    """Id of a run of MLflow with the best trial as parameters and metric, and all of them in a file.

    A search that is started again when it is done finds what it found, and is kept once.
    """
    client = open_store()
    said = [vars(each) | {"reason": bool(each.reason)} for each in trials]  # a reason may name a process or a time
    outcome = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    same = f"tags.search = '{key}' and tags.outcome = '{outcome}' and attributes.status = 'FINISHED'"
    with translated("the search cannot be kept"):
        experiment = experiment_id(client, EXPERIMENT)
        before = client.search_runs([experiment], same, max_results=1)
        if before:
            return str(before[0].info.run_id)
        run = client.create_run(experiment, run_name=f"{profile}/{config.variant}")
        tracker = RunTracker(client, run.info.run_id)
        tags = {"profile": profile, "variant": config.variant, "trials": str(len(trials))}
        tracker.set_tags(tags | {"search": key, "outcome": outcome})
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
