"""The import rules of the house: downwards only, and the heavy libraries behind one door each."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bare import without

ROOT = Path(__file__).parents[1]

# A package may import those on lower levels; on its own level only itself, and the data contract `annotations`.
LEVELS = [
    {"arrays", "errors"},
    {"boxes", "client", "config", "cores", "extras", "files", "memory", "naming", "pages", "project"},
    {"dvc", "images"},
    {"partition", "metrics", "annotations", "importers", "karyogram", "synthesis", "validation"},
    {"models"},
    {"training", "inference"},
    {"evaluation", "outlining", "cohort"},
    {"registry"},
    {"api", "sweep"},
    {"serving", "pipelines"},
    {"cli"},
]
LEVEL = {package: level for level, packages in enumerate(LEVELS) for package in packages}

DOORS = {
    "mlflow": {"registry"},
    "great_expectations": {"validation"},
    "typer": {"cli"},
    "dvc": {"dvc"},
    "dvc_data": {"dvc"},
    "ray": {"cohort", "sweep"},
    "pyarrow": {"cohort"},
}  # library → the packages that may
ROOMS = [
    "lineage",
    "card",
    "store",
    "log",
    "versions",
    "gates",
    "promotion",
    "rebuild",
    "transfer",
]  # of registry/, upwards
PLACES = {"data", "reports", "profiles", "mlruns", "models", "params.yaml", "dvc.yaml"}
LAYOUT = {
    "chromseg.project": "the one place that knows",
    "pipelines.demo": "shows the commands and paths that a user types",
}  # module → why it may write places out
NO_FILES = {"torch", "mlflow", "great_expectations", "dvc", "pathlib", "io", "os", "json", "PIL", "tempfile", "shutil"}
WINDOW = {"chromseg", "chromseg.registry"}  # they hand out on first use what lies below
LIGHT = {*sys.stdlib_module_names, "typer", "chromseg"}  # at the top of a cli module; of ours only what is light too
LIGHT_OURS = {"cli", "errors", "extras", "project", None}


def _files() -> list[Path]:
    return sorted([*(ROOT / "chromseg").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")])


def _package(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[0] if parts[0] == "pipelines" or len(parts) == 1 else parts[1]


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            if node.module == "chromseg":  # `from chromseg import x` means the module x, if there is one
                yield from (f"chromseg.{alias.name}" for alias in node.names)


def _ours(module: str) -> str | None:
    """Our package that a module belongs to; None if it is not ours."""
    parts = module.split(".")
    if parts[0] == "pipelines":
        return "pipelines"
    return parts[1] if parts[0] == "chromseg" and len(parts) > 1 and parts[1] in LEVEL else None


def _module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _named_modules(file: Path) -> set[str]:
    """Our modules that a file imports, also by `from package import module`; not their packages."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                named.add(module if _is_file(module) else node.module or "")
    return {name for name in named if _is_file(name)}


