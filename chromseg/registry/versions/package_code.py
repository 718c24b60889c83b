"""What a package brings along so that it answers where ChromSeg-Ops is not installed: code, and names of libraries.

The code is the import closure of a prediction: no training loop, no registry, no server, no command line.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import chromseg

ENTRANCES = ("chromseg.inference.load", "chromseg.inference.exports")  # what `pyfunc_model.py` imports
LIBRARIES = (
    "imagecodecs", "mlflow", "numpy", "pandas", "pillow", "pycocotools", "pyyaml", "safetensors", "scikit-image",
    "scipy", "tifffile", "torch", "torchvision",
)  # fmt: skip
_ROOT = Path(chromseg.__file__).parent
_INTERFACE = "chromseg"  # `chromseg/__init__.py` imports the whole of ChromSeg-Ops, on first use of its interface alone


def requirements() -> list[str]:
    """The libraries of a prediction, pinned to what is installed; of PyTorch whatever build the other machine needs."""
    return [f"{name}=={version(name).partition('+')[0]}" for name in LIBRARIES]


def copy_code(target: Path) -> Path:
    """Copy the code of a prediction, as it is installed, to the new folder `target`."""
    for file in code_files().values():
        copy = target / file.relative_to(_ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    return target


@cache
def code_files() -> dict[str, Path]:
    """Our modules that a prediction imports, first or on the way, by name."""
    found: dict[str, Path] = {}
    todo = list(ENTRANCES)
    while todo:
        module = todo.pop()
        file = _file(module)
        if file is None or module in found:
            continue
        found[module] = file
        if module != _INTERFACE:
            around = module.rpartition(".")[0]  # Python imports the package around a module first
            todo += [around, *(name for name in imported(file) if name.split(".")[0] == _INTERFACE)]
    return found


def imported(file: Path) -> Iterator[str]:
    """Every module that a file may import, wherever in it; `from a import b` may mean module `a.b`."""
    nodes: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        elif not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            nodes += ast.iter_child_nodes(node)


def _file(module: str) -> Path | None:
    place = _ROOT.joinpath(*module.split(".")[1:])
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)
