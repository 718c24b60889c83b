"""`chromseg-ops predict --ray`: many pictures on a cluster."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from chromseg.cohort.cohort import Cohort
    from chromseg.cohort.outcome import PictureOutcome
    from chromseg.cohort.tally import Tally

_EVERY = 5.0  # seconds between two lines of progress


def predict_cohort(cohort: Cohort, as_json: bool) -> None:
    """Run it; progress and failures on stderr, the sum on stdout; exit 1 if any picture failed."""
    tell = _Teller()
    typer.echo(f"on Ray, {cohort.address}", err=True)
    tally = cohort.run(tell)
    facts = tally.to_json()
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        failed = facts["refused"] + facts["failed"]
        typer.echo(
            f"{facts['done']} done, {facts['skipped']} skipped, {failed} failed; "
            f"{facts['chromosomes']} chromosomes, {facts['to_review']} to be looked at"
        )
    typer.echo(f"{tally.line()}; see summary.html in {cohort.out}", err=True)
    if facts["refused"] or facts["failed"]:
        raise typer.Exit(1)


class _Teller:
    """A line for each failure, and one now and then of how far the run is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, outcome: PictureOutcome, tally: Tally) -> None:
        if outcome.error is not None:
            reason = str(outcome.error)
            name = outcome.file.name
            typer.echo(reason if reason.startswith(name) else f"{name}: {reason}", err=True)
        if time.monotonic() - self._last > _EVERY:
            self._last = time.monotonic()
            typer.echo(tally.line(), err=True)
