"""`chromseg-ops models`: the registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chromseg.cli.printing import print_facts, print_json, print_table

if TYPE_CHECKING:
    from chromseg.registry.promotion import Event
    from chromseg.registry.versions import Version

app = typer.Typer()

Reference = Annotated[str, typer.Argument(metavar="MODEL", help="NAME@ALIAS or NAME/VERSION, such as chromseg/3.")]
Name = Annotated[str, typer.Argument(help="Name of a registered model, such as chromseg.")]
Alias = Annotated[str, typer.Option(help="champion or challenger.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the history.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command("list")
def list_models(
    name: Annotated[str | None, typer.Argument(help="Name of a registered model; default all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List registered versions with their aliases, scores and origin."""
    from chromseg.registry.versions import list_versions

    versions = list_versions(name)
    if as_json:
        print_json([version.to_dict() for version in versions])
        return
    if not versions:
        typer.echo("none yet; `chromseg-ops init --with-bundled` registers the models in the box", err=True)
        return
    headings = ("model", "aliases", "variant", "seed", "overall", "data", "commit", "registered", "by")
    print_table(headings, [_row(version) for version in versions])


@app.command()
def show(model: Reference, as_json: AsJson = False) -> None:
    """Show one version: aliases, metrics, hashes, who registered it when."""
    from chromseg.registry.versions import show as find

    version = find(model)
    if as_json:
        print_json(version.to_dict())
        return
    print_facts(_facts(version) | dict(sorted(version.metrics.items())))


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
    from chromseg.registry.versions import register as take

    version, new = take(folder, name, allow_dirty=allow_dirty)
    if as_json:
        print_json({**version.to_dict(), "new": new})
    else:
        typer.echo(f"{version.name}/{version.number} " + ("registered" if new else "is these files already"))


@app.command()
def promote(model: Reference, reason: Reason, alias: Alias = "champion", as_json: AsJson = False) -> None:
    """Make a version the champion (or challenger)."""
    from chromseg.registry.promotion import promote as move

    _print_move(model, move(model, reason=reason, alias=alias), as_json)


@app.command()
def rollback(name: Name, reason: Reason, alias: Alias = "champion", as_json: AsJson = False) -> None:
    """Give an alias back to the version that had it before."""
    from chromseg.registry.promotion import rollback as move

    _print_move(name, move(name, reason=reason, alias=alias), as_json)


@app.command()
def history(name: Name, as_json: AsJson = False) -> None:
    """Tell who registered, promoted and rolled back what, when and why."""
    from chromseg.registry.promotion import history as events_of

    events = events_of(name)
    if as_json:
        print_json([event.to_dict() for event in events])
        return
    headings = ("when", "what", "version", "alias", "before", "by", "why")
    rows = [(e.at[:19] + "Z", e.action, e.version, e.alias, e.previous, e.by, e.reason or None) for e in events]
    print_table(headings, rows)


@app.command()
def lineage(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="NAME@ALIAS or NAME/VERSION.")] = None,
    result: Annotated[Path | None, typer.Option(help="An instances.json: which version made it?")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell which run, code and data made a version, or which version made a result."""
    from chromseg.registry.resolve import version_of_result
    from chromseg.registry.versions import show as find

    if (model is None) == (result is None):
        raise typer.BadParameter("give either MODEL or --result FILE")
    version = find(model) if model is not None else version_of_result(result or Path())
    if as_json:
        print_json(version.to_dict())
        return
    print_facts(_facts(version) | _lineage_facts(version))


def _row(version: Version) -> tuple[object, ...]:
    overall = version.metrics.get("test/overall_acc")
    return (
        f"{version.name}/{version.number}",
        ", ".join(version.aliases) or None,
        version.lineage.variant,
        version.lineage.seed,
        None if overall is None else f"{overall:.3f}",
        ", ".join(version.lineage.data_md5),
        _commit(version),
        version.registered_at[:10],
        version.registered_by,
    )


def _facts(version: Version) -> dict[str, object]:
    return {
        "model": f"{version.name}/{version.number}",
        "aliases": ", ".join(version.aliases),
        "registered": f"{version.registered_at[:19]}Z by {version.registered_by}",
        "weights sha256": version.weights_sha256,
        "MLflow run": version.run,
    }


def _lineage_facts(version: Version) -> dict[str, object]:
    facts: dict[str, Any] = version.lineage.to_dict()
    data = {f"data md5 of {name}": md5 for name, md5 in facts.pop("data_md5").items()}
    facts["git_commit"] = _commit(version, whole=True)
    del facts["git_dirty"]
    shown = {name: value if isinstance(value, str) else json.dumps(value) for name, value in facts.items()}
    return {name.replace("_", " "): None if value in ("null", "[]") else value for name, value in shown.items()} | data


def _commit(version: Version, *, whole: bool = False) -> str:
    commit = version.lineage.git_commit if whole else version.lineage.git_commit[:8]
    return commit + (" with changes" if version.lineage.git_dirty else "")


def _print_move(model: str, event: Event, as_json: bool) -> None:
    if as_json:
        print_json(event.to_dict())
        return
    name = model.removeprefix("models:/").partition("@")[0].partition("/")[0]
    before = f", which was version {event.previous}," if event.previous else ""
    typer.echo(f"{name}@{event.alias}{before} is version {event.version} now")
