"""A model card as a page: all of CommonMark and tables, and nothing that a hostile card could do with it."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from PIL import Image

from chromseg.registry.card.page import html_page


def body(markdown: str, folder: Path = Path()) -> str:
    made = html_page("a card", markdown, folder)
    return made[made.index("<main>") + 6 : made.index("</main>")].strip()


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("see [the paper](https://example.org/a?b=c)", '<p>see <a href="https://example.org/a?b=c">the paper</a></p>'),
        ("### Third", "<h3>Third</h3>"),
        ("```\n## no heading\n\n| no table |\n```", "<pre><code>## no heading\n\n| no table |\n</code></pre>"),
        (
            "- one\n  goes on\n- **two** `x`",
            "<ul>\n<li>one\ngoes on</li>\n<li><strong>two</strong> <code>x</code></li>\n</ul>",
        ),
        ("1. one\n2. two", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>"),
    ],
    ids=["link", "third heading", "fence", "list", "numbers"],
)
def test_markdown_is_read(markdown: str, html: str) -> None:
    assert body(markdown) == html


def test_cells_of_a_table_are_headed_by_column_and_row() -> None:
    text = re.sub(r"\n", "", body("| score | value |\n|---|---|\n| `IoU` | 0.5 |"))
    head = '<thead><tr><th scope="col">score</th><th scope="col">value</th></tr></thead>'
    assert text == f'<table>{head}<tbody><tr><th scope="row"><code>IoU</code></th><td>0.5</td></tr></tbody></table>'


def test_a_head_without_words_is_left_out() -> None:
    text = re.sub(r"\n", "", body("| | |\n|---|---|\n| score | 0.5 |"))
    assert text == '<table><tbody><tr><th scope="row">score</th><td>0.5</td></tr></tbody></table>'


HOSTILE = [
    "<script>alert(1)</script>",
    "a <img src=x onerror=alert(1)> b",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    '![x" onerror="alert(1)](failures/none.png)',
    '[x](http://a" onclick="alert(1))',
    "<https://a.example/\"onmouseover='alert(1)'>",
    "| <script> |\n|---|\n| <iframe src=x> |",
    "```<script>\n</code></pre><script>\n```",
    "&lt;script&gt; &#60;script&#62;",
    "</main></body></html><script>",
]


@pytest.mark.parametrize("markdown", HOSTILE)
def test_a_hostile_card_is_shown_as_text(markdown: str) -> None:
    text = body(f"# A card\n\n{markdown}\n")
    tags = re.findall(r"<[^>]*>", text)
    assert {re.split(r"[\s>]", tag.strip("</>"))[0] for tag in tags} <= {
        *["h1", "p", "a", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"]
    }
    for tag in tags:
        assert not re.search(r"""\son\w+\s*=|(href|src)=["']?\s*(javascript|data)""", re.sub(r'"[^"]*"', '""', tag))
        assert not re.search(r'href="(javascript|data|vbscript|file)', tag, re.IGNORECASE)


def test_a_title_is_escaped() -> None:
    assert "<title>&lt;b&gt;</title>" in html_page("<b>", "", Path())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a picture inside; beside it a secret, and a picture."""
    made = tmp_path / "model"
    (made / "failures").mkdir(parents=True)
    for file in (made / "failures" / "worst case.png", tmp_path / "other.png"):
        Image.new("L", (8, 8)).save(file)
    (tmp_path / "secret").write_text("secret")
    (made / "failures" / "text.png").write_text("secret")
    (made / "failures" / "link.png").symlink_to(tmp_path / "other.png")
    return made


def test_pictures_beside_a_card_are_inside_the_page(folder: Path) -> None:
    content = base64.b64encode((folder / "failures" / "worst case.png").read_bytes()).decode()
    text = body("![the *worst*](failures/worst%20case.png)", folder)
    assert text == f'<p><img alt="the worst" src="data:image/png;base64,{content}"></p>'


@pytest.mark.parametrize(
    "source",
    [
        "../other.png", "../secret", "failures/text.png", "failures/link.png", "failures/none.png", "failures",
        "https://example.org/pixel.png", "data:image/png;base64,iVBORw0KGgo=", "%00.png", "a" * 5000,
    ],
)  # fmt: skip
def test_nothing_else_gets_into_it(folder: Path, source: str) -> None:
    assert body(f"![words]({source})", folder) == "<p>[words]</p>"
