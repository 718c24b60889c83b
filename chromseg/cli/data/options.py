"""Arguments and options that verbs of `chromseg-ops data` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

POLARITIES = ("auto", "dark-on-light", "light-on-dark")

NewName = Annotated[str, typer.Option("--name", help="Name of the new dataset, a folder below data/.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Datasets below data/; default all.")]
Root = Annotated[Path, typer.Option("--data-root", help="Folder of all datasets.")]


def choice(value: str, choices: tuple[str, ...], option: str) -> str | None:
    """The value, None for `auto`."""
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(choices)}", param_hint=option)
    return None if value == "auto" else value
