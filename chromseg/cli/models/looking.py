"""`chromseg-ops models list`, `show`, `history` and `lineage`: what is registered, and how it came to be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromseg.cli.models.options import ModelName, ModelReference
from chromseg.cli.models.tables import event_row, facts, lineage_facts, row
from chromseg.cli.options import AsJson
from chromseg.cli.printing import print_facts, print_json, print_table


def list_models(
    name: Annotated[str | None, typer.Argument(help="Name of a registered model; default all.")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only the newest so many of each; default all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List registered versions with their aliases, scores and origin."""
    from chromseg.registry.versions.listing import list_versions

    versions = list_versions(name, last)
    if as_json:
        print_json([version.to_dict() for version in versions])
        return
    if not versions:
        typer.echo("none yet; `chromseg-ops init --with-bundled` registers the bundled models", err=True)
        return
    headings = ("model", "aliases", "variant", "seed", "overall", "data", "commit", "registered", "by")
    print_table(headings, [row(version) for version in versions])


def show(model: ModelReference, as_json: AsJson = False) -> None:
    """Show one version: aliases, metrics, hashes, who registered it when."""
    from chromseg.registry.versions.listing import show as find

    version = find(model)
    if as_json:
        print_json(version.to_dict())
        return
    print_facts(facts(version) | dict(sorted(version.metrics.items())))


def history(name: ModelName, as_json: AsJson = False) -> None:
    """Tell who registered, promoted and rolled back what, when and why."""
    from chromseg.registry.promotion import history as events_of

    events = events_of(name)
    if as_json:
        print_json([event.to_dict() for event in events])
        return
    headings = ("when", "what", "version", "alias", "before", "by", "why")
    print_table(headings, [event_row(event) for event in events])


def lineage(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="NAME@ALIAS or NAME/VERSION.")] = None,
    result: Annotated[Path | None, typer.Option(help="An instances.json: which version made it?")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell which run, code and data made a version, or which version made a result."""
    from chromseg.registry.versions.listing import show as find
    from chromseg.registry.versions.resolve import version_of_result

    if (model is None) == (result is None):
        raise typer.BadParameter("give either MODEL or --result FILE")
    version = find(model) if model is not None else version_of_result(result or Path())
    if as_json:
        print_json(version.to_dict())
        return
    print_facts(facts(version) | lineage_facts(version))
