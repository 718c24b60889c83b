"""Taking a version out of use for good: consent was withdrawn, a fault was found, or somebody deleted it in MLflow.

One entry of the log does it all at once: the version resolves no more, becomes nothing again, and leaves every alias it
stands on to the version before it, or to none. No gate is asked and nobody else: it may be an emergency.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from chromseg.errors import RegistryError, RetiredError
from chromseg.registry.log.actor import current_actor
from chromseg.registry.log.aliases import decided, show_alias
from chromseg.registry.log.audit import append, read_log
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.descriptions import of_model, of_version
from chromseg.registry.log.entries import ADMITS, Entry, timestamp
from chromseg.registry.log.stacks import aliases, moved_by_retiring
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.store import open_store, translated
from chromseg.registry.versions.references import Reference, all_versions, known_names, parse_reference
from chromseg.registry.versions.version import retired_text

TAG = "retired"  # of the version in MLflow, for those who look there


@dataclass(frozen=True)
class Retirement:
    """What came of it.

    Attributes:
        entry: Of the log.
        moved: Alias → the version that has it now; None for none.
        akin: Versions in use that have it as a parent, or hold the same weights under another name.
    """

    entry: Entry
    moved: dict[str, int | None]
    akin: tuple[str, ...]


def retire(reference: str, *, reason: str, by: str | None = None) -> Retirement:
    """Take a version out of use, for good.

    Args:
        reference: `NAME/VERSION` or `NAME@ALIAS`; MLflow need not have it any more.
        reason: Why; every later refusal names it.
        by: Who; default: `current_actor()`.

    Raises:
        RegistryError: The log knows no such version, no reason is given, or the user's name is not known.
        RetiredError: It was retired before.
    """
    by, reason = by or current_actor(), reason.strip()
    if not reason:
        raise RegistryError("an empty reason", expected="why it may not be used", remedy="say it: --reason TEXT")
    client, meant = open_store(), parse_reference(reference)
    number = _number(read_log(client), meant)

    def entry(chain: Chain) -> Entry:
        _check_in_use(chain, meant.name, number)
        moved = moved_by_retiring(aliases(chain.of(meant.name)), number)
        return Entry(timestamp(), by, "retire", meant.name, number, reason=reason, facts={"moved": moved})

    entered = append(client, entry, lambda done: _show(client, done))
    moved = {alias: after for alias, (_, after) in entered.facts["moved"].items()}
    return Retirement(entered, moved, tuple(_akin(client, read_log(client), entered)))


def _number(chain: Chain, meant: Reference) -> int:
    number = decided(chain, meant.name).get(meant.alias) if meant.alias else meant.version
    if number is None or chain.admitted(meant.name, number) is None:
        known = [str(each.version) for each in chain.of(meant.name) if each.action in ADMITS]
        raise RegistryError(
            f"the log knows no {meant}",
            expected=f"one of the versions {', '.join(known)}" if known else "a registered model",
            remedy="see `chromseg-ops models list`; what was never registered needs no retirement, delete it in MLflow",
        )
    return number


def _check_in_use(chain: Chain, name: str, number: int) -> None:
    known = retired_text(chain.retired(name, number))
    if known is not None:
        raise RetiredError(
            f"{name}/{number} was retired at {known}",
            expected="a version that is in use",
            remedy="nothing is left to do",
        )


def _show(client: MlflowClient, entry: Entry) -> None:
    """In MLflow too, as far as it still has model and version; what it cannot show, `verify` tells."""
    number, history = str(entry.version), read_log(client).of(entry.model)
    with suppress(RegistryError), translated(f"{entry.model}/{number} cannot be marked as retired"):
        client.update_registered_model(entry.model, of_model(entry.model, history))
        client.set_model_version_tag(entry.model, number, TAG, str(retired_text(entry)))
        client.update_model_version(entry.model, number, of_version("", history, entry.version))
    for alias, (_, after) in entry.facts["moved"].items():
        with suppress(RegistryError):
            show_alias(client, entry.model, alias, after)


def _akin(client: MlflowClient, chain: Chain, retired: Entry) -> Iterator[str]:
    admitted = chain.admitted(retired.model, retired.version)
    weights = None if admitted is None else admitted.facts["weights_sha256"]
    for found in (version for name in known_names(client) for version in all_versions(client, name)):
        name, number = found.name, int(found.version)
        if chain.admitted(name, number) is None or chain.retired(name, number) is not None:
            continue
        parents = json.loads(found.tags["lineage"]).get("parents") or ()
        if f"models:/{retired.model}/{retired.version}" in parents or found.tags["weights_sha256"] == weights:
            yield f"{name}/{number}"
