"""The page's folders: imports go one way, every module is reached, every file is served without a key."""

from __future__ import annotations

import graphlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_app import client

from chromseg.serving.app import PAGE
from chromseg.serving.guard import is_page

ROOT = Path(__file__).parents[3]
FOLDERS = ["base", "picture", "editing", "transport", "panels", "flow", "main.js"]  # each imports only those before it
MODULES = sorted(PAGE.rglob("*.js"))

# `import … from "./x.js"`, `export … from`, `import "./x.js"`, `import("./x.js")`, and types that comments import so.
IMPORT = re.compile(r"""\b(?:from|import)\s*\(?\s*["']([^"'\s]+)["']""")


def _imported(file: Path) -> Iterator[Path]:
    """The modules that one names, in code and in the types of its comments."""
    for name in IMPORT.findall(file.read_text(encoding="utf-8")):
        assert name.startswith("./") or name.startswith("../"), f"{file.name} imports {name}: a browser cannot find it"
        yield (file.parent / name).resolve()


def _folder(file: Path) -> str:
    """The folder below the page that a file lies in; the file itself where it lies in none."""
    return file.relative_to(PAGE).parts[0]


def _wrong_way(graph: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Imports of a folder from one that does not stand after it."""
    return [
        (own, other)
        for own, others in graph.items()
        for other in sorted(others - {own})
        if FOLDERS.index(other) >= FOLDERS.index(own)
    ]


def test_folders_import_one_way() -> None:
    graph: dict[str, set[str]] = {}
    for file in MODULES:
        graph.setdefault(_folder(file), set()).update(map(_folder, _imported(file)))
    assert graph.keys() == set(FOLDERS)
    assert _wrong_way(graph) == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    tuple(graphlib.TopologicalSorter({file: set(_imported(file)) for file in MODULES}).static_order())


def test_every_module_is_there_and_is_reached_from_main() -> None:
    reached, ahead = set[Path](), [PAGE / "main.js"]
    while ahead:
        file = ahead.pop()
        if file not in reached:
            reached.add(file)
            ahead += _imported(file)
    assert reached == set(MODULES)


def test_an_import_is_found_however_it_is_written() -> None:
    page = PAGE / "main.js"
    whole = ['import a from "./a.js"', 'import {\n  a\n} from "./a.js"', 'import "./a.js"', 'export * from "./a.js"']
    parts = ['await import("./a.js")', '/** @import { A } from "./a.js" */', '/** @param {import("./a.js").A} a */']
    assert [IMPORT.findall(way) for way in whole + parts] == [["./a.js"]] * 7
    assert page in MODULES and len(list(_imported(page))) > 10


def test_the_order_can_be_broken() -> None:
    assert _wrong_way({"panels": {"panels", "base"}, "picture": {"base", "editing"}}) == [("picture", "editing")]
    with pytest.raises(graphlib.CycleError):
        tuple(graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_every_file_is_served_without_a_key() -> None:
    files = [file.relative_to(PAGE).as_posix() for file in sorted(PAGE.rglob("*")) if file.is_file()]
    assert [file for file in files if not is_page(f"/{file}")] == []
    with client() as server:
        answers = {file: server.get(f"/{file}") for file in files}
    assert {file: answer.status_code for file, answer in answers.items()} == dict.fromkeys(files, 200)
    kinds = {Path(file).suffix: answer.headers["content-type"].split(";")[0] for file, answer in answers.items()}
    assert kinds == {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}


def test_the_lock_of_its_tools_has_hashes_and_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    asked = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    own = lock.pop("")
    assert own["devDependencies"] == asked == {name: lock[f"node_modules/{name}"]["version"] for name in asked}
    assert [name for name, entry in lock.items() if "resolved" in entry or "integrity" not in entry] == []
