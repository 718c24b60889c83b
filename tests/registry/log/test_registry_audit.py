"""The log in the store: the next reader finds out who changes, cuts or forges it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chromseg.errors import RegistryError
from chromseg.project import state_folder
from chromseg.registry.log import audit
from chromseg.registry.log.aliases import show_alias
from chromseg.registry.log.audit import LOG, append, read_log
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.entries import Entry
from chromseg.registry.promotion import history, promote
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.references import known_names
from chromseg.registry.versions.resolve import resolve
from chromseg.registry.versions.verify import verify


def _sql(project: Path, statement: str, *values: object) -> None:
    """Change the store behind MLflow's back, as nobody who has seen the log before."""
    with closing(sqlite3.connect(project / "mlruns" / "mlflow.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0
    audit.forget()


def test_a_sound_registry_verifies(promoted: Path) -> None:
    verdict = verify(files=True)
    assert (verdict.length, verdict.problems, verdict.notes) == (4, (), ())
    assert verdict.head == history("chromseg")[-1].hash
    heads = json.loads((state_folder() / "audit-heads.json").read_text())["heads"]
    assert heads == {history("chromseg")[0].hash: f"4 {verdict.head}"}
    assert open_store().get_registered_model("chromseg").tags["chromseg.audit_head"] == f"4 {verdict.head}"


def test_the_log_is_no_model(promoted: Path) -> None:
    assert known_names(open_store()) == ["chromseg"]
    assert {version.name for version in list_versions()} == {"chromseg"}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_changed_entry_is_found_and_nothing_resolves(promoted: Path, number: int) -> None:
    tag = "UPDATE model_version_tags SET value = replace(value, 'Ada', 'Eve') WHERE name = ? AND version = ?"
    _sql(promoted, tag, LOG, number)
    assert verify().problems
    for act in (lambda: resolve("models:/chromseg@champion"), lambda: promote("chromseg/1", reason="x"), list_versions):
        with pytest.raises(RegistryError, match=r"the audit log cannot be trusted.*verify-log"):
            act()


def test_a_cut_end_is_found(promoted: Path) -> None:
    open_store().delete_model_version(LOG, "4")
    audit.forget()
    with pytest.raises(RegistryError, match=r"3 entries, but this machine .* has seen 4: its end was cut off"):
        show("chromseg@champion")


def test_a_cut_end_is_found_by_a_newcomer_too(promoted: Path) -> None:
    (state_folder() / "audit-heads.json").unlink()
    _sql(promoted, "DELETE FROM model_version_tags WHERE name = ? AND version = 4", LOG)
    _sql(promoted, "DELETE FROM model_versions WHERE name = ? AND version = 4", LOG)
    [problem] = verify().problems
    assert "registered model chromseg has seen 4: its end was cut off" in problem


def test_a_whole_log_thrown_away_is_missed(promoted: Path) -> None:
    open_store().delete_registered_model(LOG)
    audit.forget()
    assert len([problem for problem in verify().problems if "cut off" in problem]) == 2


def test_a_long_lived_process_sees_the_end_cut_off(promoted: Path) -> None:
    assert len(read_log(open_store()).entries) == 4
    open_store().delete_model_version(LOG, "4")
    with pytest.raises(RegistryError, match="its end was cut off"):
        read_log(open_store())


@pytest.mark.parametrize("tag", ["lineage", "metrics", "registered_by"])
def test_a_version_whose_facts_were_changed_is_not_used(promoted: Path, tag: str) -> None:
    before = open_store().get_model_version("chromseg", "2").tags[tag]
    open_store().set_model_version_tag("chromseg", "2", tag, before.replace("0", "1").replace("Ada", "Eve") + " ")
    with pytest.raises(RegistryError, match=r"chromseg/2 no longer says what Ada Tester .* registered"):
        show("chromseg@champion")
    assert show("chromseg/1").number == 1
    assert len(verify().problems) == 1


def test_a_registered_version_that_is_gone_is_told(promoted: Path) -> None:
    open_store().delete_model_version("chromseg", "1")
    [problem] = verify().problems
    assert problem.startswith("chromseg/1, registered at ")


def test_changed_files_are_found_on_request(promoted: Path) -> None:
    with (resolve("models:/chromseg/1") / "model.json").open("a") as stream:
        stream.write(" ")
    assert verify().problems == ()
    [problem] = verify(files=True).problems
    assert "model.json has SHA-256" in problem


def test_a_forged_version_does_not_resolve(promoted: Path) -> None:
    """One that was put in through MLflow, with tags like ours."""
    client = open_store()
    real = client.get_model_version("chromseg", "1")
    client.create_model_version("chromseg", real.source, tags=real.tags)
    with pytest.raises(RegistryError, match="chromseg/3 is not in the audit log"):
        resolve("models:/chromseg/3")
    assert [version.number for version in list_versions()] == [1, 2]
    assert verify().notes == ("chromseg/3 holds the files of chromseg/1 and is no version",)


def test_a_writer_that_came_second_is_asked_again(promoted: Path) -> None:
    """Its entry does not contradict the other one: it is written after it."""
    asked: list[int] = []

    def late(chain: Chain) -> Entry:
        asked.append(len(chain.entries))
        if len(asked) == 1:
            promote("chromseg/1", reason="faster")
        return Entry("now", "Eve", "promote", "chromseg", 2, "challenger", reason="slower")

    client = open_store()
    entry = append(client, late, lambda entry: show_alias(client, "chromseg", "challenger", entry.version))
    assert asked == [4, 5]
    verdict = verify()
    assert (verdict.length, verdict.head, verdict.problems) == (6, entry.hash, ())
    assert verdict.notes == ("entry 6 (promote of chromseg/2 by Eve) came second and does not count",)


def test_an_unreadable_memory_is_not_passed_over(promoted: Path) -> None:
    (state_folder() / "audit-heads.json").write_text("[")
    with pytest.raises(RegistryError, match=r"audit-heads.json cannot be read"):
        show("chromseg@champion")


@pytest.mark.parametrize("read", [lambda: show("chromseg/1"), lambda: verify()])
def test_an_entry_that_is_written_while_the_log_is_read_is_no_tampering(
    promoted: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[], Any]
) -> None:
    real, left = audit._fetch, iter([True])

    def overtaken(*arguments: Any) -> Any:
        found = real(*arguments)
        if next(left, False):
            promote("chromseg/1", reason="faster")
        return found

    monkeypatch.setattr(audit, "_fetch", overtaken)
    assert not getattr(read(), "problems", ())


def overtake(monkeypatch: pytest.MonkeyPatch, owner: Any, step: str) -> None:
    """Have another promotion come first when a writer is about to take the step `owner.step` for the first time."""
    real, left = getattr(owner, step), iter([True])

    def held_up(*arguments: Any) -> None:
        if next(left, False):
            promote("chromseg/2", reason="faster", alias="challenger")
        real(*arguments)

    monkeypatch.setattr(owner, step, held_up)


def test_what_was_seen_is_never_forgotten_for_an_older_log(promoted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that is held up between its entry and writing the head down, while another writes the next one."""
    overtake(monkeypatch, audit, "_write_head_down")
    promote("chromseg/1", reason="slower")
    head = f"6 {history('chromseg')[-1].hash}"
    assert list(json.loads((state_folder() / "audit-heads.json").read_text())["heads"].values()) == [head]
    assert open_store().get_registered_model("chromseg").tags["chromseg.audit_head"] == head


def test_a_writer_that_put_an_older_head_over_a_newer_one_puts_it_right(
    promoted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's tags have no compare-and-swap: another may write between reading the tag and writing it."""
    overtake(monkeypatch, MlflowClient, "set_registered_model_tag")
    promote("chromseg/1", reason="slower")
    assert open_store().get_registered_model("chromseg").tags["chromseg.audit_head"].startswith("6 ")
