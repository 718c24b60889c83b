from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from old_versions import without_package_hash

from chromseg.errors import DataError, ModelError, RegistryError
from chromseg.files import sha256
from chromseg.project import tracking_uri
from chromseg.registry.promotion import promote
from chromseg.registry.store.backend import mlflow
from chromseg.registry.transfer.export import export_version
from chromseg.registry.versions.listing import show
from chromseg.registry.versions.references import Reference, parse_reference
from chromseg.registry.versions.register import Version, register
from chromseg.registry.versions.resolve import resolve, resolve_model, version_of_result
from chromseg.registry.versions.verify import verify


@pytest.fixture
def champion(store: Path, make_model: Callable[..., Path]) -> Version:
    """chromseg/1 is the champion; chromseg/2 is there too."""
    register(make_model(), "chromseg")
    register(make_model(seed=1), "chromseg")
    promote("chromseg/1", reason="the first")
    return show("chromseg/1")


@pytest.mark.parametrize("text", ["models:/chromseg@champion", "chromseg@champion", "models:/chromseg/1"])
def test_references_lead_to_the_registered_files(champion: Version, text: str) -> None:
    found = resolve_model(text)
    assert (found.name, found.version) == ("chromseg", 1)
    assert sha256(found.folder / "model.safetensors") == champion.weights_sha256


def test_a_folder_is_itself(store: Path, make_model: Callable[..., Path]) -> None:
    folder = make_model()
    assert resolve(folder) == resolve(str(folder)) == folder
    assert resolve_model(folder).version is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models:/chromsec@champion", "no registered model 'chromsec'; expected one of: chromseg;"),
        ("models:/chromseg@challenger", r"no alias 'challenger'; expected one of: champion \(version 1\);"),
        ("models:/chromseg/3", "chromseg has no version 3; expected one of: 1, 2;"),
        ("models:/chromseg/latest", "names no registered version; expected NAME@ALIAS or NAME/VERSION"),
        ("models:/chromseg", "names no registered version"),
        ("models:/", "names no registered version"),
    ],
)
def test_what_is_unknown_is_answered_with_what_is_known(champion: Version, text: str, message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        resolve(text)


def test_a_folder_without_a_model_is_named(store: Path) -> None:
    with pytest.raises(ModelError, match=r"no model folder nowhere; .*models:/cascade@champion"):
        resolve("nowhere")
    (store / "empty").mkdir()
    with pytest.raises(ModelError, match=r"empty lacks model.safetensors and model.json"):
        resolve(store / "empty")


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_files_that_changed_since_registration_are_not_used(champion: Version, name: str) -> None:
    file = resolve("models:/chromseg/1") / name
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(RegistryError, match=f"{name} has SHA-256 .*as chromseg/1 was registered"):
        resolve("models:/chromseg/1")
    file.unlink()
    with pytest.raises(RegistryError, match=f"lacks {name}"):
        resolve("models:/chromseg/1")


def _inject(package: Path) -> None:
    code = package / "pyfunc_model.py"
    code.write_text(f"print('injected')\n{code.read_text()}")


def _plant_bytecode(package: Path) -> None:
    (package / "__pycache__").unlink()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "pyfunc_model.cpython-311.pyc").write_bytes(b"planted")


def _append(name: str) -> Callable[[Path], None]:
    def change(package: Path) -> None:
        (package / name).write_bytes((package / name).read_bytes() + b"\n")

    return change


