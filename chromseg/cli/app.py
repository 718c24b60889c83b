"""`chromseg-ops`: the frame that all verbs hang in.

Results go to stdout, messages to stderr. Exit codes: 0 done, 1 refused or failed (one line that says what was got, what
was expected and what to do), 2 wrong usage, 3 could not look (`models verify-log`), 130 stopped by Ctrl-C. A verb's
module is imported only when it is called.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

import chromseg
from chromseg.errors import ChromsegError
from chromseg.extras import named_if_missing

# verb → (module:attribute, help); the attribute is a function or, for a group of verbs, a Typer app
VERBS = {
    "init": ("chromseg.cli.store:init", "Create or upgrade the store; check DVC, disk and device."),
    "data": ("chromseg.cli.data.verbs:app", "Import, synthesize, validate, summarize and track annotated images."),
    "runs": ("chromseg.cli.runs:app", "Train the variants of a pipeline, and compare training runs."),
    "models": (
        "chromseg.cli.models.verbs:app",
        "Register models, decide which is the champion, see where one comes from.",
    ),
    "registry": ("chromseg.cli.registry:app", "Back up the local registry, and restore it."),
    "predict": ("chromseg.cli.predict:predict", "Cut pictures into single chromosomes."),
    "partition": ("chromseg.cli.partition:partition", "Stage 2 alone: splice given maps into single chromosomes."),
    "serve": ("chromseg.cli.serve:serve", "HTTP API and web page."),
    "ui": ("chromseg.cli.store:ui", "Open MLflow's web page on the project's store."),
}


class _Frame(TyperGroup):
    """The top group: imports a verb when it is called, and turns errors into one line and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: dict[str, Any] = dict.fromkeys(VERBS)  # the names, for the hint at a mistyped one

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_verb(cmd_name) if cmd_name in VERBS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])

    def invoke(self, ctx: Any) -> Any:
        try:
            with named_if_missing():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("stopped; the same command can be run again", err=True)
            raise typer.Exit(130) from None
        except (typer.Exit, typer.Abort, typer.TyperException, EOFError, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params.get("show_traceback"):
                traceback.print_exc()
            typer.echo(_one_line(error), err=True)
            raise typer.Exit(1) from None


def load_verb(name: str) -> Any:
    """Import a verb and build its command, or its group of commands."""
    target, text = VERBS[name]
    module, _, attribute = target.partition(":")
    verb = getattr(importlib.import_module(module), attribute)
    holder = typer.Typer(rich_markup_mode=None)
    if isinstance(verb, typer.Typer):
        holder.add_typer(verb, name=name, help=text, no_args_is_help=True)
    else:
        holder.command(name)(verb)
    return get_group(holder).commands[name]


app = typer.Typer(cls=_Frame, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chromseg-ops {chromseg.__version__}")
        raise typer.Exit


@app.callback()
def frame(
    show_traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error arose.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Version annotated metaphases, train and compare networks, register models, cut pictures into chromosomes."""


def main() -> None:
    """Entry point of `chromseg-ops`; prints UTF-8, also where the letters of the system lack `≥`, as on Windows."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=stream.errors)
    app()


def _one_line(error: Exception) -> str:
    if isinstance(error, ChromsegError | OSError):
        text = f"error: {error}"
    else:
        text = (
            f"internal error: {type(error).__name__}: {error}; "
            "please report it with what `chromseg-ops --traceback …` prints"
        )
    return " ".join(text.split())