def _is_file(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """The groups of modules that reach one another."""
    sorter = graphlib.TopologicalSorter(graph)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        yield error.args[1]


def _parted(module: str, other: str) -> tuple[str, str]:
    """The two neighbours, in the innermost package of both, that hold them; nothing where one holds the other."""
    own, others = module.split("."), other.split(".")
    depth = next((depth for depth, (a, b) in enumerate(zip(own, others, strict=False)) if a != b), None)
    return ("", "") if depth is None else (".".join(own[: depth + 1]), ".".join(others[: depth + 1]))


def _places(tree: ast.AST) -> Iterator[str]:
    """Texts that are parts of paths and begin with a folder or file of the project's layout."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            parts = node.args if name in ("Path", "glob", "rglob", "joinpath") else []
        texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        yield from (text for text in texts if text.split("/")[0] in PLACES)


def _may_import(package: str, other: str) -> bool:
    if package == "__init__":  # chromseg/__init__.py: only the interface, on first use
        return other == "api"
    return (
        other == package
        or LEVEL[other] < LEVEL[package]
        or (other == "annotations" and LEVEL[package] == LEVEL["annotations"])
    )


@pytest.mark.parametrize("file", _files(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_imports_run_downwards(file: Path) -> None:
    package = _package(file)
    others = {_ours(module) for module in _imports(ast.parse(file.read_text(encoding="utf-8")))} - {None}
    assert [other for other in sorted(filter(None, others)) if not _may_import(package, other)] == []


def test_every_package_has_its_level() -> None:
    assert {_package(file) for file in _files()} - {"__init__"} <= LEVEL.keys()


def test_the_rules_can_be_broken() -> None:
    assert not _may_import("models", "registry")
    assert not _may_import("training", "inference")
    assert not _may_import("annotations", "importers")
    assert _may_import("importers", "annotations")
    assert set(_imports(ast.parse("def f():\n    from chromseg import api\n    import torch.nn"))) == {
        "chromseg",
        "chromseg.api",
        "torch.nn",
    }


@pytest.mark.parametrize("file", sorted((ROOT / "chromseg/registry").rglob("*.py")), ids=lambda file: file.stem)
def test_rooms_of_the_registry_import_downwards(file: Path) -> None:
    room = file.relative_to(ROOT / "chromseg/registry").with_suffix("").parts[0]
    if room == "__init__":
        return
    others = {
        module.split(".")[2]
        for module in _imports(ast.parse(file.read_text(encoding="utf-8")))
        if module.startswith("chromseg.registry.")
    }
    assert [other for other in sorted(others) if ROOMS.index(other) > ROOMS.index(room)] == []


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph = {_module(file): _named_modules(file) - {_module(file), *WINDOW} for file in _files()}
    assert list(_circles(graph)) == []


def test_no_folder_imports_itself_by_way_of_its_neighbours() -> None:
    """Files and folders that lie side by side, all over the house; what a package hands out itself is above them."""
    graphs: dict[str, dict[str, set[str]]] = {}
    for file in _files():
        for module in _named_modules(file) - WINDOW:
            own, other = _parted(_module(file), module)
            if own and other:
                graphs.setdefault(own.rpartition(".")[0], {}).setdefault(own, set()).add(other)
    assert {folder: list(_circles(graph)) for folder, graph in graphs.items()} == {folder: [] for folder in graphs}
    assert {"", "chromseg", "chromseg.registry", "chromseg.registry.store"} <= graphs.keys()


def test_neighbours_are_where_two_names_part() -> None:
    assert _parted("a.b.c", "a.d.e") == ("a.b", "a.d")
    assert _parted("a.b", "a.b.c") == ("", "")
    assert list(_circles({"a": {"b"}, "b": {"a"}})) != []


@pytest.mark.parametrize("file", _files(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_where_things_lie_is_known_to_one_file(file: Path) -> None:
    if _module(file) not in LAYOUT:
        assert list(_places(ast.parse(file.read_text(encoding="utf-8")))) == []


def test_a_place_is_found_however_it_is_written() -> None:
    code = "a / 'data' / b; Path('mlruns/cache'); a.glob('profiles/*'); ('data', 1); a / 'database'; f('models')"
    assert sorted(_places(ast.parse(code))) == ["data", "mlruns/cache", "profiles/*"]


@pytest.mark.parametrize("library", DOORS)
def test_a_heavy_library_has_one_door(library: str) -> None:
    users = {
        _package(file)
        for file in _files()
        for module in _imports(ast.parse(file.read_text(encoding="utf-8")))
        if module.split(".")[0] == library
    }
    assert users == DOORS[library]


@pytest.mark.parametrize("package", ["partition", "metrics"])
def test_partition_and_metrics_know_neither_torch_nor_files(package: str) -> None:
    for file in sorted((ROOT / "chromseg" / package).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        used = {module.split(".")[0] for module in _imports(tree)} & NO_FILES
        ours = {module for module in _imports(tree) if module.startswith(("chromseg.files", "chromseg.config"))}
        opened = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "open"]
        assert (file.name, used - {"io"}, ours, opened) == (file.name, set(), set(), [])


@pytest.mark.parametrize("file", sorted((ROOT / "chromseg" / "cli").rglob("*.py")), ids=_module)
def test_a_verb_imports_what_is_heavy_when_it_is_called(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    heavy = [m for m in _imports(top) if m.split(".")[0] not in LIGHT]
    ours = [m for m in _imports(top) if m.startswith("chromseg.") and _ours(m) not in LIGHT_OURS]
    assert heavy + ours == []


def test_models_and_training_import_on_a_bare_node() -> None:
    """Nodes with GPUs have torch, but neither MLflow nor DVC nor Great Expectations nor Typer."""
    modules = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in ("models", "training")
        for file in sorted((ROOT / "chromseg" / package).rglob("*.py"))
    ] + ["chromseg.registry.lineage.gather"]  # a model trained there needs its lineage too
    code = f"""{without(["mlflow", "dvc", "great_expectations", "typer", "fastapi"])}
import importlib
for name in {modules!r}:
    importlib.import_module(name)
try:
    import mlflow
except ModuleNotFoundError:
    print("bare")
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (answer.stdout, answer.returncode) == ("bare\n", 0), answer.stderr
