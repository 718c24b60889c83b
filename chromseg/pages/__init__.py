"""Pages that need nothing but themselves: no script, no style and no picture from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def page(template: str, **values: object) -> str:
    """One of the templates beside this file as HTML.

    Args:
        template: `card`, `cohort`, `report` or `plain`.
        values: What it shows; all text is escaped, save `markupsafe.Markup`.
    """
    return _templates().get_template(f"{template}.html").render(values)


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
