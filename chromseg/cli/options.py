"""Options that verbs of several groups share."""

from __future__ import annotations

from typing import Annotated

import typer

POLARITIES = ("auto", "dark-on-light", "light-on-dark")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def choice(value: str, choices: tuple[str, ...], option: str) -> str | None:
    """The value, None for `auto`."""
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(choices)}", param_hint=option)
    return None if value == "auto" else value
