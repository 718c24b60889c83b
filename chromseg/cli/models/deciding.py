"""`chromseg-ops models promote`, `rollback` and `retire`: which version is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chromseg.cli.models.options import Alias, ModelName, ModelReference, Reason
from chromseg.cli.models.tables import moved_text
from chromseg.cli.options import AsJson
from chromseg.cli.printing import print_json, print_table

if TYPE_CHECKING:
    from chromseg.registry.gates.judge import Judgement
    from chromseg.registry.log.entries import Entry


def promote(
    model: ModelReference,
    reason: Annotated[str | None, typer.Option(help="Why; kept in the history.")] = None,
    alias: Alias = "champion",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask all gates, change nothing.")] = False,
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Promote even if gates refuse, and why; shown forever.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a version the champion (or challenger), if every gate of promotion.yaml lets it pass."""
    if reason is None and force is None and not dry_run:
        raise typer.BadParameter("give --reason TEXT (or --dry-run, or --force REASON)")
    from chromseg.registry.promotion import judge_promotion
    from chromseg.registry.promotion import promote as move

    if dry_run:
        _print_judgement(judge_promotion(model, alias=alias), as_json)
    else:
        _print_move(model, move(model, reason=reason or "", alias=alias, force=force), as_json)


def rollback(name: ModelName, reason: Reason, alias: Alias = "champion", as_json: AsJson = False) -> None:
    """Give an alias back to the version that had it before."""
    from chromseg.registry.promotion import rollback as move

    _print_move(name, move(name, reason=reason, alias=alias), as_json)


def retire(model: ModelReference, reason: Reason, as_json: AsJson = False) -> None:
    """Take a version out of use for good; its aliases go back to the version before it, or to none."""
    from chromseg.registry.versions.retirement import retire as take_out

    done = take_out(model, reason=reason)
    label = f"{done.entry.model}/{done.entry.version}"
    if as_json:
        print_json({**done.entry.to_dict(), "akin": list(done.akin)})
    else:
        typer.echo(f"{label} is retired")
        for alias, after in done.moved.items():
            typer.echo(f"{done.entry.model}: {moved_text(alias, after)}")
    if done.akin:
        typer.echo(f"built of {label}, or the same weights, and still in use: {', '.join(done.akin)}", err=True)


def _print_judgement(judgement: Judgement, as_json: bool) -> None:
    if as_json:
        print_json(judgement.to_dict())
    else:
        rows = [(gate.name, gate.measured, gate.limit, "pass" if gate.passed else "FAIL") for gate in judgement.gates]
        print_table(("gate", "measured", "limit", "verdict"), rows)
    if judgement.failed:
        typer.echo(f"{judgement.version.label} would not become {judgement.alias}", err=True)
        raise typer.Exit(1)


def _print_move(model: str, event: Entry, as_json: bool) -> None:
    if as_json:
        print_json(event.to_dict())
        return
    name = model.removeprefix("models:/").partition("@")[0].partition("/")[0]
    before = f", which was version {event.previous}," if event.previous else ""
    typer.echo(f"{name}@{event.alias}{before} is version {event.version} now")
