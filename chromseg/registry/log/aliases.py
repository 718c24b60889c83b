"""MLflow's aliases, kept as the log has them: a projection that every read repairs, on record.

A process killed between its entry and the alias leaves an alias that is behind: the next reader moves it. One that was
moved by hand in MLflow's pages is beside the log: the next reader puts it back and enters what it showed. No code acts
on MLflow's word. `verify`, which changes nothing, reports both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chromseg.errors import RegistryError
from chromseg.registry.log.actor import acting_through
from chromseg.registry.log.audit import LOG, append, read_log
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.descriptions import of_model, of_version
from chromseg.registry.log.entries import Entry, timestamp
from chromseg.registry.log.heads import HEAD_TAG, length_of
from chromseg.registry.log.stacks import aliases
from chromseg.registry.store.backend import MlflowClient, RegisteredModel
from chromseg.registry.store.store import translated

ALIASES = ("champion", "challenger")
_ROUNDS = 5

ShownAliases = Mapping[str, int]  # alias → version as MLflow shows it


def decided_aliases(client: MlflowClient, name: str, shown: ShownAliases) -> tuple[dict[str, int], Chain]:
    """Alias → version of a registered model as the log has it, and the log; MLflow's are repaired if they differ.

    Args:
        client: Of the store.
        name: Registered model.
        shown: Its aliases in MLflow, read before this call: what differs from an older log would be no difference.
    """
    chain = read_log(client)
    for _ in range(_ROUNDS):  # another writer may move on while this one repairs
        if not differing(chain, name, shown):
            break
        chain, model = look_again(client, name)
        shown = aliases_of(model)
        try:
            shown, chain = _put_right(client, chain, model)
        except RegistryError:  # a store that may only be read: its log is right all the same
            break
    return decided(chain, name), chain


def decided(chain: Chain, name: str) -> dict[str, int]:
    """Alias → version of a registered model as the log has it."""
    return {alias: held[-1] for alias, held in sorted(aliases(chain.of(name)).items()) if held}


def show_alias(client: MlflowClient, name: str, alias: str, version: int | None) -> None:
    """Write one alias into MLflow, or take it away."""
    with translated(f"{alias} of {name} cannot be moved"):
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


def shown_aliases(models: Sequence[RegisteredModel]) -> dict[str, ShownAliases]:
    """Aliases of all registered models but the log, as MLflow shows them."""
    return {each.name: aliases_of(each) for each in models if each.name != LOG}


def aliases_of(model: RegisteredModel) -> dict[str, int]:
    """Of one model, as MLflow shows them."""
    return {alias: int(number) for alias, number in model.aliases.items()}


def differing(chain: Chain, name: str, shown: ShownAliases) -> list[str]:
    """The aliases that MLflow does not show as the log has them."""
    right = decided(chain, name)
    return [alias for alias in ALIASES if shown.get(alias) != right.get(alias)]


def look_again(client: MlflowClient, name: str) -> tuple[Chain, RegisteredModel]:
    """A model as MLflow shows it now, and the log, which is read after it."""
    with translated(f"{name} cannot be read"):
        model = client.get_registered_model(name)
    return read_log(client), model


def described_aliases(chain: Chain, model: RegisteredModel) -> tuple[list[str], list[str]]:
    """In words: aliases that somebody moved, and those that are behind because a decision was cut off."""
    right, shown = decided(chain, model.name), aliases_of(model)
    by_hand, cut_off = list[str](), list[str]()
    for alias in differing(chain, model.name, shown):
        now, wanted = _named(shown.get(alias)), _named(right.get(alias))
        text = f"MLflow showed {now} as the {alias} of {model.name}, which is {wanted}"
        (cut_off if _is_behind(chain, model, alias) else by_hand).append(text)
    return by_hand, cut_off


def _is_behind(chain: Chain, model: RegisteredModel, alias: str) -> bool:
    """Whether an alias shows what was before its last move, whose writer did not come to write the head down."""
    moves = [
        (length, entry)
        for length, entry in enumerate(chain.entries, 1)
        if entry.model == model.name and (entry.alias == alias or alias in entry.facts.get("moved", {}))
    ]
    if not moves:
        return False
    length, last = moves[-1]
    before = last.version if last.action == "retire" else last.previous
    return length_of(model.tags.get(HEAD_TAG, "")) < length and aliases_of(model).get(alias) == before


def _put_right(client: MlflowClient, chain: Chain, model: RegisteredModel) -> tuple[ShownAliases, Chain]:
    """Show what the log has decided, and before that enter what somebody made MLflow show."""
    by_hand, _ = described_aliases(chain, model)
    if by_hand:
        chain = _on_record(client, chain, model.name, by_hand)
    right = decided(chain, model.name)
    for alias in differing(chain, model.name, aliases_of(model)):
        show_alias(client, model.name, alias, right.get(alias))
    return right, read_log(client)


def _on_record(client: MlflowClient, seen: Chain, name: str, texts: Sequence[str]) -> Chain:
    """The log with one entry more, of the reader who saw it first."""
    own = Entry(timestamp(), acting_through("chromseg-ops"), "repair", name, 0, reason="; ".join(texts))

    def entry(chain: Chain) -> Entry:
        since = [each for each in chain.entries[len(seen.entries) :] if (each.model, each.action) == (name, "repair")]
        return since[-1] if since else own

    append(client, entry)
    return read_log(client)


def _named(version: int | None) -> str:
    return "none" if version is None else f"version {version}"
