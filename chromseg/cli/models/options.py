"""Arguments and options that verbs of `chromseg-ops models` share."""

from __future__ import annotations

from typing import Annotated

import typer

ModelReference = Annotated[str, typer.Argument(metavar="MODEL", help="NAME@ALIAS or NAME/VERSION, such as chromseg/3.")]
ModelName = Annotated[str, typer.Argument(help="Name of a registered model, such as chromseg.")]
Alias = Annotated[str, typer.Option(help="champion or challenger.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the history.")]
