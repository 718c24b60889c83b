"""A registered package answers where ChromSeg-Ops is not installed, from the code and the libraries that it names."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

from chromseg.registry.gates.golden import golden_set
from chromseg.registry.store.backend import mlflow
from chromseg.registry.versions.package_code import LIBRARIES, code_files, imported, requirements
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import checked_package

# what a prediction never comes to: tables of pictures are judged by Great Expectations, one picture is not
_LEFT_OUT = {"great_expectations"}
_ASK = """
import importlib.util, json, pathlib, sys
assert importlib.util.find_spec("chromseg") is None, "ChromSeg-Ops is installed here"
import mlflow.pyfunc, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
import chromseg
picture = pathlib.Path(sys.argv[2]).read_bytes()
row = model.predict(pandas.DataFrame({"image": pandas.Series([picture], dtype=object)}))
print(json.dumps({"code": chromseg.__file__, "answer": json.loads(row["instances"][0])}))
"""


@pytest.fixture
def package(store: Path, make_model: Callable[..., Path]) -> Path:
    return checked_package(register(make_model(), "chromseg")[0])[0]


def test_the_code_is_what_a_prediction_imports_and_no_more() -> None:
    areas = {name.split(".")[1] for name in code_files() if "." in name}
    assert areas.isdisjoint({"api", "cli", "importers", "registry", "serving", "synthesis", "training"})
    command = "import sys, chromseg.inference.load, chromseg.inference.exports; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.split(".")[0] == "chromseg"}
    assert ours and ours <= code_files().keys()


def test_the_libraries_are_what_that_code_imports() -> None:
    distributions = packages_distributions()
    used = {name.split(".")[0] for file in code_files().values() for name in imported(file)}
    foreign = used - set(sys.stdlib_module_names) - {"chromseg"} - _LEFT_OUT
    needed = {name.lower() for module in foreign for name in distributions[module]}
    asked_for_on_the_way = {"imagecodecs", "mlflow"}  # by Tifffile, and by `pyfunc_model.py`
    assert needed | asked_for_on_the_way == set(LIBRARIES)


def test_requirements_are_pinned_and_of_no_build(package: Path) -> None:
    named = (package / "requirements.txt").read_text().splitlines()
    assert named == requirements() and len(named) == len(LIBRARIES)
    assert f"torch=={version('torch').partition('+')[0]}" in named
    assert not any("+" in line or "chromseg" in line for line in named)


def _texts(package: Path) -> Iterator[Path]:
    return (path for path in package.rglob("*") if path.is_file() and path.suffix != ".safetensors")


def test_nothing_in_it_tells_where_it_was_packed(package: Path) -> None:
    places = [str(Path(__file__).parents[2]), str(Path.home()), str(Path.cwd()), "/tmp/"]
    told = {path.name: place for path in _texts(package) for place in places if place in path.read_text()}
    assert told == {}


def test_its_example_is_a_picture_that_it_answers(package: Path) -> None:
    model = mlflow.pyfunc.load_model(str(package))
    assert bytes(model.input_example["image"][0]).startswith(b"\x89PNG")
    assert json.loads(model.predict(model.input_example)["instances"][0])["images"]


def test_code_that_is_not_the_packages_own_does_not_answer_unsaid(package: Path) -> None:
    (package / "code/chromseg/errors.py").write_text("# of another release\n")
    with pytest.warns(UserWarning, match="which this process has imported, answers; it is not the one"):
        mlflow.pyfunc.load_model(str(package))


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Path]:
    """A place for an environment; gone after the test, because it holds a hundred thousand links."""
    yield tmp_path / "bare"
    shutil.rmtree(tmp_path / "bare", ignore_errors=True)


@pytest.mark.slow
def test_it_answers_alike_with_mlflow_and_what_it_names_alone(package: Path, bare: Path, tmp_path: Path) -> None:
    """In an environment made offline: the machine's cache of uv holds what the project's own was made of."""
    from chromseg.inference.exports import to_coco
    from chromseg.inference.load import predictor_from_folder

    elsewhere = shutil.copytree(package, tmp_path / "elsewhere")
    python = _environment(bare, elsewhere / "requirements.txt")
    picture = tmp_path / "picture.png"
    picture.write_bytes(min((each.content for each in golden_set()), key=len))
    answer = subprocess.run([python, "-I", "-c", _ASK, elsewhere, picture], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    told = json.loads(answer.stdout.splitlines()[-1])
    assert Path(told["code"]).parents[1] == elsewhere / "code"
    expected = to_coco(predictor_from_folder(package / "artifacts/model").predict(picture.read_bytes()))
    assert told["answer"] == json.loads(json.dumps(expected))
    assert not list(elsewhere.rglob("*.pyc"))


def _environment(place: Path, needed: Path) -> Path:
    """A fresh one with what a file names, without a connection."""
    uv = [sys.executable, "-m", "uv"]
    python = place / "bin" / "python"
    for command in (
        [*uv, "venv", "--offline", "--python", sys.executable, place],
        [*uv, "pip", "install", "--offline", "--python", python, "--requirement", needed],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"uv's cache lacks what `make setup` put there: {done.stderr}"
    return python
