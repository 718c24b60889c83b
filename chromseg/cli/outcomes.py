"""What becomes of pictures, for people and for machines: a line each as it happens, and the sum."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from chromseg.inference.batch import Outcome


def report(outcome: Outcome) -> None:
    """One line a picture on stderr, as it happens."""
    if outcome.error:
        reason, source = str(outcome.error), outcome.job.source.as_posix()
        line = reason if reason.startswith(source) else f"{source}: {reason}"
    elif outcome.status == "skipped":
        line = f"{outcome.job.source}: done before, skipped"
    else:
        review = f", {outcome.review} to be looked at" if outcome.review else ""
        line = f"{outcome.job.source}: {outcome.count} chromosomes{review}"
    typer.echo(line, err=True)
    for note in outcome.notes:
        typer.echo(f"  note: {note}", err=True)


def finish(outcomes: list[Outcome], as_json: bool) -> None:
    """Print the sum on stdout; exit 1 if any failed."""
    counts: dict[str, Any] = {
        status: sum(outcome.status == status for outcome in outcomes) for status in ("done", "skipped", "failed")
    }
    counts["chromosomes"] = sum(outcome.count for outcome in outcomes)
    counts["to_review"] = sum(outcome.review for outcome in outcomes)
    if as_json:
        results = [
            {
                "file": o.job.source.as_posix(),
                "status": o.status,
                "folder": o.job.folder.as_posix(),
                "chromosomes": o.count,
                "to_review": o.review,
                "notes": list(o.notes),
            }
            for o in outcomes
        ]
        typer.echo(json.dumps({**counts, "results": results}, indent=2))
    else:
        typer.echo(
            f"{counts['done']} done, {counts['skipped']} skipped, {counts['failed']} failed; "
            f"{counts['chromosomes']} chromosomes, {counts['to_review']} to be looked at"
        )
    if counts["failed"]:
        raise typer.Exit(1)
