"""All gates of one promotion, in the order in which people ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chromseg.registry.card.text import card_of
from chromseg.registry.gates.contest import Contest, contest
from chromseg.registry.gates.gate import Gate, failed
from chromseg.registry.gates.merit import SeedSpread, champion_gates, compared, spread_of, threshold_gates
from chromseg.registry.gates.paperwork import card_gate, validation_gate
from chromseg.registry.gates.policy import Policy, default_policy, policy_text, read_policy
from chromseg.registry.gates.probe import measure
from chromseg.registry.gates.soundness import package_gates, prediction_gates
from chromseg.registry.gates.trials import circumstances, on_record
from chromseg.registry.gates.unseen import unseen_gate
from chromseg.registry.gates.weakened import weaker
from chromseg.registry.log.audit import read_log
from chromseg.registry.log.chain import Chain
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.versions.package_files import MODEL
from chromseg.registry.versions.proven import family_scores
from chromseg.registry.versions.references import Reference
from chromseg.registry.versions.resolve import checked_package
from chromseg.registry.versions.version import Version, find


@dataclass(frozen=True)
class Judgement:
    """What the gates said of a version.

    Attributes:
        version: The candidate.
        alias: What it is to become.
        current: The version that has the alias now; None for none.
        gates: Every gate's answer.
        policy_sha256: Of the `promotion.yaml` they were judged by.
        policy: Its text.
        weakened: In what it demands less than the policy that comes with ChromSeg-Ops, in words.
        card: The candidate's MODEL_CARD.md.
    """

    version: Version
    alias: str
    current: int | None
    gates: tuple[Gate, ...]
    policy_sha256: str
    policy: str
    weakened: tuple[str, ...]
    card: str

    @property
    def failed(self) -> list[Gate]:
        """The gates that say no."""
        return failed(self.gates)

    def facts(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {
            "gates": [gate.to_dict() for gate in self.gates],
            "policy_sha256": self.policy_sha256,
            "policy": self.policy,
            "weakened": list(self.weakened),
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "model": self.version.label,
            "alias": self.alias,
            "current": self.current,
            "passed": not self.failed,
            **self.facts(),
        }


def judge(client: MlflowClient, version: Version, alias: str, current: int | None, by: str | None = None) -> Judgement:
    """Ask every gate.

    A challenger, which is only to be tried, is not compared with the champion and needs no scores.

    Args:
        client: Of the store.
        version: The candidate.
        alias: What it is to become.
        current: The version that has the alias now.
        by: Under whose name the champion's scores enter the log, if it must be measured; None enters nothing.

    Raises:
        ConfigError: `promotion.yaml` cannot be read.
        RegistryError: The candidate's files are not those registered.
    """
    policy, policy_sha256 = read_policy()
    package, files = checked_package(version)
    gates = [*package_gates(package), *_prediction(client, policy, version, package, files)]
    if alias == "champion":
        gates += _merit(client, policy, version, current, by)
    folder = package / MODEL
    gates += [unseen_gate(folder), validation_gate(policy, version), card_gate(policy, folder)]
    weakened = tuple(weaker(policy, default_policy(), version.name, alias))
    policy_shown = policy_text(policy_sha256)
    return Judgement(version, alias, current, tuple(gates), policy_sha256, policy_shown, weakened, card_of(folder))


def _prediction(
    client: MlflowClient, policy: Policy, version: Version, package: Path, files: Mapping[str, str]
) -> list[Gate]:
    """A trial on record may let a version pass; refused it is only by one of this moment, on a machine as it is now."""
    if not policy.needs_prediction:
        return prediction_gates(policy, None)
    known = on_record(read_log(client), version, circumstances(files))
    gates = prediction_gates(policy, known)
    if known is None or failed(gates):
        gates = prediction_gates(policy, measure(package))
    return gates


def _merit(client: MlflowClient, policy: Policy, version: Version, current: int | None, by: str | None) -> list[Gate]:
    thresholds = threshold_gates(policy, version)
    if current is None:
        return [*thresholds, *champion_gates(policy, version, None, {})]
    champion = find(client, Reference(version.name, version=current))
    if not policy.compares:
        return [*thresholds, *champion_gates(policy, version, champion, {})]
    met = contest(read_log(client), version, champion, by)
    spreads = _spreads(read_log(client), policy, champion, met)
    return [*thresholds, *champion_gates(policy, met.candidate, met.champion, spreads, met.hint)]


def _spreads(chain: Chain, policy: Policy, champion: Version, met: Contest) -> dict[str, SeedSpread]:
    """By metric, over the seeds of the champion's family."""
    family = family_scores(chain, champion.name, champion.lineage, met.test_md5)
    return {
        metric: spread_of({seed: value for seed, each in family.items() if (value := each.get(metric)) is not None})
        for metric in (compared(policy.champion, champion) if policy.champion else ())
    }
