"""Aliases: which version is the champion, who decided so, when and why, and the way back.

A change is an entry of the audit log. It counts only if the alias still is where it was when the decision was taken: of
two promoters at the same moment one wins, and the other learns by whom it was overtaken.
"""

from __future__ import annotations

from collections.abc import Callable

from chromseg.errors import RegistryError
from chromseg.registry.card.text import card_of
from chromseg.registry.gates.judge import Judgement, judge
from chromseg.registry.gates.policy import changed_meanwhile, read_policy
from chromseg.registry.log.actor import current_actor
from chromseg.registry.log.aliases import ALIASES, describe, show_alias
from chromseg.registry.log.audit import append, read_log
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.entries import Action, Entry, timestamp
from chromseg.registry.log.stacks import aliases
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.references import Reference, find_version, parse_reference, standing
from chromseg.registry.versions.resolve import checked_folder
from chromseg.registry.versions.version import Version, as_version, check_in_use


def promote(
    reference: str,
    *,
    reason: str = "",
    alias: str = "champion",
    by: str | None = None,
    force: str | None = None,
) -> Entry:
    """Point `alias` at the version meant by `reference`, if every gate lets it pass.

    Args:
        reference: `NAME/VERSION`, or `NAME@ALIAS` (say, the challenger).
        reason: Why; kept. May be empty if `force` says it.
        alias: One of `ALIASES`.
        by: Who; default: `current_actor()`.
        force: Why it is promoted even if gates refuse; kept with their answers, and shown with the version forever.

    Raises:
        RegistryError: Unknown version or alias, no reason, no known name, it is so already, a gate refused, or another
            promoter moved the alias in the meantime, or what was judged changed.
    """
    by, reason = by or current_actor(), _checked_reason(force or "" if force is not None else reason)
    client = open_store()
    judgement = _judged(client, reference, alias, by)
    version, current = judgement.version, judgement.current
    if judgement.failed and force is None:
        raise _refused(judgement)
    action: Action = "force" if judgement.failed else "promote"

    def entry(chain: Chain) -> Entry:
        if _held(chain, version.name, alias)[-1:] != ([] if current is None else [current]):
            raise _overtaken(chain, version.name, alias, current)
        _check_as_judged(client, chain, judgement)
        return Entry(
            timestamp(), by, action, version.name, version.number, alias, current, reason, facts=judgement.facts()
        )

    return _carry_out(client, entry, judgement.card)


def judge_promotion(reference: str, *, alias: str = "champion", by: str | None = None) -> Judgement:
    """What the gates say of a promotion; no alias is moved.

    Args:
        reference: As of `promote`.
        alias: One of `ALIASES`.
        by: Under whose name the champion's scores enter the log, if it must be measured; None enters nothing.

    Raises:
        RegistryError: Unknown version or alias, or it is so already.
    """
    return _judged(open_store(), reference, alias, by)


def _judged(client: MlflowClient, reference: str, alias: str, by: str | None) -> Judgement:
    _check_alias(alias)
    meant = parse_reference(reference)
    shown, chain = standing(client, meant.name)
    version = as_version(find_version(client, meant, shown), shown, chain)
    check_in_use(version)
    if alias in version.aliases:
        raise RegistryError(
            f"{version.label} is the {alias} already",
            expected="another version",
            remedy=f"see `chromseg-ops models list {version.name}`",
        )
    return judge(client, version, alias, shown.get(alias), by)


