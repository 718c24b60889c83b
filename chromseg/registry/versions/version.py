"""One registered version as the store and the audit log know it together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chromseg.errors import RegistryError, RetiredError
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.entries import PROMOTES, Entry, canonical
from chromseg.registry.store.backend import MlflowClient, ModelVersion
from chromseg.registry.versions.proven import measured
from chromseg.registry.versions.references import Reference, find_version, standing

SIGNED = (
    "lineage", "config", "metrics", "weights_sha256", "card_sha256", "data_md5", "git_commit",
    "registered_by", "registered_at", "allow_dirty",
)  # fmt: skip
FILE_HASHES = ("weights_sha256", "card_sha256")  # equal: the same files


@dataclass(frozen=True)
class Version:
    """One registered version.

    Attributes:
        name: Registered model.
        number: Version, from 1.
        aliases: Those that point to it now.
        lineage: Where it comes from.
        config: Settings of the training, flat.
        metrics: Test metrics: those that were measured of it on its own test data, else those it came in with.
        weights_sha256: Of `model.safetensors`.
        card_sha256: Of `model.json`.
        registered_by: Who registered it.
        registered_at: When, UTC, ISO 8601.
        allow_dirty: It was let in although its code was not committed.
        forced: Why it was promoted although gates refused it, each time; empty for most.
        weakened: In what the policies that it was promoted by demanded less than that of ChromSeg-Ops, each time.
        retired: When, by whom and why it was taken out of use; None for one in use.
        run: MLflow run in this store.
        source: URI of its files.
        package_sha256: Of all files of its MLflow package; None if it was registered when the log did not keep it.
    """

    name: str
    number: int
    aliases: tuple[str, ...]
    lineage: Lineage
    config: dict[str, str]
    metrics: dict[str, float | None]
    weights_sha256: str
    card_sha256: str
    registered_by: str
    registered_at: str
    allow_dirty: bool
    forced: tuple[str, ...]
    weakened: tuple[str, ...]
    retired: str | None
    run: str
    source: str
    package_sha256: str | None = None

    @property
    def label(self) -> str:
        """`chromseg/3`."""
        return f"{self.name}/{self.number}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        lists = {name: list(getattr(self, name)) for name in ("aliases", "forced", "weakened")}
        return asdict(self) | {"lineage": self.lineage.to_dict()} | lists


def find(client: MlflowClient, reference: Reference) -> Version:
    """The version that a reference means.

    Raises:
        RegistryError: There is none (the message lists what there is), it was not registered by ChromSeg-Ops or not to
            the end, or it was changed since.
    """
    aliases, chain = standing(client, reference.name)
    return as_version(find_version(client, reference, aliases), aliases, chain)


def as_version(found: ModelVersion, aliases: Mapping[str, int], chain: Chain) -> Version:
    """An MLflow version as ours, with aliases and log already read; raises as `find` does."""
    number, tags = int(found.version), found.tags
    entry = chain.admitted(found.name, number)
    if "lineage" not in tags or entry is None:
        raise _not_registered(found)
    moved = entry.facts.get("source", place_of(found)) != place_of(found)
    if moved or signature(tags) != entry.facts["tags_sha256"]:
        raise _changed(found, entry)
    lineage = Lineage.from_dict(json.loads(tags["lineage"]))
    promotions = _promotions(chain, found.name, entry)
    return Version(
        name=found.name,
        number=number,
        aliases=tuple(alias for alias, held_by in aliases.items() if held_by == number),
        lineage=lineage,
        config=json.loads(tags.get("config", "{}")),
        metrics=json.loads(tags["metrics"]) | measured(chain, found.name, number, lineage.test_md5),
        weights_sha256=tags["weights_sha256"],
        card_sha256=tags["card_sha256"],
        registered_by=tags["registered_by"],
        registered_at=tags["registered_at"],
        allow_dirty=json.loads(tags["allow_dirty"]),
        forced=tuple(each.reason for each in promotions if each.action == "force"),
        weakened=tuple(text for each in promotions if (text := weakened_text(each.facts))),
        retired=retired_text(chain.retired(found.name, number)),
        run=found.run_id,
        source=found.source,
        package_sha256=entry.facts.get("package_sha256"),
    )


def _promotions(chain: Chain, name: str, admission: Entry) -> list[Entry]:
    """Every promotion of a version, here and in the store it was brought from."""
    elsewhere = [Entry(**each) for each in admission.facts.get("origin", []) if each["action"] in PROMOTES]
    return [*elsewhere, *chain.promotions(name, admission.version)]


def weakened_text(facts: Mapping[str, Any]) -> str:
    """In what the policy of a promotion demanded less than that of ChromSeg-Ops; "" for nothing."""
    return ", ".join(facts.get("weakened", ()))


def retired_text(entry: Entry | None) -> str | None:
    """A retirement in words; None for none."""
    return None if entry is None else f"{entry.at[:19]}Z by {entry.by}: {entry.reason}"


def check_in_use(version: Version) -> None:
    """Refuse a version that was retired.

    Raises:
        RetiredError: It was; the message says when, by whom and why.
    """
    if version.retired is not None:
        raise RetiredError(
            f"{version.label} was retired at {version.retired}",
            expected="a version that is in use",
            remedy=f"take another one: `chromseg-ops models list {version.name}`",
        )


def signature(tags: Mapping[str, str]) -> str:
    """SHA-256 of a version's own tags; the log keeps it, so that nobody changes them unseen."""
    return hashlib.sha256(canonical({name: tags.get(name) for name in SIGNED}).encode()).hexdigest()


def place_of(found: ModelVersion) -> str:
    """The end of a version's place, `models/m-…/artifacts`, which a store that is restored in another folder keeps."""
    return "/".join(found.source.rstrip("/").split("/")[-3:])


def _not_registered(found: ModelVersion) -> RegistryError:
    if "lineage" in found.tags:
        return RegistryError(
            f"{found.name}/{found.version} is not in the audit log: its registration was cut short",
            expected="a version that was registered to the end",
            remedy="register its model folder again",
        )
    return RegistryError(
        f"{found.name}/{found.version} has no lineage",
        expected="a version registered by `chromseg-ops models register`",
        remedy="register its model folder",
    )


def _changed(found: ModelVersion, entry: Entry) -> RegistryError:
    return RegistryError(
        f"{found.name}/{found.version} no longer says what {entry.by} registered at {entry.at[:19]}Z",
        expected="lineage, metrics, hashes and source as the audit log has them",
        remedy="do not use it; restore the store from a backup (`chromseg-ops registry restore`)",
    )
