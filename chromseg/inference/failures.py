"""`failures.json`: which pictures failed, and why; each share keeps its own, and a whole run merges them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from chromseg.errors import ChromsegError
from chromseg.files import write_json
from chromseg.inference.shard import Shard

FAILURES_FILE = "failures.json"
_LISTS = "failures*.json"

Failure = dict[str, Any]


def is_list(name: str) -> bool:
    """Whether a file of this name is a list of failures, of all or of a share."""
    return fnmatch(name, _LISTS)


def failure_of(file: str, error: ChromsegError) -> Failure:
    """One entry of the list."""
    return {"file": file, "got": error.got, "expected": error.expected, "remedy": error.remedy}


def merged(lists: Iterable[bytes], failed: list[Failure], now: Collection[str]) -> list[Failure]:
    """What failed before among files that were not done `now`, and what failed now; lists not ours count as empty."""
    before: list[Failure] = []
    for content in lists:
        try:
            before += [each for each in json.loads(content) if each["file"] not in now]
        except (ValueError, KeyError, TypeError):
            continue
    return list({each["file"]: each for each in before + failed}.values())


def note_failures(out: Path, failed: list[Failure], now: Collection[str], shard: Shard | None = None) -> None:
    """Renew the list in `out`, or take it away where nothing failed.

    A share writes its own, `failures-3of16.json`; a run of the whole merges what shares left.

    Raises:
        OutputError: It cannot be written.
    """
    shard = shard or Shard()
    own = out / shard.named(FAILURES_FILE)
    lists = sorted(out.glob(_LISTS)) if shard.of == 1 else [own]
    kept = merged((path.read_bytes() for path in lists if path.is_file()), failed, now)
    if kept:
        write_json(own, kept)
    for path in lists:
        if path != own or not kept:
            path.unlink(missing_ok=True)
