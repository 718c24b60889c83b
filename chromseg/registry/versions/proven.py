"""Test scores as the audit log holds them: those a version came in with, and those `models evaluate` measured.

Scores in MLflow's runs may be edited, and runs deleted. What a decision stands on is read here and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.entries import ADMITS, canonical

Scores = dict[str, float | None]
_TEST, _SLICE = "test/", "test/slice/"
# Two models that agree in these differ by chance alone: in the seed, and in what else an honest repetition leaves open.
_SAME = (
    "experiment",
    "variant",
    "profile",
    "git_commit",
    "data_md5",
    "test_md5",
    "environment",
    "parents",
    "overrides",
)


def proven(tags: Mapping[str, str]) -> dict[str, Any]:
    """What the entry that admits a version says of its scores: their values, those of slices left out; family; seed."""
    lineage = Lineage.from_dict(json.loads(tags["lineage"]))
    scores = {key: value for key, value in json.loads(tags["metrics"]).items() if _counts(key, value)}
    return {"scores": scores, "family": family_of(lineage), "seed": lineage.seed}


def family_of(lineage: Lineage) -> str | None:
    """A key that models share which differ in the seed alone; None for code that was not committed: who knows it?"""
    if lineage.git_dirty:
        return None
    values = lineage.to_dict()
    return hashlib.sha256(canonical({name: values[name] for name in _SAME}).encode()).hexdigest()


def family_scores(chain: Chain, model: str, lineage: Lineage, test_md5: str) -> dict[int, Scores]:
    """Scores of the registered versions of a model's family on some test cases, its own among them.

    Anybody can make a run with fitting tags, and a wide spread lets a worse candidate pass. So only versions count,
    with the scores that the log has of them.

    Args:
        chain: The log.
        model: Registered model.
        lineage: Of one of the family.
        test_md5: The cases; on others than the family's own only what was measured counts.

    Returns:
        By seed; of several versions of a seed the last.
    """
    family = family_of(lineage)
    if family is None:
        return {}
    own = [each for each in chain.of(model) if each.action in ADMITS and each.facts.get("family") == family]
    known = test_md5 == lineage.test_md5
    return {
        each.facts["seed"]: (each.facts["scores"] if known else {}) | measured(chain, model, each.version, test_md5)
        for each in own
    }


def measured(chain: Chain, model: str, version: int, test_md5: str) -> Scores:
    """What `models evaluate` last measured of a version on these test cases; {} if it never did."""
    found = [each for each in chain.measurements(model, version) if each.facts["test_md5"] == test_md5]
    return dict(found[-1].facts["metrics"]) if found else {}


def _counts(key: str, value: float | None) -> bool:
    return key.startswith(_TEST) and not key.startswith(_SLICE) and value is not None
