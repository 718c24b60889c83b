from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chromseg.errors import LineageError, ModelError, RegistryError
from chromseg.files import sha256
from chromseg.registry.promotion import history
from chromseg.registry.store.store import open_store
from chromseg.registry.versions import register as versions
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.register import register
from chromseg.registry.versions.verify import verify

MakeModel = Callable[..., Path]


def test_a_version_has_all_that_an_auditor_asks(store: Path, make_model: MakeModel) -> None:
    folder = make_model(metrics={"test/overall_acc": 0.5, "val/iou_crossing": 0.25})
    version, new = register(folder, "chromseg")
    assert new
    assert (version.name, version.number, version.aliases) == ("chromseg", 1, ())
    assert version.weights_sha256 == sha256(folder / "model.safetensors")
    assert version.lineage.to_dict()["data_md5"] == {"sample": "0123456789abcdef0123456789abcdef.dir"}
    assert version.metrics == {"test/overall_acc": 0.5, "val/iou_crossing": 0.25}
    assert version.registered_by.startswith("Ada Tester <ada@lab.example>")
    assert not version.allow_dirty
    assert show("chromseg/1") == version == list_versions()[0]


def test_its_run_is_in_the_store_with_the_scores(store: Path, make_model: MakeModel) -> None:
    version, _ = register(make_model(metrics={"test/overall_acc": 0.5}), "chromseg")
    run = open_store().get_run(version.run)
    assert run.data.metrics == {"test/overall_acc": 0.5}
    assert run.data.tags["run_id"] == version.lineage.run_id
    assert run.data.params["model.architecture"] == "unet"


def test_the_same_files_are_one_version(store: Path, make_model: MakeModel) -> None:
    first, _ = register(make_model(), "chromseg")
    again, new = register(make_model("a copy"), "chromseg")
    assert (again, new) == (first, False)
    other, new = register(make_model(seed=1), "chromseg")
    assert (other.number, new) == (2, True)
    elsewhere, new = register(make_model("a third"), "ucrd-net")
    assert (elsewhere.name, elsewhere.number, new) == ("ucrd-net", 1, True)


def test_two_who_register_the_same_files_at_once_get_one_version(
    store: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one begins later and ends earlier."""
    folder, real, left, others = make_model(), versions.upload, iter([True]), []

    def overtaken(*arguments: Any) -> Any:
        if next(left, False):
            others.append(register(folder, "chromseg"))
        return real(*arguments)

    monkeypatch.setattr(versions, "upload", overtaken)
    version, new = register(folder, "chromseg")
    assert (version.number, new) == (1, False)
    assert others == [(version, True)] and list_versions() == [version]
    assert register(folder, "chromseg") == (version, False)
    assert [entry.version for entry in history("chromseg")] == [1]
    verdict = verify()
    assert verdict.problems == ()
    assert verdict.notes == ("chromseg/2 holds the files of chromseg/1 and is no version",)


@pytest.mark.parametrize("missing", ["git_commit", "data_md5", "test_md5", "environment"])
def test_without_lineage_it_is_refused(store: Path, make_model: MakeModel, missing: str) -> None:
    with pytest.raises(LineageError, match=missing):
        register(make_model(**{missing: {} if missing == "data_md5" else ""}), "chromseg")
    assert list_versions() == []


def test_a_card_without_any_lineage_is_refused(store: Path, make_model: MakeModel) -> None:
    folder = make_model()
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | {"lineage": {}}))
    with pytest.raises(LineageError, match=r"without data_md5, .*train it with the pipeline"):
        register(folder, "chromseg")


@pytest.mark.parametrize(("state", "told"), [(None, "was not validated"), (False, "failed validation")])
def test_data_that_did_not_pass_validation_are_refused(
    store: Path, make_model: MakeModel, state: bool | None, told: str
) -> None:
    with pytest.raises(LineageError, match=rf"trained on data that {told}; .* stage `validate`"):
        register(make_model(validation=state), "chromseg", allow_dirty=True)
    assert list_versions() == []


def test_uncommitted_code_is_refused_or_recorded(store: Path, make_model: MakeModel) -> None:
    folder = make_model(git_dirty=True)
    with pytest.raises(LineageError, match=r"differs from commit c0ffeec0ffee.*--allow-dirty"):
        register(folder, "chromseg")
    version, _ = register(folder, "chromseg", allow_dirty=True)
    assert version.allow_dirty and version.lineage.git_dirty
    clean, _ = register(make_model(seed=1), "chromseg", allow_dirty=True)
    assert not clean.allow_dirty


def test_broken_folders_are_refused(store: Path, make_model: MakeModel) -> None:
    folder = make_model()
    (folder / "model.safetensors").write_bytes(b"not the weights")
    for broken in (folder, store / "nowhere"):
        with pytest.raises(ModelError):
            register(broken, "chromseg")


@pytest.mark.parametrize("name", ["", "a/b", "a@b", "a b", "../up", "models:x"])
def test_names_that_no_reference_could_name_are_refused(store: Path, make_model: MakeModel, name: str) -> None:
    with pytest.raises(RegistryError, match="model name"):
        register(make_model(), name)


def test_a_version_of_another_program_is_passed_over_and_named(store: Path, make_model: MakeModel) -> None:
    register(make_model(), "chromseg")
    client = open_store()
    client.create_model_version("chromseg", "file:///somewhere")
    assert [version.number for version in list_versions()] == [1]
    with pytest.raises(RegistryError, match="chromseg/2 has no lineage"):
        show("chromseg/2")


def test_list_of_nothing_and_of_an_unknown_name(store: Path) -> None:
    assert list_versions() == []
    with pytest.raises(RegistryError, match="no registered model 'chromseg'; expected one of: none yet"):
        list_versions("chromseg")


def test_the_run_in_the_store_is_its_run(store: Path, make_model: MakeModel) -> None:
    from example_lineage import LINEAGE

    from chromseg.registry.lineage.lineage import Lineage
    from chromseg.registry.store.runs import start_run

    with start_run(Lineage.from_dict(LINEAGE)) as tracker:
        tracker.log_metrics({"val/loss": 1.0, "test/overall_acc": 0.75})
    version, _ = register(make_model(run_id=tracker.run_id), "chromseg")
    assert version.run == tracker.run_id
    assert version.metrics == {}, "what anybody may edit there is no score"
