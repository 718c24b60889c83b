"""Everything an auditor may find changed: where it is changed, who must see it, and in which words.

A row is one place. Nothing of it is seen on a sound store after a usual life, as the last tests show.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from chromseg.errors import RegistryError
from chromseg.project import canonical_uri, state_folder
from chromseg.registry.log import audit
from chromseg.registry.log.audit import LOG, pieces
from chromseg.registry.log.entries import Entry
from chromseg.registry.promotion import history, promote, rollback
from chromseg.registry.store.runs import RunTracker
from chromseg.registry.store.store import open_store
from chromseg.registry.transfer.arrival import import_version
from chromseg.registry.transfer.backup import backup
from chromseg.registry.transfer.export import export_version
from chromseg.registry.transfer.restore import restore
from chromseg.registry.versions import packaging
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import resolve
from chromseg.registry.versions.retirement import retire
from chromseg.registry.versions.verify import verify

Attack = Callable[[Path], object]


def _sql(*statements: str) -> Attack:
    """Change the database behind MLflow's back."""

    def attack(project: Path) -> None:
        with closing(sqlite3.connect(project / "mlruns" / "mlflow.db")) as connection, connection:
            assert sum(connection.execute(statement).rowcount for statement in statements) > 0

    return attack


def _tag(name: str, change: Callable[[str], str]) -> Attack:
    """Edit a tag of the champion."""

    def attack(project: Path) -> None:
        before = open_store().get_model_version("chromseg", "2").tags[name]
        assert change(before) != before
        open_store().set_model_version_tag("chromseg", "2", name, change(before))

    return attack


def _package() -> Path:
    """The champion's package in the store."""
    return resolve("models:/chromseg/2").parents[1]


def _file(name: str) -> Attack:
    """Add a line to a file of the champion's package."""

    def attack(project: Path) -> None:
        [found] = _package().rglob(name)
        with found.open("ab") as stream:
            stream.write(b"\n ")

    return attack


def _new_file(project: Path) -> None:
    (_package() / "sitecustomize.py").write_text("print('loaded')\n")


def _other_source(project: Path) -> None:
    """The version points to a copy of its package with another line of code."""
    copy = shutil.copytree(_package(), project / "mlruns" / "elsewhere")
    with next(copy.glob("*.py")).open("a") as stream:
        stream.write("\nimport os\n")
    _sql(f"UPDATE model_versions SET source = '{copy.as_uri()}', storage_location = '{copy.as_uri()}' "
         "WHERE name = 'chromseg' AND version = 2")(project)  # fmt: skip


_SECOND = f"name = '{LOG}' AND version = 2"
_CUT = tuple(
    f"DELETE FROM {table} WHERE name = '{LOG}' AND version = 4" for table in ("model_version_tags", "model_versions")
)
_SHOW_FIRST = "UPDATE registered_model_aliases SET version = 1 WHERE name = 'chromseg' AND alias = 'champion'"


def _cut(*more: str) -> Attack:
    """Cut the last promotion off, and have MLflow show what was before."""
    return _sql(*_CUT, _SHOW_FIRST, *more)


def _heads(change: Callable[[str], str]) -> Attack:
    def attack(project: Path) -> None:
        file = state_folder() / "audit-heads.json"
        file.write_text(change(file.read_text()))

    return attack


def _forget(project: Path) -> None:
    (state_folder() / "audit-heads.json").unlink()


def _both(*attacks: Attack) -> Attack:
    return lambda project: [attack(project) for attack in attacks]


def _forged(**changes: object) -> Attack:
    """Append an entry that says what is not so, with the right hash of the one before."""

    def attack(project: Path) -> None:
        last = history("chromseg")[-1]
        entry = Entry("2026-01-01T00:00:00Z", "Eve", "promote", "chromseg", 1, "champion", 2, "better", prev=last.hash)
        forged = replace(entry, **changes)  # type: ignore[arg-type]
        open_store().create_model_version(LOG, f"{LOG}:/x", tags=pieces(forged.to_json()), await_creation_for=0)

    return attack