TAMPERED: dict[str, Callable[[Path], object]] = {
    "a line in the code": _inject,
    "card": _append("artifacts/model/MODEL_CARD.md"),
    "page": _append("artifacts/model/MODEL_CARD.html"),
    "MLmodel": _append("MLmodel"),
    "requirements": _append("requirements.txt"),
    "a card gone": lambda package: (package / "artifacts/model/MODEL_CARD.md").unlink(),
    "another file": lambda package: (package / "sitecustomize.py").touch(),
    "a link": lambda package: (package / "torch").symlink_to("/usr"),
    "compiled code": _plant_bytecode,
    "more than MLflow's note": lambda package: (package / "registered_model_meta").write_text("model_uri: elsewhere"),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_package_that_changed_in_anything_is_not_used(promoted: Path, change: Callable[[Path], object]) -> None:
    change(resolve("models:/chromseg/2").parents[1])
    told = r"was changed: all its \d+ files together have SHA-256 .*as chromseg/2 was registered"
    for refused in (
        lambda: resolve("models:/chromseg/2"),
        lambda: promote("chromseg/2", alias="challenger", reason="try it"),
        lambda: export_version("chromseg/2", promoted / "chromseg.zip"),
    ):
        with pytest.raises(RegistryError, match=told):
            refused()
    [problem] = verify(files=True).problems
    assert re.search(told, problem) and verify().problems == ()


def test_the_note_that_mlflow_leaves_in_a_package_is_no_change(promoted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    package = resolve("models:/chromseg/2").parents[1]
    before = set(package.rglob("*"))
    mlflow.pyfunc.load_model("models:/chromseg@champion")
    assert set(package.rglob("*")) - before == {package / "registered_model_meta"}
    assert verify(files=True).problems == ()


def test_a_version_that_points_elsewhere_is_not_used(promoted: Path) -> None:
    with closing(sqlite3.connect(promoted / "mlruns/mlflow.db")) as store, store:
        where = "(SELECT source FROM model_versions WHERE name = 'chromseg' AND version = 1)"
        store.execute(f"UPDATE model_versions SET source = {where} WHERE name = 'chromseg' AND version = 2")
    told = "chromseg/2 no longer says what Ada Tester .* registered"
    with pytest.raises(RegistryError, match=told):
        resolve("models:/chromseg/2")
    [problem] = verify().problems
    assert re.search(told, problem)


@pytest.mark.parametrize(
    "change", ["model_versions SET storage_location", "logged_models SET artifact_location"], ids=lambda text: text[:6]
)
def test_mlflow_must_not_load_another_package_than_we_do(promoted: Path, change: str) -> None:
    with closing(sqlite3.connect(promoted / "mlruns/mlflow.db")) as store, store:
        store.execute(f"UPDATE {change} = 'file:///elsewhere'")
    assert resolve("models:/chromseg/2").is_dir()
    problems = verify(files=True).problems
    assert len(problems) == 2 and "MLflow loads chromseg/1 from file:///elsewhere; expected" in problems[0]


def test_of_a_version_from_before_the_hash_of_packages_that_is_told(
    store: Path, make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_package_hash(monkeypatch)
    register(make_model(), "chromseg")
    assert show("chromseg/1").package_sha256 is None
    _inject(resolve("models:/chromseg/1").parents[1])
    verdict = verify(files=True)
    assert (verdict.problems, len(verdict.notes)) == ((), 1)
    assert "chromseg/1 was registered when the log kept no hash of the whole package" in verdict.notes[0]
    assert verify().notes == ()


def test_references_read_and_print() -> None:
    assert parse_reference("models:/chromseg@champion") == Reference("chromseg", alias="champion")
    assert str(parse_reference("chromseg/12")) == "models:/chromseg/12"
    for text in ("chromseg", "chromseg@", "@champion", "chromseg/v3", "chromseg/0", "a/b@c", ""):
        with pytest.raises(RegistryError):
            parse_reference(text)


def _result(folder: Path, **model: Any) -> Path:
    file = folder / "instances.json"
    file.write_text(json.dumps({"images": [], "annotations": [], "model": model}))
    return file


def test_a_result_leads_back_to_its_version(champion: Version, tmp_path: Path) -> None:
    weights = champion.weights_sha256
    assert version_of_result(_result(tmp_path, name="chromseg", version="1", weights_sha256=weights)) == champion
    assert version_of_result(_result(tmp_path, name="tiny", version=None, weights_sha256=weights)) == champion


def test_of_equal_weights_the_version_named_in_the_result_counts(
    champion: Version, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    copy, _ = register(make_model("copy", metrics={"test/overall_acc": 0.5}), "other")
    assert copy.weights_sha256 == champion.weights_sha256
    for version in (champion, copy):
        file = _result(tmp_path, name=version.name, version=str(version.number), weights_sha256=version.weights_sha256)
        assert version_of_result(file) == version


def test_a_result_of_given_maps_has_no_version(store: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="made from given maps, by no model"):
        version_of_result(_result(tmp_path, name="crossing-partition", version=None, weights_sha256=None))


def test_a_result_that_lies_about_its_version_is_told(champion: Version, tmp_path: Path) -> None:
    file = _result(tmp_path, name="chromseg", version="2", weights_sha256=champion.weights_sha256)
    with pytest.raises(RegistryError, match=r"made by chromseg/2 with weights .*with these weights: chromseg/1;"):
        version_of_result(file)
    file = _result(tmp_path, name="chromseg", version="1", weights_sha256="0" * 64)
    with pytest.raises(RegistryError, match="with these weights: there is none"):
        version_of_result(file)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"model": {}}', '{"model": {"weights_sha256": 3}}', '{"model": 1}']
)
def test_what_is_no_result_is_refused(store: Path, content: str) -> None:
    file = store / "instances.json"
    file.write_text(content)
    with pytest.raises(DataError, match="cannot be read as a result"):
        version_of_result(file)
    with pytest.raises(DataError):
        version_of_result(store / "nowhere.json")
