"""`docs/cli.md`: every verb with its arguments and options, written from the commands themselves (`make docs`)."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from chromseg.cli.app import app

PAGE = Path("docs/cli.md")
_HEADER = "<!-- Written by `make docs` from the commands. Change those, not this. -->\n\n"


def reference() -> str:
    """The whole page as Markdown."""
    command = get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="chromseg-ops", title="`chromseg-ops`")
    return _HEADER + "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
