"""The chain: what counts, what came second, and what was tampered with."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chromseg.registry.log.chain import Chain, follow
from chromseg.registry.log.entries import GENESIS, Entry
from chromseg.registry.log.stacks import aliases


def _entry(version: int, prev: str = GENESIS, **changes: object) -> Entry:
    entry = Entry("2026-01-01T00:00:00.000000Z", "Ada", "promote", "chromseg", version, "champion", prev=prev)
    return replace(entry, **changes)  # type: ignore[arg-type]


def _log(length: int) -> list[Entry]:
    entries: list[Entry] = []
    for version in range(1, length + 1):
        before = {"prev": entries[-1].hash, "previous": version - 1} if entries else {}
        entries.append(_entry(version, **before))
    return entries


def _stored(entries: list[Entry]) -> list[tuple[int, str]]:
    return [(number, entry.to_json()) for number, entry in enumerate(entries, 1)]


def test_a_sound_log_is_followed_in_one_go_or_in_two() -> None:
    records = _stored(_log(4))
    whole = follow(records)
    assert (len(whole.entries), whole.problems, whole.stored, whole.head) == (4, (), 4, _log(4)[-1].hash)
    assert follow(records[2:], follow(records[:2])) == whole == follow(reversed(records))


def test_an_empty_log() -> None:
    assert follow([]) == Chain() and Chain().head == GENESIS


def test_the_second_of_two_writers_has_lost() -> None:
    first, second = _log(2)
    late = _entry(7, first.hash)
    following = _entry(3, second.hash, previous=2)
    chain = follow(_stored([first, second, late, following]))
    assert chain.entries == (first, second, following)
    assert (dict(chain.lost), chain.problems) == ({3: late}, ())


@pytest.mark.parametrize("field", ["by", "reason", "version", "at", "alias"])
def test_a_changed_entry_breaks_the_chain_even_with_a_valid_text(field: str) -> None:
    entries = _log(3)
    entries[1] = replace(entries[1], **{field: 9 if field == "version" else "someone else"})  # type: ignore[arg-type]
    assert follow(_stored(entries)).problems[-1] == (
        "entry 3 follows none in the log: one before it was changed or taken out"
    )


def test_an_entry_taken_out_is_missed() -> None:
    records = _stored(_log(4))
    assert "entry 2 is missing" in follow([records[0], *records[2:]]).problems
    renumbered = [(number, text) for number, (_, text) in enumerate([records[0], *records[2:]], 1)]
    assert len(follow(renumbered).problems) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"at": "now"}'])
def test_what_is_no_entry_is_named(text: str) -> None:
    assert follow([(1, text)]).problems[0].startswith("entry 1 cannot be read (")


def test_only_the_one_text_of_an_entry_is_taken() -> None:
    text = _entry(1).to_json()
    assert Entry.from_json(text) == _entry(1)
    with pytest.raises(ValueError, match="not the text"):
        Entry.from_json(json.dumps(json.loads(text), indent=1))


def test_a_rollback_takes_the_last_promotion_away() -> None:
    moves = [_entry(1), _entry(2), _entry(2, alias="challenger"), _entry(1, action="rollback"), _entry(3)]
    assert aliases(moves) == {"champion": [1, 3], "challenger": [2]}
    assert aliases([_entry(1, alias=None, action="register")]) == {}


@pytest.mark.parametrize(
    ("last", "problem"),
    [
        (_entry(9, previous=1), "says that version 1 was the champion of chromseg, which was version 2"),
        (_entry(9), "says that none was the champion of chromseg, which was version 2"),
        (_entry(9, action="rollback", previous=2), "says that version 9 was the champion of chromseg before"),
        (_entry(2, alias="challenger", action="rollback"), "says that version 2 was the challenger of chromseg before"),
    ],
)
def test_an_entry_that_fits_its_place_but_not_the_aliases_is_a_problem(last: Entry, problem: str) -> None:
    log = _log(2)
    [found] = follow(_stored([*log, replace(last, prev=log[-1].hash)])).problems
    assert problem in found
    sound = _entry(1, action="rollback", previous=2, prev=log[-1].hash)
    assert follow(_stored([*log, sound])).problems == ()
