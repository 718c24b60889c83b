"""Equal weights have equal scores: what came in once is not let in again with better figures."""

from __future__ import annotations

import math
from collections.abc import Mapping

from chromseg.errors import LineageError, RegistryError
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.entries import ADMITS, Entry
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.versions.proven import Scores, proven
from chromseg.registry.versions.references import Reference
from chromseg.registry.versions.version import find


def check_scores(client: MlflowClient, chain: Chain, tags: Mapping[str, str]) -> None:
    """Refuse a version that claims others than one that is registered already.

    Args:
        client: Of the store.
        chain: The log.
        tags: Of the version that is about to come in.

    Raises:
        LineageError: It claims others.
    """
    claimed = proven(tags)["scores"]
    for entry in chain.entries:
        if entry.action not in ADMITS or entry.facts.get("weights_sha256") != tags["weights_sha256"]:
            continue
        known = _scores_of(client, entry)
        other = [key for key, value in claimed.items() if key in known and not _equal(value, known[key])]
        if other:
            label = f"{entry.model}/{entry.version}"
            raise LineageError(
                f"weights {tags['weights_sha256'][:12]}… with {other[0]} {claimed[other[0]]:g}",
                expected=f"{known[other[0]]:g}, which {label} has with the same weights",
                remedy=f"measure that version (`chromseg-ops models evaluate {label} --data NAME`)",
            )


def _scores_of(client: MlflowClient, entry: Entry) -> Scores:
    """Those a version came in with; of an entry older than this rule they stand in the version's tags."""
    if "scores" in entry.facts:
        return dict(entry.facts["scores"])
    try:
        return dict(find(client, Reference(entry.model, version=entry.version)).metrics)
    except RegistryError:  # gone from the store, or changed, which `verify-log` tells: it proves nothing
        return {}


def _equal(one: float | None, other: float | None) -> bool:
    return one is None or other is None or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
