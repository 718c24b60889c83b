"""What a user installs: a wheel with all it needs inside, whose core alone predicts with a model folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clone import Clone

from chromseg.registry.gates.golden import golden_set

ROOT = Path(__file__).parents[1]
UV = [sys.executable, "-m", "uv"]


def _done(*command: object, cwd: Path) -> str:
    """What a command prints; it must succeed."""
    answer = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=cwd, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built offline of the project as it is, with the build tool that `make setup` installs."""
    folder = tmp_path_factory.mktemp("wheel")
    _done(*UV, "build", "--wheel", "--offline", "--no-build-isolation", "--out-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = _done("git", "ls-files", "--cached", "--others", "--exclude-standard", "chromseg", cwd=ROOT).splitlines()
    assert held == {name for name in tracked if (ROOT / name).is_file()}
    page = {f"chromseg/serving/page/{name}" for name in ("index.html", "picture/masks.js", "picture/stage.css")}
    assert {"chromseg/py.typed", *page} <= held


@pytest.fixture
def bare(wheel: Path, tmp_path: Path) -> Iterator[Path]:
    """Programs of an environment made offline that has the wheel's core alone; gone after the test."""
    place = tmp_path / "bare"
    python = place / "bin" / "python"
    _done(*UV, "venv", "--offline", "--python", sys.executable, place, cwd=tmp_path)
    install = [*UV, "pip", "install", "--offline", "--python", python, "--constraint", ROOT / "requirements.lock"]
    _done(*install, wheel, cwd=tmp_path)
    yield python.parent
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.slow
def test_the_core_alone_predicts_with_a_model_folder(bare: Path, clone: Clone, tmp_path: Path) -> None:
    clone.dvc("pull", "bundled.dvc")
    model, pictures = clone.folder / "bundled" / "chromseg", tmp_path / "pictures"
    pictures.mkdir()
    for each in golden_set():
        (pictures / f"{each.name}.png").write_bytes(each.content)
    words = ("predict", pictures, "--model", model, "--json", "--out")
    theirs = json.loads(_done(bare / "chromseg-ops", *words, "theirs", cwd=tmp_path))
    ours = json.loads(_done(Path(sys.executable).with_name("chromseg-ops"), *words, "ours", cwd=tmp_path))
    assert theirs["done"] == len(golden_set()) and theirs["chromosomes"] == ours["chromosomes"] > 0
    assert _results(tmp_path / "theirs") == _results(tmp_path / "ours")
    heavy = ("mlflow", "dvc", "great_expectations", "accelerate", "fastapi", "uvicorn", "pandas", "matplotlib")
    ask = f"import importlib.util as u; print([*map(u.find_spec, {heavy!r})])"
    here = _done(bare / "python", "-c", ask, cwd=tmp_path)
    assert here == f"{[None] * len(heavy)}\n"


def _results(out: Path) -> dict[str, Any]:
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in out.rglob("instances.json")}