def _retired_again(project: Path) -> None:
    retire("chromseg/1", reason="a fault")
    _forged()(project)


def _swapped(project: Path) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        _sql(f"UPDATE model_version_tags SET version = {new} WHERE name = '{LOG}' AND version = {old}")(project)


def _rewritten(project: Path) -> None:
    """The whole log again, in one chain, with another name."""
    entries: list[Entry] = []
    for entry in history("chromseg"):
        prev = entries[-1].hash if entries else entry.prev
        entries.append(replace(entry, by="Eve", prev=prev))
    for number, entry in enumerate(entries, 1):
        open_store().set_model_version_tag(LOG, str(number), "entry", entry.to_json())
    open_store().set_registered_model_tag("chromseg", "chromseg.audit_head", f"4 {entries[-1].hash}")


def _run() -> str:
    return str(open_store().get_model_version("chromseg", "2").run_id)


def _purged(project: Path) -> None:
    run = _run()
    tables = ("params", "metrics", "latest_metrics", "tags", "runs")
    _sql(*(f"DELETE FROM {table} WHERE run_uuid = '{run}'" for table in tables))(project)


def _other_run(project: Path) -> None:
    first = open_store().get_model_version("chromseg", "1").run_id
    _sql(f"UPDATE model_versions SET run_id = '{first}' WHERE name = 'chromseg' AND version = 2")(project)


def _made_by_hand(project: Path) -> None:
    open_store().create_model_version("chromseg", open_store().get_model_version("chromseg", "1").source)


def _copied_by_hand(project: Path) -> None:
    first = open_store().get_model_version("chromseg", "1")
    open_store().create_model_version("chromseg", first.source, tags=first.tags)


def _said(*, head: str | None = None) -> str:
    """What `verify-log --files` says."""
    verdict = verify(files=True, head=head)
    return "\n".join([*verdict.problems, *(f"note: {note}" for note in verdict.notes)])


def _head_on_paper() -> str:
    """The same with the head that somebody wrote down when it was 4 entries long; found in a copy, here the test's."""
    return _said(head=PAPER[0])


PAPER: list[str] = []


class Row(NamedTuple):
    """One place: what is done to it, and what `verify-log --files` says then; another verb where it is named."""

    place: str
    attack: Attack
    told: str
    verb: Callable[[], str] = _said