def rollback(name: str, *, reason: str, alias: str = "champion", by: str | None = None) -> Entry:
    """Point `alias` at the version it had before its last promotion; again, and it goes back one more.

    No gate is asked: that version has been what it becomes again. Its files must be whole.

    Raises:
        RegistryError: There is no earlier version, its files are gone, no reason, no known name, or another promoter
            moved the alias in the meantime.
    """
    _check_alias(alias)
    client = open_store()
    by, reason = by or current_actor(), _checked_reason(reason)
    held = _held(standing(client, name)[1], name, alias)
    current = held[-1] if held else None
    if len(held) < 2:
        raise RegistryError(
            f"no earlier {alias} of {name} on record" + (f" than version {current}" if current else ""),
            expected="an alias that was promoted at least twice",
            remedy=f"promote the version you want: `chromseg-ops models promote {name}/VERSION --alias {alias}`",
        )

    def entry(chain: Chain) -> Entry:
        if _held(chain, name, alias) != held:  # its top may be the same again, and what lies below it not
            raise _overtaken(chain, name, alias, current)
        checked_folder(_at_hand(client, chain, name, held[-2]))
        return Entry(timestamp(), by, "rollback", name, held[-2], alias, current, reason)

    return _carry_out(client, entry)


def history(name: str) -> list[Entry]:
    """Everything that happened to one model, oldest first, as the audit log has it.

    Raises:
        RegistryError: There is no such model, or the log cannot be trusted.
    """
    return standing(open_store(), name)[1].of(name)


def _show(client: MlflowClient, entry: Entry) -> None:
    show_alias(client, entry.model, str(entry.alias), entry.version)


def _carry_out(client: MlflowClient, make: Callable[[Chain], Entry], card: str | None = None) -> Entry:
    """Enter what was decided, and show it in MLflow: the alias, and the descriptions of model and version.

    Args:
        client: Of the store.
        make: As of `append`.
        card: The version's MODEL_CARD.md; None if it was not read yet.
    """
    entry = append(client, make, lambda entered: _show(client, entered))
    chain = read_log(client)
    if card is None:
        card = card_of(checked_folder(_at_hand(client, chain, entry.model, entry.version)))
    describe(client, entry.model, entry.version, card, chain.of(entry.model))
    return entry


def _held(chain: Chain, name: str, alias: str) -> list[int]:
    """The versions that the alias stands on, its present one last."""
    return aliases(chain.of(name)).get(alias, [])


def _overtaken(chain: Chain, name: str, alias: str, expected: int | None) -> RegistryError:
    last = [entry for entry in chain.of(name) if entry.alias == alias or alias in entry.facts.get("moved", {})][-1]
    done = f"retired version {last.version}," if last.action == "retire" else f"made version {last.version}"
    return RegistryError(
        f"{last.by} {done} the {alias} of {name} at {last.at[:19]}Z, while this was decided",
        expected=f"{'version ' + str(expected) if expected else 'none'} as the {alias}, as before",
        remedy=f"look at it (`chromseg-ops models history {name}`) and decide again",
    )


def _check_as_judged(client: MlflowClient, chain: Chain, judgement: Judgement) -> None:
    """What was judged must be what is promoted, however long the promoter was held up in between.

    Lineage, metrics and files of the candidate, those of the champion it was compared with, and the limits: whatever
    takes milliseconds to look at again.
    """
    name = judgement.version.name
    checked_folder(_at_hand(client, chain, name, judgement.version.number))
    if judgement.current is not None:
        _at_hand(client, chain, name, judgement.current)
    if read_policy()[1] != judgement.policy_sha256:
        raise changed_meanwhile(judgement.version.label)


def _at_hand(client: MlflowClient, chain: Chain, name: str, number: int) -> Version:
    """A version read anew; it raises if its facts are not those that the log knows."""
    return as_version(find_version(client, Reference(name, version=number), {}), {}, chain)


def _refused(judgement: Judgement) -> RegistryError:
    return RegistryError(
        f"{judgement.version.label} does not pass {'; '.join(map(str, judgement.failed))}",
        expected=f"every gate of promotion.yaml passed to become {judgement.alias}",
        remedy="see all with --dry-run; improve the model, or promote it all the same with --force REASON, which is "
        "recorded",
    )


def _check_alias(alias: str) -> None:
    if alias not in ALIASES:
        raise RegistryError(f"alias {alias!r}", expected=" or ".join(ALIASES), remedy="choose one of them")


def _checked_reason(reason: str) -> str:
    if not reason.strip():
        raise RegistryError("an empty reason", expected="why the alias moves", remedy="say it: --reason TEXT")
    return reason.strip()
