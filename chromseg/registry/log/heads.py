"""The log's head, written down where the log is not, so that a log whose end was cut off is found out.

Two places: a tag of each registered model (in the store, seen by everybody), and a file of this account on this machine
(out of reach of one who rewrites the store). In that file a log is known by the hash of its first entry, however the
store is addressed; and a place by its address, so that a log that was replaced as a whole is missed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock

from chromseg.errors import OutputError, RegistryError
from chromseg.files import write_json
from chromseg.project import canonical_uri, state_folder, tracking_uri
from chromseg.registry.log.chain import Chain

HEADS = "audit-heads.json"  # in the state folder
HEAD_TAG = "chromseg.audit_head"  # of a registered model: "<length> <hash>"
_LOG = logging.getLogger("chromseg.registry")  # without a handler Python prints its warnings on stderr, a line each
_warned: set[str] = set()


@dataclass(frozen=True)
class Memory:
    """What this account on this machine has seen of audit logs.

    Attributes:
        heads: Head by log. A log's key is the hash of its first entry; of a store that a backup was restored to, with
            the place behind it, because from there on it may differ from the one that the backup was made of.
        places: Key of the log that was seen last, by address.
    """

    heads: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def of(self, chain: Chain) -> dict[str, str]:
        """The heads that `chain` must agree with, by where they stand."""
        file, found = _file(), dict[str, str]()
        for key, where in ((self.key(chain), ""), (self.places.get(_place(), ""), " at this address")):
            if key in self.heads and self.heads[key] not in found.values():
                found[f"this machine ({file}){where}"] = self.heads[key]
        return found

    def key(self, chain: Chain) -> str:
        """Under which a log is remembered."""
        first, known = chain.hash_at(min(1, len(chain.entries))), self.places.get(_place(), "")
        return known if known.startswith(first) else first

    def with_head(self, key: str, head: str) -> Memory:
        """With one more head, of the log that stands at this address."""
        return Memory({**self.heads, key: head}, {**self.places, _place(): key})


def head_text(chain: Chain) -> str:
    """Length and hash, as they are written down."""
    return f"{len(chain.entries)} {chain.head}"


def contradiction(chain: Chain, text: str, where: str) -> str | None:
    """What is wrong with `chain` if `text`, found at `where`, was once its head; None if nothing is."""
    length, digest = length_of(text), text.partition(" ")[2]
    if length < 0:
        return f"{where} holds no head of a log: {text!r}"
    if length > len(chain.entries):
        return f"the log has {len(chain.entries)} entries, but {where} has seen {length}: its end was cut off"
    if chain.hash_at(length) != digest:
        return f"entry {length} of the log is not the one that {where} has seen"
    return None


def longer(one: str, other: str) -> str:
    """Of two heads as written down that of the longer log, `other` if neither is; what is no head is shorter."""
    return one if length_of(one) > length_of(other) else other


def recall() -> Memory:
    """What this machine has seen so far; to be read before the log that is compared with it.

    Raises:
        RegistryError: The file was damaged.
        OSError: It may not be read.
    """
    try:
        file = _file()
        values = json.loads(file.read_text(encoding="utf-8"))
        return Memory(*({str(key): str(value) for key, value in values[part].items()} for part in ("heads", "places")))
    except (FileNotFoundError, NotADirectoryError, RuntimeError):  # the last: an account without a home
        return Memory()
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise RegistryError(
            f"{file} cannot be read ({type(error).__name__}: {error})",
            expected="the heads of audit logs that this machine has seen",
            remedy="restore it from a backup, or look into who changed it before removing it",
        ) from error


def remember(chain: Chain) -> None:
    """Write the head down, unless a longer log was seen; where this account may not write, say so in one line."""

    def newer(memory: Memory) -> Memory:
        key = memory.key(chain)
        return memory.with_head(key, longer(memory.heads.get(key, ""), head_text(chain)))

    if chain.entries:
        _update(newer)


def remember_restored(chain: Chain, seen: str) -> None:
    """A backup was put in this place: what counts from here on is its log, and `seen`, the head that came with it."""
    key = f"{chain.hash_at(min(1, len(chain.entries)))} restored to {_place()}"
    _update(lambda memory: memory.with_head(key, longer(seen, head_text(chain))))


def remember_new() -> None:
    """A store was made in this place: whatever stood there before is no more."""
    _update(lambda memory: Memory(memory.heads, {p: key for p, key in memory.places.items() if p != _place()}))


def _update(change: Callable[[Memory], Memory]) -> None:
    try:
        file = _file()
        if change(known := recall()) == known:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=60):
            write_json(file, asdict(change(recall())))
    except (OSError, OutputError, RuntimeError) as error:
        _tell_once(
            f"the head of the audit log is not kept on this machine ({error}); CHROMSEG_STATE_DIR names a folder"
        )


def _tell_once(line: str) -> None:
    if line not in _warned:
        _warned.add(line)
        _LOG.warning(line)


def length_of(text: str) -> int:
    """Entries of the log whose head this is; -1 if no length of the log has it."""
    length = text.partition(" ")[0]
    return int(length) if length.isdecimal() else -1


def _place() -> str:
    return canonical_uri(tracking_uri())


def _file() -> Path:
    return state_folder() / HEADS
