"""What `runs sweep` does around the steps: the project, its store, one sweep at a time, and who works."""

from __future__ import annotations

from collections.abc import Callable

from chromseg.project import Pipeline, project_root, sweep_logs, tracking_uri
from chromseg.registry.lineage.code_state import begin_sweep
from chromseg.registry.log.beginning import init_store
from chromseg.sweep.alone import alone
from chromseg.sweep.hands import OwnHands
from chromseg.sweep.plan import steps_of
from chromseg.sweep.sweep import StepOutcome, Sweep


def run_sweep(
    profile: str, address: str | None, cores: int | None, tell: Callable[[StepOutcome], None]
) -> list[StepOutcome]:
    """Run whatever of a profile is not done.

    Args:
        profile: Its name.
        address: Of a Ray cluster, as `connected` takes it; None runs one step after the other in this process.
        cores: Of a training on the cluster.
        tell: Hears of each outcome as it comes.

    Raises:
        ConfigError: There is no such pipeline or cluster, or another sweep of it is at work.
        RegistryError: The store cannot be used.
        DataError: DVC cannot say what is done.
    """
    pipeline, logs = Pipeline(profile, project_root()), sweep_logs(profile)
    steps_of(pipeline)
    with alone(logs, f"sweep of {profile}"):
        init_store()
        environment = {"MLFLOW_TRACKING_URI": tracking_uri(), **begin_sweep()}
        if address is None:
            return Sweep(pipeline, OwnHands(environment), logs, tell).run()
        from chromseg.sweep.on_ray import ray_hands

        with ray_hands(address, pipeline.top, environment, cores) as hands:
            return Sweep(pipeline, hands, logs, tell).run()