_FILES = "was changed: all its [0-9]+ files together have SHA-256"
ROWS = [
    Row("tag lineage", _tag("lineage", lambda t: t.replace("c0ffee", "bad000")), "chromseg/2 no longer says"),
    Row("tag metrics", _tag("metrics", lambda t: t.replace("0.75", "0.99")), "chromseg/2 no longer says"),
    Row("tag config", _tag("config", lambda t: t.replace("unet", "other")), "chromseg/2 no longer says"),
    Row("tag weights_sha256", _tag("weights_sha256", lambda t: "0" * 64), "chromseg/2 no longer says"),
    Row("tag data_md5", _tag("data_md5", lambda t: t.replace("0", "1")), "chromseg/2 no longer says"),
    Row("tag registered_by", _tag("registered_by", lambda t: "Eve"), "chromseg/2 no longer says"),
    Row(
        "entry changed",
        _sql(f"UPDATE model_version_tags SET value = replace(value, 'Ada', 'Eve') WHERE {_SECOND}"),
        "entry 3 follows none in the log",
    ),
    Row(
        "entry removed",
        _sql(*(f"DELETE FROM {table} WHERE {_SECOND}" for table in ("model_version_tags", "model_versions"))),
        "entry 2 is missing",
    ),
    Row("entries swapped", _swapped, "follows none in the log"),
    Row("log rewritten as a whole", _rewritten, "entry 4 of the log is not the one that this machine .* has seen"),
    Row("end cut off", _cut(), "3 entries, but this machine .* has seen 4: its end was cut off"),
    Row("end cut off, no head here", _both(_cut(), _forget), "registered model chromseg has seen 4: its end was cut"),
    Row(
        "end cut off, all heads edited",
        _both(_cut("DELETE FROM registered_model_tags WHERE name = 'chromseg'"), _forget),
        "3 entries, but --head has seen 4",
        _head_on_paper,
    ),
    Row("entry forged", _forged(previous=None), "entry 5 says that none was the champion of chromseg, .* version 2"),
    Row("entry of a retired version forged", _retired_again, "entry 6 makes version 1 the champion .* retired before"),
    Row("entry forged onto an old one", _forged(prev="f" * 64), "entry 5 follows none in the log"),
    Row("heads of this machine edited", _heads(lambda t: t.replace('"4 ', '"9 ')), "has seen 9: its end was cut off"),
    Row("heads of this machine deleted", _forget, "note: this machine had not seen this log before"),
    Row(
        "head of a model edited",
        _sql("UPDATE registered_model_tags SET value = '9 00' WHERE key = 'chromseg.audit_head'"),
        "registered model chromseg has seen 9",
    ),
    Row("weights", _file("model.safetensors"), "model.safetensors"),
    Row("card", _file("model.json"), "model.json"),
    Row("card page", _file("MODEL_CARD.md"), _FILES),
    Row("code", _file("pyfunc_model.py"), _FILES),
    Row("code that came along", _file("predictor.py"), _FILES),
    Row("MLmodel", _file("MLmodel"), _FILES),
    Row("requirements", _file("requirements.txt"), _FILES),
    Row("file added", _new_file, _FILES),
    Row("source", _other_source, "chromseg/2 no longer says"),
    Row(
        "policy, weak at a promotion and replaced after it",
        lambda p: (p / "promotion.yaml").unlink(),
        "champion off",
        lambda: "; ".join(show("chromseg/2").weakened),
    ),
    Row("run of a version", _other_run, "chromseg/2 names run .*, and was registered with run"),
    Row(
        "run: parameter",
        lambda p: _sql(f"UPDATE params SET value = 'x' WHERE run_uuid = '{_run()}'")(p),
        "which made chromseg/2, was edited: its params",
    ),
    Row(
        "run: metric logged",
        lambda p: open_store().log_metric(_run(), "test/overall_acc", 0.99),
        "which made chromseg/2, was edited: its test metrics",
    ),
    Row(
        "run: metric in the database",
        lambda p: _sql(f"UPDATE latest_metrics SET value = 0.99 WHERE run_uuid = '{_run()}'")(p),
        "which made chromseg/2, was edited: its .*test metrics",
    ),
    Row("run: tag", lambda p: open_store().set_tag(_run(), "seed", "9"), "was edited: its lineage tags"),
    Row("run deleted", lambda p: open_store().delete_run(_run()), "which made chromseg/2, was deleted"),
    Row("run deleted for good", _purged, "which made chromseg/2, was deleted"),
    Row(
        "alias moved",
        lambda p: open_store().set_registered_model_alias("chromseg", "champion", "1"),
        "MLflow showed version 1 as the champion of chromseg, which is version 2: somebody moved it",
    ),
    Row(
        "alias deleted",
        lambda p: open_store().delete_registered_model_alias("chromseg", "champion"),
        "MLflow showed none as the champion of chromseg, which is version 2",
    ),
    Row(
        "alias made up",
        lambda p: open_store().set_registered_model_alias("chromseg", "prod", "1"),
        r"note: MLflow shows an alias 'prod' of chromseg \(version 1\) that no entry decided",
    ),
    Row("version made by hand", _made_by_hand, "chromseg/3 was made in MLflow and not by ChromSeg-Ops"),
    Row("version copied by hand", _copied_by_hand, "note: chromseg/3 holds the files of chromseg/1 and is no version"),
    Row(
        "version deleted",
        lambda p: open_store().delete_model_version("chromseg", "1"),
        "chromseg/1, .* is gone: restore",
    ),
    Row(
        "model renamed",
        lambda p: open_store().rename_registered_model("chromseg", "mine"),
        r"chromseg/2, .* is gone[\s\S]*mine/2 holds the weights of chromseg/2, which is gone",
    ),
    Row("model deleted", lambda p: open_store().delete_registered_model("chromseg"), "chromseg/2, .* is gone"),
    Row("log deleted", lambda p: open_store().delete_registered_model(LOG), "0 entries, but this machine"),
    Row("log renamed", lambda p: open_store().rename_registered_model(LOG, "x"), "0 entries, but this machine"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.place)
def test_what_was_changed_is_told(promoted: Path, row: Row) -> None:
    PAPER[:] = [f"4 {history('chromseg')[-1].hash}"]
    assert _head_on_paper() == ""
    row.attack(promoted)
    audit.forget()
    said = row.verb()
    assert re.search(row.told, said), said


def test_the_list_is_long_enough() -> None:
    assert len(ROWS) >= 25 and len({row.place for row in ROWS}) == len(ROWS)


def _with(file: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change one member of a ZIP file."""
    with zipfile.ZipFile(file) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    assert change(members[name]) != members[name]
    with zipfile.ZipFile(file, "w") as archive:
        for each, content in members.items():
            archive.writestr(each, change(content) if each == name else content)


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("model/model.safetensors", lambda content: content + b" "),
        ("model/model.json", lambda content: content + b" "),
        ("model/MODEL_CARD.md", lambda content: content + b" "),
        ("manifest.json", lambda content: content.replace(b"newer", b"older")),
        ("manifest.json", lambda content: content.replace(b"Ada", b"Eve")),
    ],
    ids=["weights", "card", "card page", "log", "facts"],
)
def test_an_exported_file_that_was_changed_is_not_taken(
    promoted: Path, tmp_path: Path, member: str, change: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "model.zip"
    export_version("chromseg/2", file)
    _with(file, member, change)
    with pytest.raises(RegistryError, match="cannot be imported"):
        import_version(file, name="theirs")


def _sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store's files be elsewhere, so that they are fetched, as a server's are."""
    monkeypatch.setattr(packaging, "is_local_uri", lambda uri: False)


def test_what_a_server_has_is_fetched_anew_and_what_was_fetched_before_is_compared_too(
    promoted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = resolve("models:/chromseg/2")
    _sent(monkeypatch)
    cached = resolve("models:/chromseg/2")
    assert cached != stored and _said() == ""
    for place, verb in ((stored, _said), (cached, _said), (cached, lambda: _refusal("models:/chromseg@champion"))):
        weights = place / "model.safetensors"
        whole = weights.read_bytes()
        weights.write_bytes(whole + b" ")
        assert "model.safetensors" in verb()
        weights.write_bytes(whole)
    assert _said() == ""
    shutil.rmtree(stored.parents[1])
    assert "nothing is at" in _said()


def _refusal(reference: str) -> str:
    with pytest.raises(RegistryError) as refused:
        resolve(reference)
    return str(refused.value)


def test_a_server_that_sends_nothing_was_not_looked_at(promoted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _sent(monkeypatch)

    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("connection refused")

    monkeypatch.setattr(packaging.mlflow.artifacts, "download_artifacts", unreachable)
    monkeypatch.setattr(packaging.mlflow.artifacts, "list_artifacts", unreachable)
    verdict = verify(files=True)
    assert verdict.problems == () and len(verdict.unseen) == 2 and "connection refused" in verdict.unseen[0]


def test_nothing_is_seen_on_a_sound_store_after_a_usual_life(
    promoted: Path, make_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, _ = register(make_model(seed=2, metrics={"test/overall_acc": 0.5, "test/iou_crossing": 0.5}), "chromseg")
    promote("chromseg/3", reason="to be tried", alias="challenger")
    promote("chromseg@challenger", reason="better")
    rollback("chromseg", reason="worse")
    export_version("chromseg/2", tmp_path / "model.zip")
    import_version(tmp_path / "model.zip", name="theirs")
    client = open_store()
    client.set_tag(version.run, "mlflow.note.content", "looked at")
    client.log_metric(version.run, "perf/infer_ms_per_image", 3.0)
    assert _said() == ""
    retire("chromseg/1", reason="a fault")
    backup(tmp_path / "registry.tar")
    (tmp_path / "moved").mkdir()
    shutil.copy(promoted / "promotion.yaml", tmp_path / "moved")
    (tmp_path / "moved" / "pyproject.toml").touch()
    for place in (tmp_path / "moved", promoted):
        monkeypatch.chdir(place)
        if place != promoted:
            restore(tmp_path / "registry.tar")
            promote("chromseg/3", reason="the copy goes its own way")
        assert _said() == f"note: chromseg/1 was retired at {show('chromseg/1').retired}"
    aliases = {each.number: each.aliases for each in list_versions("chromseg")}
    assert aliases == {1: (), 2: ("champion",), 3: ("challenger",)}


def test_a_run_that_was_measured_again_is_no_edited_one(promoted: Path, make_model: Callable[..., Path]) -> None:
    scores = {"test/overall_acc": 0.5, "test/iou_crossing": 0.5}
    version, _ = register(make_model(seed=2, metrics=scores), "chromseg")
    RunTracker(open_store(), version.run).log_metrics(scores | {"test/overall_acc": 0.75})
    assert "was measured again at" in _said() and verify().problems == ()
    open_store().log_metric(version.run, "test/iou_crossing", 0.9)
    assert "was edited: its test metrics" in _said()


def test_what_was_put_right_stays_on_record(promoted: Path) -> None:
    open_store().set_registered_model_alias("chromseg", "champion", "1")
    assert show("chromseg@champion").number == 2
    assert verify().problems == ()
    repair = history("chromseg")[-1]
    assert (repair.action, repair.alias) == ("repair", None) and "showed version 1 as the champion" in repair.reason
    assert "put right what MLflow showed: MLflow showed version 1" in _said()
    assert show("chromseg@champion").number == 2 and history("chromseg")[-1] == repair


@pytest.mark.parametrize(
    "spelled", ["sqlite:///mlruns/mlflow.db", "sqlite:///{root}/mlruns/../mlruns/mlflow.db", "link"]
)
def test_a_log_is_known_however_its_store_is_called(
    promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelled: str
) -> None:
    (tmp_path / "link").symlink_to(promoted / "mlruns")
    uri = f"sqlite:///{tmp_path}/link/mlflow.db" if spelled == "link" else spelled.format(root=promoted)
    _cut("DELETE FROM registered_model_tags WHERE name = 'chromseg'")(promoted)
    audit.forget()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert "has seen 4: its end was cut off" in _said()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://Host:5000/", "http://host:5000", True),
        ("https://ada:secret@host/mlflow/", "https://host:443/mlflow", True),
        ("postgresql+psycopg2://u:p@db/mlflow", "postgresql://db:5432/mlflow", True),
        ("http://host:5000", "http://host:5001", False),
        ("http://host/a", "http://host/b", False),
    ],
)
def test_an_address_has_one_spelling(one: str, other: str, same: bool) -> None:
    assert (canonical_uri(one) == canonical_uri(other)) is same
    assert "secret" not in canonical_uri(one)


def test_a_home_that_takes_nothing_is_told_once(
    promoted: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHROMSEG_STATE_DIR", str(tmp_path / "file" / "below"))
    for alias in ("champion", "challenger"):
        promote("chromseg/1", reason="newer", alias=alias)
    [line] = [record.message for record in caplog.records if record.name == "chromseg.registry"]
    assert line.startswith("the head of the audit log is not kept on this machine") and verify().problems == ()
