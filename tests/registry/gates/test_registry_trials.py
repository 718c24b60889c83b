"""A trial is put on record once, and counts only where nothing it hangs on has changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from chromseg.registry.gates import judge as judging
from chromseg.registry.gates import trials
from chromseg.registry.gates.measured import Measured
from chromseg.registry.gates.trials import Circumstances, circumstances, on_record, try_out
from chromseg.registry.log.audit import read_log
from chromseg.registry.promotion import history, judge_promotion, promote
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.package_files import list_files
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import checked_package
from chromseg.registry.versions.version import Version

GOOD = Measured(1.0, 0.5, 900.0, "", {"metaphase": "38/38"}, "2026-11-25T12:00:00.000000Z")


class Counting:
    """In the probe's place: gives the answer that a test has set, and counts how often."""

    answer = GOOD
    calls = 0

    @staticmethod
    def measure(folder: Path) -> Measured:
        Counting.calls += 1
        return Counting.answer


@pytest.fixture
def version(store: Path, make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Version]:
    """One that was registered where a policy asks for a prediction."""
    values = yaml.safe_load((store / "promotion.yaml").read_text())
    asked = {"golden": {"min_recovered": 0.9}, "budget": {"max_seconds": 2.0, "max_memory_mib": 1000.0}}
    (store / "promotion.yaml").write_text(yaml.safe_dump(values | asked))
    monkeypatch.setattr(trials, "measure", Counting.measure)
    monkeypatch.setattr(judging, "measure", Counting.measure)
    monkeypatch.setattr(Counting, "calls", 0)
    monkeypatch.setattr(Counting, "answer", GOOD)
    yield register(make_model(), "chromseg")[0]


def test_what_is_on_record_is_not_tried_again(version: Version) -> None:
    assert try_out(version, by="Ada") == try_out(version, by="Ada") == GOOD
    entry = promote("chromseg/1", reason="good")
    assert Counting.calls == 1
    assert [(each.action, each.alias) for each in history("chromseg")] == [
        ("register", None), ("trial", None), ("promote", "champion"),
    ]  # fmt: skip
    told = {gate["name"]: gate["measured"] for gate in entry.facts["gates"]}
    assert told["runs without pickle"] == "yes, tried out 2026-11-25T12:00:00Z"
    assert "metaphase 38/38" in told["golden set, share found"]


def test_without_a_trial_on_record_the_gates_try_it_out(version: Version) -> None:
    promote("chromseg/1", reason="good")
    assert Counting.calls == 1
    assert [each.action for each in history("chromseg")] == ["register", "promote"]


@pytest.mark.parametrize("changed", [field.name for field in dataclasses.fields(Circumstances)])
def test_a_trial_under_other_circumstances_does_not_count(
    version: Version, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_out(version, by="Ada")
    here = circumstances(checked_package(version)[1])
    monkeypatch.setattr(judging, "circumstances", lambda _: dataclasses.replace(here, **{changed: "other"}))
    promote("chromseg/1", reason="good")
    assert Counting.calls == 2


def test_a_bad_trial_on_record_refuses_nobody_later(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = dataclasses.replace(GOOD, seconds=3.0)
    for answer in (slow, dataclasses.replace(GOOD, problem="no answer within 300 s")):
        monkeypatch.setattr(Counting, "answer", answer)
        try_out(version, by="Ada")
        assert judge_promotion("chromseg/1").failed
    assert history("chromseg")[-1].action == "trial"
    monkeypatch.setattr(Counting, "answer", GOOD)
    assert judge_promotion("chromseg/1").failed == []


def test_another_trial_follows_one_that_did_not_run(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "answer", dataclasses.replace(GOOD, problem="the process died"))
    assert getattr(try_out(version, by="Ada"), "problem", None) == "the process died"
    monkeypatch.setattr(Counting, "answer", GOOD)
    assert try_out(version, by="Ada") == GOOD
    assert [each.reason for each in history("chromseg")] == ["", "the process died", ""]


def test_nothing_is_tried_where_no_gate_asks(store: Path, make_model: Callable[..., Path]) -> None:
    version, _ = register(make_model(), "chromseg")
    assert try_out(version) is None
    assert [each.action for each in history("chromseg")] == ["register"]


def test_circumstances_follow_the_files(version: Version) -> None:
    package, files = checked_package(version)
    before = circumstances(files)
    (package / "registered_model_meta").write_text("model_name: chromseg\nmodel_version: '1'\n")
    assert circumstances(list_files(package)) == before
    (package / "more.txt").write_text("x")
    after = circumstances(list_files(package))
    assert after.package_sha256 != before.package_sha256
    assert (after.software_sha256, after.machine) == (before.software_sha256, before.machine)
    assert on_record(read_log(open_store()), version, after) is None
