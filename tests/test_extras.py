"""What an installation needs: the core predicts, extras bring the rest, and a missing one is named in one line."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from bare import without
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chromseg.cli.app import VERBS
from chromseg.errors import MissingExtraError, StoreError
from chromseg.extras import EXTRAS, named_if_missing, require
from chromseg.registry.store.store import explained, open_store
from chromseg.registry.versions.package_code import imported

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ALL = {module for modules in EXTRAS.values() for module in modules}


def _named(requirements: Iterable[str]) -> set[str]:
    """Distributions that requirements name, on this machine."""
    wanted = [Requirement(each) for each in requirements]
    return {canonicalize_name(one.name) for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})}


def _with_what_they_need(names: set[str]) -> set[str]:
    found: set[str] = set()
    todo = [*names]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += _named(requires(name) or ())
    return found


def _brings(requirements: Iterable[str]) -> set[str]:
    """Modules that can be imported once these are installed."""
    names = _with_what_they_need(_named(requirements))
    return {module for module, owners in packages_distributions().items() if names & {*map(canonicalize_name, owners)}}


def _foreign() -> Iterator[str]:
    for file in (ROOT / "chromseg").rglob("*.py"):
        yield from (name.split(".")[0] for name in imported(file))


@pytest.fixture(scope="module")
def foreign() -> set[str]:
    """Modules of others that our code imports anywhere."""
    return set(_foreign()) - {*sys.stdlib_module_names, "chromseg"}


def test_whatever_is_imported_is_in_the_core_or_named_by_an_extra(foreign: set[str]) -> None:
    assert {"torch", "mlflow"} <= foreign
    assert foreign - _brings(PROJECT["dependencies"]) == ALL


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_what_is_said_of_it(extra: str) -> None:
    assert {*EXTRAS[extra]} <= _brings(PROJECT["optional-dependencies"][extra])


def test_the_core_is_small_and_nothing_but_the_lock_is_exact() -> None:
    heavy = {"mlflow", "dvc", "great-expectations", "accelerate", "fastapi", "uvicorn", "pandas", "matplotlib"}
    assert not heavy & _with_what_they_need(_named(PROJECT["dependencies"]))
    asked = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    assert [one for one in asked if "==" in one] == []


def test_an_error_that_is_no_extras_stays_what_it_is() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), named_if_missing():
        import no_such_module  # noqa: F401
    with pytest.raises(MissingExtraError, match="chromseg-ops\\[registry\\]"), named_if_missing():
        raise ModuleNotFoundError("No module named 'mlflow.pyfunc'", name="mlflow.pyfunc")


def test_a_store_whose_library_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)  # as if it were not installed
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg2://nobody@127.0.0.1:1/mlflow")
    with pytest.raises(StoreError, match=r"psycopg2.*chromseg-ops\[cluster\]"):
        open_store()
    told = str(explained(ModuleNotFoundError("No module named 'boto3'"), "s3://registry cannot be downloaded"))
    assert "boto3" in told and "chromseg-ops[cluster]" in told


CALLS = {
    "registry": ["models list", "predict nothing.png --out out", "init", "registry backup kept.tar", "runs compare"],
    "data": ["data validate sample", "data track sample"],
    "cluster": ["predict nothing.png --out out --ray local"],
    "serve": ["serve --model bundled/chromseg"],
}


@pytest.mark.parametrize(("extra", "call"), [(extra, call) for extra, calls in CALLS.items() for call in calls])
def test_a_verb_without_its_extra_says_so_in_one_line(extra: str, call: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "sample").mkdir(parents=True)
    (tmp_path / "nothing.png").touch()
    code = without(ALL) + f"from chromseg.cli.app import app\nsys.argv[1:] = {call.split()!r}\napp()\n"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (answer.returncode, answer.stdout) == (1, "")
    (line,) = answer.stderr.splitlines()
    assert line.startswith("error: ") and line.endswith(f"pip install 'chromseg-ops[{extra}]'")


def test_a_program_that_is_missing_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dvc", None)
    with pytest.raises(MissingExtraError, match=r"dvc is not installed.*chromseg-ops\[data\]"):
        require("dvc")
    require("mlflow")


def test_without_any_extra_every_verb_has_help() -> None:
    ask = f"for verb in {list(VERBS)!r}:\n    load_verb(verb)\n"
    code = without(ALL) + "from chromseg.cli.app import load_verb\n" + ask
    subprocess.run([sys.executable, "-c", code], check=True)
