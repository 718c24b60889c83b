"""`chromseg-ops registry`: the local store as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="Tar file to write.")]) -> None:
    """Copy database, models and audit log into one file; others may go on working."""
    from chromseg.registry.transfer.backup import backup as copy

    made = copy(file)
    typer.echo(f"{file}: {len(made.files)} files, {made.length} entries in the audit log, head {made.head}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="File written by `registry backup`.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Though there is a store; it is kept as mlruns.before-restore-….")
    ] = False,
) -> None:
    """Put a backup in place of the local store; all hashes and the audit log are verified first."""
    from chromseg.registry.transfer.restore import restore as put_back

    made = put_back(file, replace=replace)
    typer.echo(f"restored as of {made.at}: {made.length} entries in the audit log, head {made.head}")
