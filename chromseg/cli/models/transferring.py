"""`chromseg-ops models export` and `import`: a version as one file, for a network without a connection."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from chromseg.cli.models.options import ModelReference
from chromseg.cli.models.tables import warn_of
from chromseg.cli.options import AsJson
from chromseg.cli.printing import print_json


def export_model(
    model: ModelReference,
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
    from chromseg.registry.transfer.arrival import absent_parents, import_version

    version, new = import_version(file, name=name, announced=announced)
    trial, absent = try_out(version), absent_parents(version)
    if as_json:
        print_json({**version.to_dict(), "new": new, "absent_parents": list(absent)})
    else:
        typer.echo(f"{version.label} " + ("imported" if new else "is these files already"))
    if absent:
        typer.echo(f"not in this store: its parents {', '.join(absent)} of the store it came from", err=True)
    warn_of(trial, version)
