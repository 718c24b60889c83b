from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chromseg.cli.app import app

runner = CliRunner()


def _ops(*arguments: str, code: int = 0) -> str:
    """What a command prints on stdout; of one that fails, its line on stderr."""
    answer = runner.invoke(app, ["models", *arguments])
    assert answer.exit_code == code, answer.output
    if code == 1:
        assert answer.stdout == "" and answer.stderr.count("\n") == 1
    return str(answer.stdout if code == 0 else answer.stderr)


def _json(*arguments: str) -> Any:
    return json.loads(_ops(*arguments, "--json"))


@pytest.fixture
def two(store: Path, make_model: Callable[..., Path]) -> Path:
    """Two versions, the first the champion."""
    for seed in range(2):
        folder = make_model(seed=seed, metrics={"test/overall_acc": 0.25 + seed / 2})
        assert _ops("register", str(folder)) == f"chromseg/{seed + 1} registered\n"
    assert _ops("promote", "chromseg/1", "--reason", "the first") == "chromseg@champion is version 1 now\n"
    return store


def test_the_life_of_a_model(two: Path) -> None:
    moved = _ops("promote", "chromseg/2", "--reason", "better")
    assert moved == "chromseg@champion, which was version 1, is version 2 now\n"
    assert _json("show", "chromseg@champion")["number"] == 2
    back = _ops("rollback", "chromseg", "--reason", "misses crossings")
    assert back == "chromseg@champion, which was version 2, is version 1 now\n"
    assert [event["action"] for event in _json("history", "chromseg")] == [
        "register", "register", "promote", "promote", "rollback",
    ]  # fmt: skip


def test_list_for_people_and_machines(two: Path) -> None:
    heading, first, second = _ops("list").splitlines()
    assert heading.split()[:5] == ["model", "aliases", "variant", "seed", "overall"]
    assert first.split()[:8] == ["chromseg/1", "champion,", "weak", "policy", "tiny", "0", "0.250", "sample"]
    assert second.split()[:5] == ["chromseg/2", "–", "tiny", "1", "0.750"]
    assert [version["number"] for version in _json("list", "chromseg")] == [1, 2]
    assert [version["number"] for version in _json("list", "--last", "1")] == [2]
    assert [version["number"] for version in _json("list", "chromseg", "--last", "3")] == [1, 2]


def test_an_empty_list_says_what_to_do(store: Path) -> None:
    answer = runner.invoke(app, ["models", "list"])
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert "init --with-bundled" in answer.stderr
    assert _json("list") == []


def test_show_has_scores_and_hashes(two: Path) -> None:
    shown = _ops("show", "models:/chromseg/2")
    assert "test/overall_acc  0.75\n" in shown
    assert _json("show", "chromseg/2")["weights_sha256"] in shown


def test_history_says_who_and_why(two: Path) -> None:
    assert "promote" in _ops("history", "chromseg")
    last = _json("history", "chromseg")[-1]
    assert (last["reason"], last["alias"], last["version"]) == ("the first", "champion", 1)
    assert last["by"].startswith("Ada Tester <ada@lab.example> (")


def test_lineage_of_an_alias_and_of_a_result(two: Path) -> None:
    told = _ops("lineage", "chromseg@champion")
    for fact in ("c0ffee" * 6, "data md5 of sample", "0123456789abcdef0123456789abcdef.dir", "a processor, 2 cores"):
        assert fact in told
    version = _json("lineage", "chromseg/2")
    result = two / "instances.json"
    model = {"name": "chromseg", "version": "2", "weights_sha256": version["weights_sha256"]}
    result.write_text(json.dumps({"model": model}))
    assert _json("lineage", "--result", str(result)) == version


def test_lineage_names_settings_and_scores(two: Path) -> None:
    told = " ".join(_ops("lineage", "chromseg/2").split())
    assert "config model.architecture unet" in told and "test/overall_acc 0.75" in told
    assert "git dirty no" in told and "data validation passed" in told and re.search("dvc stage [0-9a-f]{64}", told)
    assert "overrides none" in told and "installed not recorded" in told, "as in a card from before they were"


def test_lineage_names_overrides_and_all_that_was_installed(store: Path, make_model: Callable[..., Path]) -> None:
    changed = {"params.yaml": [[["train", "base", "crop"], 48]]}
    told = {"installed": {"numpy": "2.4.6", "torch": "2.9.1"}, "runtime": {"python": "3.11.7"}, "overrides": changed}
    _ops("register", str(make_model(**told)), "--name", "mine")
    shown = " ".join(_ops("lineage", "mine/1").split())
    for fact in (
        "overrides params.yaml:train.base.crop=48",
        "runtime python 3.11.7",
        "installed numpy 2.4.6, torch 2.9.1",
    ):
        assert fact in shown
    assert _json("lineage", "mine/1")["lineage"]["installed"] == told["installed"]


