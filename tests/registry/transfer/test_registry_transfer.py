"""A version goes to another lab as a file, and arrives as it was or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.utils.validation import MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH
from old_versions import without_package_hash
from tiny_cascade import build

from chromseg.errors import RegistryError
from chromseg.files import sha256
from chromseg.registry.gates.gate import Gate
from chromseg.registry.log.audit import _written, forget
from chromseg.registry.log.entries import Entry
from chromseg.registry.promotion import history, promote
from chromseg.registry.store.store import open_store
from chromseg.registry.transfer.arrival import absent_parents, import_version
from chromseg.registry.transfer.backup import backup
from chromseg.registry.transfer.export import export_version
from chromseg.registry.transfer.restore import restore
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import Resolved, resolve, resolve_model
from chromseg.registry.versions.verify import verify


@pytest.fixture
def elsewhere(promoted: Path, migrated_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """chromseg/2 in a file; now in another project with an empty store."""
    file = tmp_path / "chromseg-2.zip"
    export_version("chromseg@champion", file)
    project = tmp_path / "elsewhere"
    (project / "mlruns").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    shutil.copy(promoted / "promotion.yaml", project)
    shutil.copy(migrated_store, project / "mlruns" / "mlflow.db")
    monkeypatch.chdir(project)
    monkeypatch.setenv("CHROMSEG_ACTOR", "Bob Receiver")
    return file


def test_what_arrives_is_what_was_sent(elsewhere: Path, promoted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version, new = import_version(elsewhere)
    assert (version.label, new, version.registered_by.partition(" (")[0]) == (
        "chromseg/1",
        True,
        "Ada Tester <ada@lab.example>",
    )
    assert import_version(elsewhere) == (version, False)
    [entry] = history("chromseg")
    assert (entry.action, entry.reason) == ("import", "from chromseg/2 of another store")
    assert entry.by.startswith("Bob Receiver")
    assert [each["action"] for each in entry.facts["origin"]] == ["register", "promote"]
    assert promote("chromseg/1", reason="theirs is good").version == 1
    assert verify(files=True).problems == ()
    folder = resolve("chromseg@champion")
    hashes = {path.name: sha256(path) for path in folder.iterdir() if path.is_file()}
    monkeypatch.chdir(promoted)
    home = show("chromseg/2")
    assert (version.lineage, version.metrics, version.weights_sha256) == (
        home.lineage,
        home.metrics,
        home.weights_sha256,
    )
    assert hashes == {path.name: sha256(path) for path in resolve("models:/chromseg/2").iterdir()}


def test_of_an_older_version_it_is_told_that_nothing_vouches_for_its_card(
    elsewhere: Path, promoted: Path, make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path.cwd()
    monkeypatch.chdir(promoted)
    with monkeypatch.context() as patch:
        without_package_hash(patch)
        register(make_model(seed=5), "old")
    export_version("old/1", elsewhere.with_name("old.zip"))
    monkeypatch.chdir(here)
    assert import_version(elsewhere.with_name("old.zip"))[1]
    told = "from old/1 of another store, whose log has no hash of its card and pages"
    assert [entry.reason for entry in history("old")] == [told]


def test_it_may_get_another_name(elsewhere: Path) -> None:
    assert import_version(elsewhere, name="theirs")[0].label == "theirs/1"
    with pytest.raises(RegistryError, match="model name"):
        import_version(elsewhere, name="a/b")


def _rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def _manifest(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, bytes]], None]:
    def apply(members: dict[str, bytes]) -> None:
        values = json.loads(members["manifest.json"])
        change(values)
        members["manifest.json"] = json.dumps(values).encode()

    return apply


def _lie_about_metrics(values: dict[str, Any]) -> None:
    values["tags"]["metrics"] = '{"test/overall_acc": 1.0}'


def _drop_an_entry(values: dict[str, Any]) -> None:
    del values["log"]["entries"][1]


def _forget_the_registration(values: dict[str, Any]) -> None:
    del values["log"]["entries"][0]
    values["log"]["first"] += 1


def _forget_the_end(values: dict[str, Any]) -> None:
    del values["log"]["entries"][-1]


def _pretend_a_shorter_log(values: dict[str, Any]) -> None:
    _forget_the_end(values)
    values["log"]["length"] -= 1


def _pretend_a_beginning(values: dict[str, Any]) -> None:
    values["log"].update(first=1, length=values["log"]["length"] - values["log"]["first"] + 1)


def _change_a_card(members: dict[str, bytes]) -> None:
    members["model/MODEL_CARD.md"] += b"Also for diagnosis."
    digest = hashlib.sha256(members["model/MODEL_CARD.md"]).hexdigest()
    _manifest(lambda values: values["files"].update({"MODEL_CARD.md": digest}))(members)


def _change_a_card_everywhere(members: dict[str, bytes]) -> None:
    _change_a_card(members)
    digest = hashlib.sha256(members["model/MODEL_CARD.md"]).hexdigest()
    _manifest(lambda values: values["package"].update({"artifacts/model/MODEL_CARD.md": digest}))(members)


def _take_a_page_out(members: dict[str, bytes]) -> None:
    del members["model/MODEL_CARD.html"]
    _manifest(lambda values: values["files"].pop("MODEL_CARD.html"))(members)


def _climb_out(values: dict[str, Any]) -> None:
    values["files"]["../../evil.md"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda members: members.update({"model/model.safetensors": b"x"}), "model.safetensors changed on the way"),
        (lambda members: members.update({"model/MODEL_CARD.md": b"x"}), "MODEL_CARD.md changed on the way"),
        (_change_a_card, "its files are not those of the package that was registered"),
        (_change_a_card_everywhere, "its package is not the one that was registered"),
        (_take_a_page_out, "its files are not those of the package that was registered"),
        (lambda members: members.pop("model/model.json"), "KeyError"),
        (lambda members: members.pop("manifest.json"), "KeyError"),
        (_manifest(_lie_about_metrics), "not those that were registered"),
        (_manifest(_drop_an_entry), "a gap or was changed"),
        (_manifest(_forget_the_registration), "not those"),
        (_manifest(_forget_the_end), r"was trimmed: it does not reach entry 4, the head"),
        (_manifest(_pretend_a_shorter_log), r"was trimmed: it does not reach entry 3, the head"),
        (_manifest(_pretend_a_beginning), "a gap or was changed"),
        (_manifest(_climb_out), "are not those of the package"),
        (_manifest(lambda values: values.update(format=9)), "format 9"),
    ],
)
def test_what_was_tampered_with_does_not_arrive(elsewhere: Path, change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        import_version(_rewritten(elsewhere, change))
    assert list_versions() == []


def test_the_file_must_be_the_one_that_was_announced(elsewhere: Path) -> None:
    digest = sha256(elsewhere)
    with pytest.raises(RegistryError, match=rf"has SHA-256 {digest}; expected {'0' * 64}, as announced"):
        import_version(elsewhere, announced="0" * 64)
    assert list_versions() == []
    assert import_version(elsewhere, announced=digest.upper())[0].label == "chromseg/1"
    import_version(elsewhere, name="unannounced")
    told = [history(name)[0].facts for name in ("chromseg", "unannounced")]
    assert [facts["file_sha256"] for facts in told] == [digest] * 2
    assert [facts["file_announced"] for facts in told] == [True, False]


def test_a_long_history_comes_along_whole(
    promoted: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """150 moves with the answers of 30 gates each: far more than MLflow takes in one tag."""
    there = Path.cwd()
    monkeypatch.chdir(promoted)
    gates = {"gates": [Gate(f"gate {i}", "measured", "limit", True).to_dict() for i in range(30)]}
    client, standing, head = open_store(), 2, history("chromseg")[-1].hash
    for i in range(150):
        before, standing = standing, 3 - standing
        move = Entry("now", "Ada", "force", "chromseg", standing, "champion", before, f"move {i}", gates, head)
        assert _written(client, move)
        head = move.hash
    export_version("chromseg@champion", tmp_path / "long.zip")
    assert (verify().length, verify().problems) == (154, ())
    monkeypatch.chdir(there)
    version, _ = import_version(tmp_path / "long.zip")
    forget()
    [entry] = history("chromseg")
    assert len(entry.to_json()) > MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH
    assert [each["action"] for each in entry.facts["origin"]] == ["register", "promote"] + ["force"] * 75
    assert show(version.label).forced == tuple(f"move {i}" for i in range(1, 150, 2))
    backup(tmp_path / "all.tar")
    assert restore(tmp_path / "all.tar", replace=True).length == 1
    assert verify(files=True).problems == ()


def test_a_file_that_is_none(elsewhere: Path) -> None:
    elsewhere.write_bytes(b"not a zip")
    for file in (elsewhere, elsewhere.with_name("nowhere.zip")):
        with pytest.raises(RegistryError, match="cannot be imported"):
            import_version(file)


def test_a_file_is_not_overwritten(promoted: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.zip").touch()
    with pytest.raises(RegistryError, match="exists"):
        export_version("chromseg/1", tmp_path / "mine.zip")


def test_parents_that_stay_behind_are_told(
    promoted: Path, elsewhere: Path, parents: tuple[Resolved, Resolved], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Path.cwd()
    monkeypatch.chdir(promoted)
    maps, detector = resolve_model("models:/chromseg/2"), parents[1]
    register(detector.folder, "ucrd-net")
    build(tmp_path / "both", maps, detector)
    register(tmp_path / "both", "cascade")
    export_version("cascade/1", tmp_path / "cascade.zip")
    monkeypatch.chdir(there)
    version, _ = import_version(tmp_path / "cascade.zip")
    assert absent_parents(version) == ("chromseg/2", "ucrd-net/1")
    assert import_version(elsewhere)[0].label == "chromseg/1"
    assert absent_parents(version) == ("ucrd-net/1",), "another number, the same weights"
