"""A model card as one HTML page without outside assets: pictures are inside, tables can be read by a screen reader."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #767676;padding:.25rem .6rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}img{max-width:100%}code{font-size:.9em}"
)


def html_page(title: str, markdown: str, folder: Path) -> str:
    """The Markdown that our cards are written in (headings, tables, lists, paragraphs, pictures) as a page.

    Args:
        title: Of the page.
        markdown: The card.
        folder: Where its pictures are.
    """
    body = "\n".join(_block(block.splitlines(), folder) for block in re.split(r"\n\s*\n", markdown) if block.strip())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _block(lines: list[str], folder: Path) -> str:
    return "\n".join(_part(kind, list(part), folder) for kind, part in groupby(lines, _kind))


def _kind(line: str) -> str:
    for mark, kind in (("## ", "h2"), ("# ", "h1"), ("|", "table"), ("- ", "ul"), ("  ", "ul")):
        if line.startswith(mark):
            return kind
    return "p"


def _part(kind: str, lines: list[str], folder: Path) -> str:
    if kind == "table":
        return _table(lines)
    if kind == "ul":
        items = re.split(r"\n- ", "\n" + "\n".join(lines))[1:]
        return "<ul>" + "".join(f"<li>{_inline(' '.join(item.split()), folder)}</li>" for item in items) + "</ul>"
    text = _inline(" ".join(line.lstrip("# ") for line in lines), folder)
    return f"<{kind}>{text}</{kind}>"


def _table(lines: Iterable[str]) -> str:
    head, _, *rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    named = any(head)
    top = f"<thead><tr>{''.join(f'<th scope=col>{_inline(cell)}</th>' for cell in head)}</tr></thead>" if named else ""
    return f"<table>{top}<tbody>{''.join(_rows(rows))}</tbody></table>"


def _rows(rows: Iterable[list[str]]) -> Iterator[str]:
    for first, *others in rows:
        cells = "".join(f"<td>{_inline(cell)}</td>" for cell in others)
        yield f"<tr><th scope=row>{_inline(first)}</th>{cells}</tr>"


def _inline(text: str, folder: Path | None = None) -> str:
    text = html.escape(text)
    if folder is not None:
        text = re.sub(r"!\[(.*?)\]\((.+?)\)", lambda found: _picture(found[1], folder / found[2]), text)
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)


def _picture(words: str, file: Path) -> str:
    return f'<img alt="{words}" src="data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}">'
