"""`chromseg-ops models`: the registry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chromseg.cli.model_tables import event_row, facts, lineage_facts, moved_text, row
from chromseg.cli.printing import print_facts, print_json, print_table

if TYPE_CHECKING:
    from chromseg.registry.gates.judge import Judgement
    from chromseg.registry.gates.probe import Measured
    from chromseg.registry.log.entries import Entry
    from chromseg.registry.versions.version import Version

app = typer.Typer()

Reference = Annotated[str, typer.Argument(metavar="MODEL", help="NAME@ALIAS or NAME/VERSION, such as chromseg/3.")]
Name = Annotated[str, typer.Argument(help="Name of a registered model, such as chromseg.")]
Alias = Annotated[str, typer.Option(help="champion or challenger.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the history.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
_UNSEEN = 3  # exit code: could not look
_STAGES = "pipelines"  # the package of a project's stages


@app.command("list")
def list_models(
    name: Annotated[str | None, typer.Argument(help="Name of a registered model; default all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List registered versions with their aliases, scores and origin."""
    from chromseg.registry.versions.register import list_versions

    versions = list_versions(name)
    if as_json:
        print_json([version.to_dict() for version in versions])
        return
    if not versions:
        typer.echo("none yet; `chromseg-ops init --with-bundled` registers the bundled models", err=True)
        return
    headings = ("model", "aliases", "variant", "seed", "overall", "data", "commit", "registered", "by")
    print_table(headings, [row(version) for version in versions])


@app.command()
def show(model: Reference, as_json: AsJson = False) -> None:
    """Show one version: aliases, metrics, hashes, who registered it when."""
    from chromseg.registry.versions.register import show as find

    version = find(model)
    if as_json:
        print_json(version.to_dict())
        return
    print_facts(facts(version) | dict(sorted(version.metrics.items())))


