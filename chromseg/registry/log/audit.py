"""The audit log in the store: one version of the registered model `chromseg-audit` for each entry.

MLflow gives the versions their numbers, each once, also to writers that ask at the same moment: that is the order of
the log. Its aliases have no compare-and-swap, so the log decides and an alias only shows what the log says
(`aliases.py`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count, takewhile

from chromseg.errors import RegistryError
from chromseg.project import tracking_uri
from chromseg.registry.log.chain import Chain, follow
from chromseg.registry.log.descriptions import AUDIT_LOG
from chromseg.registry.log.entries import Entry
from chromseg.registry.log.heads import HEAD_TAG, contradiction, head_text, longer, recall, remember
from chromseg.registry.store.backend import MlflowClient, MlflowException, ModelVersion, RegisteredModel
from chromseg.registry.store.bulk import every
from chromseg.registry.store.store import translated

LOG = "chromseg-audit"
_PIECE = 16_000  # characters: MLflow takes no tag of more than 100,000, and MySQL none of more than 64 KiB
_ATTEMPTS = 20
_seen: dict[str, Chain] = {}  # by store: what this process has followed already


def read_log(client: MlflowClient) -> Chain:
    """The log, followed and compared with the head that this machine has seen.

    Only what is new since this process last looked is fetched; `verify_log` fetches all.

    Raises:
        RegistryError: It was changed, entries are missing, or its end was cut off.
    """
    memory = recall()
    chain = _extended(client, _seen.get(tracking_uri(), Chain()))
    return _trusted(chain, _problems(chain, memory.of(chain)))


def verify_log(
    client: MlflowClient, models: Sequence[RegisteredModel], written_down: str | None = None
) -> tuple[Chain, bool]:
    """The log, fetched and followed from its first entry, compared with all heads written down elsewhere.

    Args:
        client: Of the store.
        models: `registered_models`, with heads of the log, read before this call: a newer head does not mean a cut end.
        written_down: A head that somebody wrote down, "LENGTH HASH".

    Returns:
        The chain, with everything that is wrong in its `problems`, and whether this machine had seen the log before.
    """
    memory = recall()
    heads = {f"registered model {each.name}": each.tags[HEAD_TAG] for each in models if HEAD_TAG in each.tags}
    chain = follow(_records(_fetch(client, 0)))
    own = memory.of(chain)
    problems = _problems(chain, heads | own | ({} if written_down is None else {"--head": written_down}))
    if not problems:
        remember(chain)
    return replace(chain, problems=problems), bool(own)


def append(
    client: MlflowClient, make: Callable[[Chain], Entry], show: Callable[[Entry], None] = lambda entry: None
) -> Entry:
    """Add an entry to the log.

    Args:
        client: Of the store.
        make: Writes the entry for the log as it stands, or raises if that no longer allows it. When another writer was
            faster it is asked again, with the new log. It may also return an entry that is in the log already.
        show: Shows in MLflow what the entry decided. The head is written down at the model only after that, which tells
            a decision that was cut off before it was shown from one that somebody changed afterwards.

    Returns:
        The entry as it stands in the chain.

    Raises:
        RegistryError: The log is not sound, the store does not take the entry, or others were always faster.
    """
    for _ in range(_ATTEMPTS):
        chain = read_log(client)
        entry = make(chain)
        if entry in chain.entries:
            return entry
        entry = replace(entry, prev=chain.head)
        if not chain.stored:
            _ensure_log(client)
        if not _written(client, entry):
            continue
        chain = read_log(client)
        if entry in chain.entries:
            remember(chain)
            show(entry)
            _write_head_down(client, entry.model, chain)
            return entry
    raise RegistryError(
        f"the audit log took {_ATTEMPTS} entries of others before this one",
        expected="a moment without other writers",
        remedy="nothing was changed: run the same command again",
    )


def pieces(text: str) -> dict[str, str]:
    """Tags that hold the text of an entry, by name: `entry`, and where it is long `entry.1`, `entry.2` and so on."""
    starts = range(0, len(text), _PIECE)
    return {_piece(i): text[start : start + _PIECE] for i, start in enumerate(starts)}


def joined(tags: Mapping[str, str]) -> str:
    """The text that `pieces` took apart; "" if there is none."""
    return "".join(tags[name] for name in takewhile(tags.__contains__, map(_piece, count())))


def _piece(i: int) -> str:
    return f"entry.{i}" if i else "entry"


def forget() -> None:
    """Follow the log from its beginning next time: the store was replaced."""
    _seen.clear()


def _extended(client: MlflowClient, seen: Chain) -> Chain:
    """`seen` with what came after it; followed afresh if its last entry is no longer where it was."""
    known = max(seen.stored, 1)
    records = _records(_fetch(client, known - 1))
    if seen.stored:
        last = next((text for number, text in records if number == known), None)
        if last is None or last not in (seen.entries[-1].to_json(), *(each.to_json() for each in seen.lost.values())):
            return follow(_records(_fetch(client, 0)))
        records = [(number, text) for number, text in records if number > known]
    return follow(records, seen) if records else seen


def _trusted(chain: Chain, problems: Sequence[str]) -> Chain:
    if problems:
        raise RegistryError(
            f"the audit log cannot be trusted: {problems[0]}",
            expected="a log that nobody has changed",
            remedy="see `chromseg-ops models verify-log`; restore the store from a backup (`registry restore`)",
        )
    _seen[tracking_uri()] = chain
    return chain


def _problems(chain: Chain, heads: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with `chain`; `heads` were read before it, lest an entry written in between look like a cut end."""
    found = [contradiction(chain, text, where) for where, text in heads.items()]
    return (*chain.problems, *(problem for problem in found if problem))


