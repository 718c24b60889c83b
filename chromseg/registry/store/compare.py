"""The ablation table out of MLflow: every finished run of an experiment, gathered by what it was tested on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chromseg.errors import RegistryError
from chromseg.metrics.catalogue import HEADINGS
from chromseg.metrics.report import Row, RunResult, ablation_csv, ablation_markdown, ablation_rows
from chromseg.registry.lineage.profile_params import compare_setting
from chromseg.registry.store.backend import MlflowClient, Run
from chromseg.registry.store.bulk import every
from chromseg.registry.store.store import open_store, translated


@dataclass(frozen=True)
class Table:
    """Variants that were tested on the same data by the same pipeline.

    Attributes:
        experiment: Of MLflow.
        profile: The pipeline.
        test_md5: Of the test images and annotations.
        rows: A variant each, the baseline first.
    """

    experiment: str
    profile: str
    test_md5: str
    rows: list[Row]

    @property
    def headings(self) -> dict[str, str]:
        """Headings of the metrics that at least one variant has."""
        return {key: text for key, text in HEADINGS.items() if any(row.cells[key].n for row in self.rows)}

    def to_markdown(self) -> str:
        """Title and table."""
        title = f"{self.experiment}, profile {self.profile}, test data {self.test_md5[:12]}"
        return f"{title}\n\n{ablation_markdown(self.rows, self.headings)}"

    def to_csv(self) -> str:
        """A comment line with the title, then the table with all metrics."""
        return f"# {self.experiment},{self.profile},{self.test_md5}\n{ablation_csv(self.rows)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def compare_runs(experiment: str, *, profile: str | None = None, baseline: str | None = None) -> list[Table]:
    """One table for each pipeline and test set of an experiment.

    Of several runs of one variant × seed the latest finished one that was evaluated counts.

    Args:
        experiment: Name.
        profile: Only runs of this pipeline.
        baseline: The variant to compare with; default `compare.baseline` in the params of the pipeline, or the first
            that was trained where those are not at hand or that one has no scores.

    Raises:
        RegistryError: The experiment or the baseline is unknown, or there is no evaluated run.
    """
    runs = _latest(_evaluated(open_store(), experiment, profile))
    if not runs:
        raise RegistryError(
            f"no evaluated run in experiment {experiment}" + (f" of profile {profile}" if profile else ""),
            expected="finished runs with test metrics",
            remedy="train and evaluate first: `dvc repro`",
        )
    keys = dict.fromkeys((run.data.tags["profile"], run.data.tags["test_md5"]) for run in runs)
    return [Table(experiment, *key, ablation_rows(_results(runs, key, baseline), list(HEADINGS))) for key in keys]


def _evaluated(client: MlflowClient, experiment: str, profile: str | None) -> list[Run]:
    """Finished runs with a figure for the table, oldest first."""
    with translated("runs cannot be searched"):
        found = client.get_experiment_by_name(experiment)
        if found is None:
            known = ", ".join(sorted(each.name for each in every(client.search_experiments) if each.name != "Default"))
            raise RegistryError(
                f"no experiment {experiment!r}", expected=f"one of: {known or 'none yet'}", remedy="train first"
            )
        where = ([found.experiment_id], "attributes.status = 'FINISHED'")
        runs = every(client.search_runs, *where, order_by=["attributes.start_time"])
    return [run for run in runs if _counts(run) and profile in (None, run.data.tags["profile"])]


def _counts(run: Run) -> bool:
    shown = not HEADINGS.keys().isdisjoint(run.data.metrics)  # a classifier's runs have other scores
    return shown and {"variant", "seed", "profile", "test_md5"} <= run.data.tags.keys()


def _latest(runs: list[Run]) -> list[Run]:
    """The last run of each variant × seed × pipeline × test set, in order of first training."""
    latest = {tuple(run.data.tags[key] for key in ("profile", "test_md5", "variant", "seed")): run for run in runs}
    return list(latest.values())


def _results(runs: list[Run], key: tuple[str, str], baseline: str | None) -> list[RunResult]:
    own = [run for run in runs if (run.data.tags["profile"], run.data.tags["test_md5"]) == key]
    results: list[RunResult] = [
        {"variant": run.data.tags["variant"], "seed": int(run.data.tags["seed"]), "metrics": run.data.metrics}
        for run in own
    ]
    variants = list(dict.fromkeys(result["variant"] for result in results))
    if baseline is not None and baseline not in variants:
        raise RegistryError(
            f"no evaluated run of the baseline {baseline!r} (profile {key[0]})",
            expected=f"one of: {', '.join(variants)}",
            remedy="evaluate it, or choose another baseline",
        )
    usual = compare_setting(key[0], "baseline")
    first = baseline or (usual if usual in variants else variants[0])
    return sorted(results, key=lambda result: result["variant"] != first)
