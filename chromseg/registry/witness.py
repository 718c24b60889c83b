"""The log's head, written down where the log is not, so that a log whose end was cut off is found out.

Two places: a tag of each registered model (in the store, seen by everybody), and `mlruns/audit-heads.json` of every
project folder that wrote to or verified the log (on that machine, out of reach of whoever rewrites the store).
"""

from __future__ import annotations

import json
from pathlib import Path

from filelock import FileLock

from chromseg.errors import OutputError, RegistryError
from chromseg.files import write_json
from chromseg.registry.entries import Chain
from chromseg.registry.place import project_root, tracking_uri

HEADS = "audit-heads.json"  # beside the local store
HEAD_TAG = "chromseg.audit_head"  # of a registered model: "<length> <hash>"


def head_text(chain: Chain) -> str:
    """Length and hash, as they are written down."""
    return f"{len(chain.entries)} {chain.head}"


def contradiction(chain: Chain, text: str, where: str) -> str | None:
    """What is wrong with `chain` if `text`, found at `where`, was once its head; None if nothing is."""
    length, digest = _length(text), text.partition(" ")[2]
    if length < 0:
        return f"{where} holds no head of a log: {text!r}"
    if length > len(chain.entries):
        return f"the log has {len(chain.entries)} entries, but {where} has seen {length}: its end was cut off"
    if chain.hash_at(length) != digest:
        return f"entry {length} of the log is not the one that {where} has seen"
    return None


def longer(one: str, other: str) -> str:
    """Of two heads as written down that of the longer log, `other` if neither is; what is no head is shorter."""
    return one if _length(one) > _length(other) else other


def remembered() -> str | None:
    """The head of this store's log that this project folder has seen last; None if it has seen none."""
    return _read(_file()).get(tracking_uri())


def remember(chain: Chain) -> None:
    """Write the head down for this project folder, unless it has seen a longer log."""
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=60):
            heads = _read(file)
            write_json(file, heads | {tracking_uri(): longer(heads.get(tracking_uri(), ""), head_text(chain))})
    except OSError as error:
        raise OutputError(
            f"cannot write {file} ({error.strerror or error})",
            expected="a project folder that can be written",
            remedy="correct its rights or free some space",
        ) from error


def _length(text: str) -> int:
    """Entries of the log whose head this is; -1 if it is none."""
    length = text.partition(" ")[0]
    return int(length) if length.isdecimal() else -1


def _file() -> Path:
    return project_root() / "mlruns" / HEADS


def _read(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return {str(key): str(value) for key, value in values.items()}
    except (ValueError, AttributeError) as error:
        raise RegistryError(
            f"{file} cannot be read ({error})",
            expected="the heads of audit logs that this folder has seen",
            remedy="restore it from a backup, or look into who changed it before removing it",
        ) from error