def _fetch(client: MlflowClient, after: int) -> list[ModelVersion]:
    where = f"name = '{LOG}' AND version_number > {after}"
    with translated("the audit log cannot be read"):
        return every(client.search_model_versions, where, max_results=1000, order_by=["version_number ASC"])


def _records(versions: Sequence[ModelVersion]) -> list[tuple[int, str]]:
    return [(int(version.version), joined(version.tags)) for version in versions]


def _written(client: MlflowClient, entry: Entry) -> bool:
    """Whether the store took the entry; False if it was busy with another writer."""
    try:
        client.create_model_version(LOG, f"{LOG}:/{entry.hash}", tags=pieces(entry.to_json()), await_creation_for=0)
    except MlflowException as error:
        if _busy(error):
            time.sleep(random.uniform(0.01, 0.05))
            return False
        with translated("the audit log does not take an entry"):
            raise
    return True


def _busy(error: MlflowException) -> bool:
    """Two writers met: SQLite lets one wait in vain, PostgreSQL and the server find the number taken."""
    text = str(error)
    return any(sign in text for sign in ("database is locked", "Model Version creation error", "IntegrityError"))


def _ensure_log(client: MlflowClient) -> None:
    try:
        client.create_registered_model(LOG, description=AUDIT_LOG)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _write_head_down(client: MlflowClient, model: str, chain: Chain) -> None:
    """Never over a newer one; and as a tag has no compare-and-swap, the writer looks whether the log went on."""
    with translated(f"the head of the log cannot be written down at {model}"):
        shown = _shown_head(client, model)
        while shown is not None and longer(shown, text := head_text(chain)) == text != shown:
            client.set_registered_model_tag(model, HEAD_TAG, text)
            shown, chain = text, read_log(client)
            remember(chain)


def _shown_head(client: MlflowClient, model: str) -> str | None:
    """The head written down at a registered model; None if somebody deleted or renamed that."""
    try:
        return str(client.get_registered_model(model).tags.get(HEAD_TAG, ""))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def registered_models(client: MlflowClient) -> list[RegisteredModel]:
    """All registered models, as MLflow shows them; the log is one."""
    with translated("registered models cannot be listed"):
        return every(client.search_registered_models, max_results=1000)
