from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chromseg.errors import DataError, ModelError, RegistryError
from chromseg.files import sha256
from chromseg.registry.promotion import promote
from chromseg.registry.references import Reference, parse_reference
from chromseg.registry.resolve import resolve, resolve_model, version_of_result
from chromseg.registry.versions import Version, register, show


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
    with pytest.raises(ModelError, match=r"no model folder nowhere; .*models:/chromseg@champion"):
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
