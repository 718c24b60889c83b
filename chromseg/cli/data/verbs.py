"""`chromseg-ops data`: annotated images in, checked, summed up and put under DVC."""

from __future__ import annotations

import typer

from chromseg.cli.data.drawing import synthesize
from chromseg.cli.data.importing import import_data
from chromseg.cli.data.looking import diff, summary, validate
from chromseg.cli.data.outlining import outline
from chromseg.cli.data.tracking import track

app = typer.Typer()
app.command("import")(import_data)
app.command()(synthesize)
app.command()(outline)
app.command()(validate)
app.command()(summary)
app.command()(diff)
app.command()(track)