@pytest.mark.parametrize("arguments", [[], ["chromseg/1", "--result", "instances.json"]])
def test_lineage_wants_one_question(store: Path, arguments: list[str]) -> None:
    assert "give either MODEL or --result FILE" in _ops("lineage", *arguments, code=2)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["show", "chromsec@champion"], "no registered model 'chromsec'; expected one of: chromseg;"),
        (["show", "chromseg@challenger"], "no alias 'challenger'; expected one of: champion (version 1);"),
        (["promote", "chromseg/9", "--reason", "x"], "no version 9; expected one of: 1, 2;"),
        (["promote", "chromseg/2", "--reason", ""], "an empty reason"),
        (["rollback", "chromseg", "--reason", "x"], "no earlier champion"),
        (["register", "nowhere"], "no nowhere/model.json"),
        (["history", "nobody"], "no registered model 'nobody'"),
    ],
)
def test_refusals_are_one_line_with_what_is_known(two: Path, arguments: list[str], line: str) -> None:
    assert line in _ops(*arguments, code=1)


def test_register_refuses_uncommitted_code_unless_told(store: Path, make_model: Callable[..., Path]) -> None:
    folder = str(make_model(git_dirty=True))
    assert "--allow-dirty" in _ops("register", folder, code=1)
    assert _json("register", folder, "--allow-dirty", "--name", "mine")["allow_dirty"] is True
    assert _ops("register", folder, "--allow-dirty", "--name", "mine") == "mine/1 is these files already\n"
    assert "git dirty yes, allowed" in " ".join(_ops("lineage", "mine/1").split())
    assert "with changes" in _ops("list", "mine")
    assert "code not committed" in _ops("history", "mine")


def test_promote_wants_a_reason(two: Path) -> None:
    assert "--reason" in _ops("promote", "chromseg/2", code=2)


def test_a_dry_run_prints_every_gate_and_changes_nothing(two: Path) -> None:
    table = _ops("promote", "chromseg/2", "--dry-run").splitlines()
    assert table[0].split() == ["gate", "measured", "limit", "verdict"]
    assert all(line.endswith("pass") for line in table[1:])
    policy = (two / "promotion.yaml").read_text().replace("model_card: []", "model_card: [Slices]")
    (two / "promotion.yaml").write_text(policy)
    answer = runner.invoke(app, ["models", "promote", "chromseg/2", "--dry-run"])
    assert answer.exit_code == 1 and "FAIL" in answer.stdout and "would not become champion" in answer.stderr
    assert "does not pass model card: lacks Slices" in _ops("promote", "chromseg/2", "--reason", "x", code=1)
    assert _json("show", "chromseg@champion")["number"] == 1
    assert _ops("promote", "chromseg/2", "--force", "in haste").endswith("is version 2 now\n")
    assert "champion, forced" in _ops("list") and "in haste" in _ops("show", "chromseg/2")
    assert _json("history", "chromseg")[-1]["action"] == "force"


def test_a_version_leaves_and_comes_back_as_a_file(two: Path) -> None:
    told = _ops("export", "chromseg@champion", "model.zip")
    assert told.startswith("chromseg/1 is in model.zip, SHA-256 ")
    _ops("import", "model.zip", "--sha256", "a slip", code=2)
    assert "as announced" in _ops("import", "model.zip", "--sha256", "0" * 64, code=1)
    assert _ops("import", "model.zip", "--name", "known", "--sha256", told.split()[-1]) == "known/1 imported\n"
    assert _ops("import", "model.zip", "--name", "theirs") == "theirs/1 imported\n"
    assert _ops("import", "model.zip") == "chromseg/1 is these files already\n"
    assert "model.zip exists" in _ops("export", "chromseg/1", "model.zip", code=1)


def test_parents_that_stay_behind_are_told(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _ops("export", "chromseg/1", "model.zip")
    monkeypatch.setattr(
        "chromseg.registry.transfer.arrival.absent_parents", lambda version: ("chromseg/7", "ucrd-net/2")
    )
    answer = runner.invoke(app, ["models", "import", "model.zip", "--name", "theirs"])
    assert (answer.exit_code, answer.stdout) == (0, "theirs/1 imported\n")
    assert "not in this store: its parents chromseg/7, ucrd-net/2" in answer.stderr
    assert _json("import", "model.zip", "--name", "theirs")["absent_parents"] == ["chromseg/7", "ucrd-net/2"]


def test_the_registry_is_backed_up_and_restored(two: Path) -> None:
    answer = runner.invoke(app, ["registry", "backup", "registry.tar"])
    assert answer.exit_code == 0 and "3 entries in the audit log" in answer.stdout
    refused = runner.invoke(app, ["registry", "restore", "registry.tar"])
    assert refused.exit_code == 1 and "--replace" in refused.stderr
    assert runner.invoke(app, ["registry", "restore", "registry.tar", "--replace"]).exit_code == 0


def test_verify_log_says_yes_or_what_is_wrong(two: Path) -> None:
    from chromseg.registry.store.store import open_store

    assert _ops("verify-log", "--files").startswith("3 entries, head ")
    assert _json("verify-log")["problems"] == []
    open_store().delete_model_version("chromseg-audit", "3")
    answer = runner.invoke(app, ["models", "verify-log"])
    assert answer.exit_code == 1
    assert "its end was cut off" in answer.stderr
