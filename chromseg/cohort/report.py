"""What a run leaves beside its results: `failures.json`, `summary.json`, and `summary.html` for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from chromseg.cohort import storage
from chromseg.cohort.tally import Tally
from chromseg.inference.failures import FAILURES_FILE, Failure, is_list, merged
from chromseg.inference.result import ModelIdentity
from chromseg.inference.shard import Shard
from chromseg.pages import page

SUMMARY = "summary"


def earlier_failures(out: str, shard: Shard) -> dict[str, Failure]:
    """What earlier runs left to do, by name; raises as `storage.read`."""
    lists = (storage.read(storage.join(out, name)) for name in _lists(out, shard))
    return {each["file"]: each for each in merged(lists, [], ())}


def write_report(out: str, tally: Tally, model: ModelIdentity, shard: Shard) -> None:
    """Write all three; those of a share have its name.

    Args:
        out: The destination.
        tally: Of the run.
        model: Which model.
        shard: The share.

    Raises:
        OutputError: They cannot be written.
    """
    _write_failures(out, tally, shard)
    facts = {"model": model.name, "version": model.version, "weights_sha256": model.weights_sha256, **tally.to_json()}
    _put(out, shard.named(f"{SUMMARY}.json"), json.dumps(facts, indent=2) + "\n")
    _put(out, shard.named(f"{SUMMARY}.html"), summary_page(tally, model, shard))


def summary_page(tally: Tally, model: ModelIdentity, shard: Shard | None = None) -> str:
    """The page that a person looks at when a cohort is done."""
    shard = shard or Shard()
    facts = tally.to_json()
    share = f"{tally.flagged / tally.chromosomes:.1%}" if tally.chromosomes else "–"
    mean = f"{tally.chromosomes / tally.counts.total():.1f}" if tally.counts else "–"
    version = "" if model.version is None else f", version {model.version}"
    return page(
        "cohort",
        title=f"{tally.done:,} pictures" + ("" if shard.of == 1 else f", share {shard.number} of {shard.of}"),
        model=f"{model.name}{version}, weights {str(model.weights_sha256)[:12]}",
        when=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {tally.line()}",
        figures=[
            ("predicted on", f"{facts['done']:,}"),
            ("done before", f"{facts['skipped']:,}"),
            ("refused", f"{facts['refused']:,}"),
            ("failed", f"{facts['failed']:,}"),
            ("chromosomes", f"{tally.chromosomes:,}"),
            ("flagged for review", share),
            ("pieces that may be chromosomes", f"{tally.unclaimed:,}"),
            ("chromosomes a picture", mean),
        ],
        bars=_bars(tally),
        described=_described(tally),
        rules=tally.rules.most_common(),
        failures=shard.named(FAILURES_FILE),
        worst=[(each["file"], each["flagged"], each["unclaimed"], each["chromosomes"]) for each in tally.worst],
        steps=list(facts["ms_a_picture"].items()),
    )


def _bars(tally: Tally) -> list[dict[str, Any]]:
    """One bar a number of chromosomes, from the least to the most; heights in percent of the highest."""
    if not tally.counts:
        return []
    highest = max(tally.counts.values())
    return [
        {"count": count, "pictures": tally.counts[count], "height": round(100 * tally.counts[count] / highest, 1)}
        for count in range(min(tally.counts), max(tally.counts) + 1)
    ]


def _described(tally: Tally) -> str:
    if not tally.counts:
        return ""
    usual, pictures = tally.counts.most_common(1)[0]
    return f"most often {usual}, in {pictures / tally.counts.total():.0%} of the pictures"


def _write_failures(out: str, tally: Tally, shard: Shard) -> None:
    """As `note_failures`, in any store."""
    own, kept = shard.named(FAILURES_FILE), [*tally.earlier.values(), *tally.failures]
    lists = _lists(out, shard)
    if kept:
        _put(out, own, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    for name in lists:
        if name != own or not kept:
            storage.remove(storage.join(out, name))


def _lists(out: str, shard: Shard) -> list[str]:
    """The lists that this run renews: its own, and those of all shares where it does the whole."""
    names = (each.relative for each in storage.files_below(out, deep=False))
    own = shard.named(FAILURES_FILE)
    return [name for name in names if (is_list(name) if shard.of == 1 else name == own)]


def _put(out: str, name: str, text: str) -> None:
    storage.write(storage.join(out, name), text.encode())