@app.command()
def register(
    folder: Annotated[Path, typer.Argument(help="Model folder with model.safetensors and model.json.")],
    name: Annotated[str, typer.Option(help="Registered model that gets the version.")] = "chromseg",
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Take a model whose code was not committed; recorded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register a trained model as the next version; refused without complete lineage."""
    from chromseg.registry.gates.trials import try_out
    from chromseg.registry.versions.register import register as take

    version, new = take(folder, name, allow_dirty=allow_dirty)
    trial = try_out(version)
    if as_json:
        print_json({**version.to_dict(), "new": new})
    else:
        typer.echo(f"{version.label} " + ("registered" if new else "is these files already"))
    _warn_of(trial, version)


@app.command()
def evaluate(
    model: Reference,
    data: Annotated[str, typer.Option(metavar="NAME", help="Dataset below data/ to measure it on.")],
    split: Annotated[str, typer.Option(help="Whose cases; gates look at those of test alone.")] = "test",
    as_json: AsJson = False,
) -> None:
    """Measure a registered version on a dataset and enter its scores into the audit log, which the gates believe."""
    from chromseg.registry.versions.measurement import evaluate as measure

    entry = measure(model, data, split=split)
    if as_json:
        print_json(entry.to_dict())
        return
    scores: dict[str, object] = {key: f"{value:.4g}" for key, value in sorted(entry.facts["metrics"].items())}
    print_facts({"model": f"{entry.model}/{entry.version}", "data": f"{data}, {split}"} | scores)


@app.command()
def promote(
    model: Reference,
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


@app.command()
def rollback(name: Name, reason: Reason, alias: Alias = "champion", as_json: AsJson = False) -> None:
    """Give an alias back to the version that had it before."""
    from chromseg.registry.promotion import rollback as move

    _print_move(name, move(name, reason=reason, alias=alias), as_json)


@app.command()
def retire(model: Reference, reason: Reason, as_json: AsJson = False) -> None:
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


@app.command()
def history(name: Name, as_json: AsJson = False) -> None:
    """Tell who registered, promoted and rolled back what, when and why."""
    from chromseg.registry.promotion import history as events_of

    events = events_of(name)
    if as_json:
        print_json([event.to_dict() for event in events])
        return
    headings = ("when", "what", "version", "alias", "before", "by", "why")
    print_table(headings, [event_row(event) for event in events])


@app.command()
def rebuild(
    model: Reference,
    tolerance: Annotated[
        float, typer.Option(min=0, help="How far test metrics may be apart on another machine or a GPU.")
    ] = 0.02,
    as_json: AsJson = False,
) -> None:
    """Train a version again from its commit, data and seed, and compare; exit 1 if something else comes out."""
    from chromseg.registry import rebuild_version

    made = rebuild_version(model, package=_STAGES, tolerance=tolerance, tell=lambda step: typer.echo(step, err=True))
    if as_json:
        print_json(made.to_dict())
    elif made.same_weights:
        typer.echo(f"{made.model} came out bit by bit: weights {made.weights_sha256}")
    else:
        typer.echo(f"{made.model} came out with other weights, {made.weights_sha256}")
        print_table(("metric", "then", "now"), [(key, *figures) for key, figures in made.metrics.items()])
    if not made.passed:
        wanted = "the same weights" if made.exact else f"metrics within {made.tolerance:g}"
        typer.echo(f"expected {wanted}", err=True)
        raise typer.Exit(1)


@app.command("export")
def export_model(
    model: Reference,
    file: Annotated[Path, typer.Argument(help="File to write, such as chromseg-3.zip.")],
    as_json: AsJson = False,
) -> None:
    """Write a version to one file, for a network without a connection."""
    from chromseg.files import sha256
    from chromseg.registry.transfer.export import export_version

    version = export_version(model, file)
    if as_json:
        print_json({"model": version.label, "file": str(file), "sha256": sha256(file)})
    else:
        typer.echo(f"{version.label} is in {file}, SHA-256 {sha256(file)}")


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(help="File written by `models export`.")],
    name: Annotated[
        str | None, typer.Option(help="Registered model that gets the version; default as at home.")
    ] = None,
    announced: Annotated[
        str | None,
        typer.Option("--sha256", metavar="HEX", help="The file's hash, as the sender told it by another way."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register what `models export` wrote; hashes and the log's excerpt are verified."""
    if announced is not None and not re.fullmatch("[0-9a-fA-F]{64}", announced.strip()):
        raise typer.BadParameter(
            f"--sha256 {announced}: expected the 64 hexadecimal digits that `models export` printed"
        )
    from chromseg.registry.gates.trials import try_out
    from chromseg.registry.transfer.export import absent_parents, import_version

    version, new = import_version(file, name=name, announced=announced)
    trial, absent = try_out(version), absent_parents(version)
    if as_json:
        print_json({**version.to_dict(), "new": new, "absent_parents": list(absent)})
    else:
        typer.echo(f"{version.label} " + ("imported" if new else "is these files already"))
    if absent:
        typer.echo(f"not in this store: its parents {', '.join(absent)} of the store it came from", err=True)
    _warn_of(trial, version)


@app.command("verify-log")
def verify_log(
    files: Annotated[
        bool, typer.Option("--files", help="Compare the hashes of all models' files too; a server sends them anew.")
    ] = False,
    head: Annotated[
        str | None,
        typer.Option(metavar='"N HASH"', help="A head that was written down: the log must have had it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow the audit log from its first entry and compare the registry with it; change nothing.

    Exit code 0: sound. 1: something was changed. 3: the store, or part of it, could not be looked at.
    """
    if head is not None and not re.fullmatch(r"\d+ [0-9a-f]{64}", head):
        raise typer.BadParameter(f"--head {head!r}: expected a number of entries and 64 hexadecimal digits")
    from chromseg.errors import StoreError
    from chromseg.registry.versions.verify import verify

    try:
        verdict = verify(files=files, head=head)
    except (StoreError, OSError) as error:
        typer.echo(" ".join(f"error: {error}".split()), err=True)
        raise typer.Exit(_UNSEEN) from None
    if as_json:
        print_json(verdict.to_dict())
    else:
        typer.echo(f"{verdict.length} entries, head {verdict.head}")
        for note in verdict.notes:
            typer.echo(f"note: {note}")
    for problem in verdict.problems:
        typer.echo(f"error: {problem}", err=True)
    for unseen in verdict.unseen:
        typer.echo(f"not seen: {unseen}", err=True)
    if verdict.problems or verdict.unseen:
        raise typer.Exit(1 if verdict.problems else _UNSEEN)


@app.command()
def lineage(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="NAME@ALIAS or NAME/VERSION.")] = None,
    result: Annotated[Path | None, typer.Option(help="An instances.json: which version made it?")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell which run, code and data made a version, or which version made a result."""
    from chromseg.registry.versions.register import show as find
    from chromseg.registry.versions.resolve import version_of_result

    if (model is None) == (result is None):
        raise typer.BadParameter("give either MODEL or --result FILE")
    version = find(model) if model is not None else version_of_result(result or Path())
    if as_json:
        print_json(version.to_dict())
        return
    print_facts(facts(version) | lineage_facts(version))


def _warn_of(trial: Measured | None, version: Version) -> None:
    if trial is not None and trial.problem:
        typer.echo(f"{version.label} does not run here and will not be promoted: {trial.problem}", err=True)


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
