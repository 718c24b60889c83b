"""Options that verbs of several groups share."""

from __future__ import annotations

from typing import Annotated

import typer

POLARITIES = ("auto", "dark-on-light", "light-on-dark")

DEVICES = ("auto", "cpu", "cuda")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Device = Annotated[str, typer.Option(help="Where the network runs: auto (a GPU if there is one), cpu or cuda.")]


def choice(value: str, choices: tuple[str, ...], option: str) -> str | None:
    """The value, None for `auto`."""
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(choices)}", param_hint=option)
    return None if value == "auto" else value
