"""`chromseg-ops models`: the registry."""

from __future__ import annotations

import typer

from chromseg.cli.models.auditing import verify_log
from chromseg.cli.models.deciding import promote, retire, rollback
from chromseg.cli.models.looking import history, lineage, list_models, show
from chromseg.cli.models.registering import evaluate, rebuild, register
from chromseg.cli.models.transferring import export_model, import_model

app = typer.Typer()
app.command("list")(list_models)
app.command()(show)
app.command()(register)
app.command()(evaluate)
app.command()(promote)
app.command()(rollback)
app.command()(retire)
app.command()(history)
app.command()(rebuild)
app.command("export")(export_model)
app.command("import")(import_model)
app.command("verify-log")(verify_log)
app.command()(lineage)
