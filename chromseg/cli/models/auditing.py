"""`chromseg-ops models verify-log`: whether log and registry are as they were."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from chromseg.cli.options import AsJson
from chromseg.cli.printing import print_json

_UNSEEN = 3  # exit code: could not look


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
