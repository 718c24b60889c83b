"""MLflow's aliases, kept as the log has them: a projection that every read repairs.

A process killed between its entry and the alias leaves an alias that is behind; one moved by hand in MLflow's pages is
beside the log. Both are put right by whoever looks next, and nobody of ours ever acts on MLflow's word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chromseg.registry.audit import read_log
from chromseg.registry.backend import MlflowClient, MlflowException
from chromseg.registry.descriptions import of_model, of_version
from chromseg.registry.entries import Chain, Entry, aliases
from chromseg.registry.store import translated

ALIASES = ("champion", "challenger")
_ROUNDS = 5


def decided_aliases(client: MlflowClient, name: str, shown: Mapping[str, int]) -> tuple[dict[str, int], Chain]:
    """Alias → version of a registered model as the log has it, and the log; MLflow's are repaired if they differ.

    Args:
        client: Of the store.
        name: Registered model.
        shown: Its aliases in MLflow, read before this call: what differs from an older log would be no difference.
    """
    for _ in range(_ROUNDS):  # another writer may move on while this one repairs
        chain = read_log(client)
        decided = {alias: held[-1] for alias, held in sorted(aliases(chain.of(name)).items()) if held}
        wrong = {alias for alias in ALIASES if shown.get(alias) != decided.get(alias)}
        if not wrong:
            break
        try:
            for alias in wrong:
                show_alias(client, name, alias, decided.get(alias))
        except MlflowException:  # a store that may only be read: its log is right all the same
            break
        shown = decided
    return decided, chain


def show_alias(client: MlflowClient, name: str, alias: str, version: int | None) -> None:
    """Write one alias into MLflow, or take it away."""
    if version is None:
        client.delete_registered_model_alias(name, alias)
    else:
        client.set_registered_model_alias(name, alias, str(version))


def describe(client: MlflowClient, name: str, number: int, card: str, entries: Sequence[Entry]) -> None:
    """Write what the log says of a model and one version of it into their descriptions.

    Args:
        client: Of the store.
        name: Registered model.
        number: The version that an alias was moved to.
        card: Its MODEL_CARD.md.
        entries: All of the log about the model.
    """
    with translated(f"{name}/{number} cannot be described"):
        client.update_registered_model(name, of_model(name, entries))
        client.update_model_version(name, str(number), of_version(card, entries, number))
