"""The runs whose spread says how far two models may be apart by chance: they differ from one model in the seed alone.

Anybody who can make a run can give it fitting tags, and a wide spread lets a worse candidate pass. So only runs count
that an honest repetition makes: of the same experiment, variant and pipeline, from the same clean commit, on the same
data and test cases, in the same environment. The candidate's own runs do not, unless it is of that family itself.
"""

from __future__ import annotations

from chromseg.errors import LineageError
from chromseg.registry.backend import MlflowClient, Run, ViewType
from chromseg.registry.lineage import Lineage
from chromseg.registry.store import translated

_SAME = (
    "experiment",
    "variant",
    "profile",
    "git_commit",
    "git_dirty",
    "data_md5",
    "test_md5",
    "environment",
    "parents",
    "overrides",
)


def family_runs(client: MlflowClient, lineage: Lineage) -> dict[int, dict[str, float]]:
    """Metrics of the finished runs of a model's family, its own among them, by seed: of several of a seed the last.

    A model of code that was not committed has none: nobody knows what was run.
    """
    if lineage.git_dirty:
        return {}
    runs = {}
    for run in _finished(client, lineage):
        try:
            other = Lineage.from_tags(run.data.tags)
        except LineageError:
            continue  # made by another program
        if all(getattr(other, name) == getattr(lineage, name) for name in _SAME):
            runs[other.seed] = dict(run.data.metrics)
    return runs


def _finished(client: MlflowClient, lineage: Lineage) -> list[Run]:
    """In the order in which they started."""
    where = f"attributes.status = 'FINISHED' AND tags.git_commit = '{lineage.git_commit}'"
    with translated("runs cannot be searched"):
        found = client.get_experiment_by_name(lineage.experiment)
        if found is None:
            return []
        runs, token = [], None
        while True:
            page = client.search_runs(
                [found.experiment_id],
                where,
                ViewType.ACTIVE_ONLY,
                order_by=["attributes.start_time"],
                page_token=token,
            )
            runs += page
            token = page.token
            if not token:
                return runs
