"""A model card as one HTML page without outside assets: pictures are inside, tables can be read by a screen reader.

Cards come from elsewhere too, with a model that is imported: their HTML is shown as text, and of the files beside them
only pictures are put into the page.
"""

from __future__ import annotations

import base64
from collections.abc import MutableMapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

from chromseg.pages import page

_PNG = b"\x89PNG\r\n\x1a\n"


def html_page(title: str, markdown: str, folder: Path) -> str:
    """A card in Markdown (CommonMark and tables) as a page.

    Args:
        title: Of the page.
        markdown: The card; HTML in it is shown as text.
        folder: Where its pictures (PNG) are; of any other only the words are shown.
    """
    return page("card", title=title, body=Markup(_markdown().render(markdown, {"folder": folder})))


@cache
def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable("table")
    made.core.ruler.push("table_headings", _name_headings)
    made.add_render_rule("image", _picture)
    return made


def _name_headings(state: StateCore) -> None:
    """Have every column headed by its first cell, and every row too; a head without a word in it is left out."""
    tokens = state.tokens
    for place, token in enumerate(tokens):
        if token.type == "thead_open":
            end = next(later for later in range(place, len(tokens)) if tokens[later].type == "thead_close")
            _head_columns(tokens[place : end + 1])
        elif token.type == "td_open" and tokens[place - 1].type == "tr_open":
            token.tag = tokens[place + 2].tag = "th"  # between them is what the cell holds
            token.attrSet("scope", "row")


def _head_columns(head: Sequence[Token]) -> None:
    is_empty = not any(token.content for token in head)
    for token in head:
        token.hidden = is_empty
        if token.type == "th_open":
            token.attrSet("scope", "col")


def _picture(
    renderer: RendererHTML, tokens: Sequence[Token], place: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    """A picture of the card's folder, inside the page; else its words."""
    words = escapeHtml(renderer.renderInlineAsText(tokens[place].children, options, env))
    content = _content(env["folder"], unquote(str(tokens[place].attrs["src"])))
    if content is None:
        return f"[{words}]"
    return f'<img alt="{words}" src="data:image/png;base64,{base64.b64encode(content).decode()}">'


def _content(folder: Path, name: str) -> bytes | None:
    """The bytes of a picture below a folder; None if it holds no picture."""
    try:
        file = (folder / name).resolve()
        content = file.read_bytes() if file.is_relative_to(folder.resolve()) else b""
    except (OSError, ValueError):  # not there, or no name at all
        return None
    return content if content.startswith(_PNG) else None
