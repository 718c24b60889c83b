"""Arguments and options that verbs of `chromseg-ops data` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NewName = Annotated[str, typer.Option("--name", help="Name of the new dataset, a folder below data/.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Datasets below data/; default all.")]
Root = Annotated[Path, typer.Option("--data-root", help="Folder of all datasets.")]
