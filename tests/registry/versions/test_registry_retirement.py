"""A version taken out of use for good: nothing resolves it, nothing becomes it, and every refusal says why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_cascade import build, make_detector
from typer.testing import CliRunner

from chromseg.cli.app import app
from chromseg.errors import RegistryError, RetiredError
from chromseg.registry import promotion
from chromseg.registry.promotion import history, judge_promotion, promote, rollback
from chromseg.registry.store.store import open_store
from chromseg.registry.transfer.arrival import import_version
from chromseg.registry.transfer.export import export_version
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import resolve, resolve_model, version_of_result
from chromseg.registry.versions.retirement import retire
from chromseg.registry.versions.verify import verify

WHY = r"chromseg/2.* retired at .*Z by Ada Tester .*: consent was withdrawn"


def test_a_retired_champion_leaves_to_the_version_before_and_is_used_for_nothing(
    promoted: Path, tmp_path: Path
) -> None:
    done = retire("chromseg@champion", reason=" consent was withdrawn ")
    assert (done.entry.version, done.entry.reason, done.moved) == (2, "consent was withdrawn", {"champion": 1})
    assert show("chromseg@champion").number == 1
    assert open_store().get_registered_model("chromseg").aliases == {"champion": 1}
    assert "consent was withdrawn" in open_store().get_model_version("chromseg", "2").tags["retired"]
    for act in (
        lambda: resolve("models:/chromseg/2"),
        lambda: judge_promotion("chromseg/2"),
        lambda: promote("chromseg/2", force="all the same"),
        lambda: export_version("chromseg/2", tmp_path / "model.zip"),
        lambda: retire("chromseg/2", reason="again"),
    ):
        with pytest.raises(RetiredError, match=WHY):
            act()
    with pytest.raises(RegistryError, match="no earlier champion"):
        rollback("chromseg", reason="back to 2?")
    assert [version.retired is None for version in list_versions("chromseg")] == [True, False]
    assert history("chromseg")[-1] == done.entry
    assert verify(files=True).problems == ()


def test_the_last_one_leaves_none_and_whoever_asks_is_told(promoted: Path) -> None:
    retire("chromseg/1", reason="a fault")
    assert show("chromseg@champion").number == 2
    assert retire("chromseg/2", reason="consent was withdrawn").moved == {"champion": None}
    assert open_store().get_registered_model("chromseg").aliases == {}
    with pytest.raises(RetiredError, match=r"has no champion: version 2, which it was, was retired at .* withdrawn"):
        resolve("models:/chromseg@champion")
    assert verify(files=True).problems == ()


def test_a_rollback_passes_over_it(promoted: Path, make_model: Callable[..., Path]) -> None:
    register(make_model(seed=2), "chromseg")
    promote("chromseg/3", reason="newer")
    retire("chromseg/2", reason="a fault")
    assert rollback("chromseg", reason="misses crossings").version == 1
    assert verify().problems == ()


def test_its_weights_come_back_under_no_name(promoted: Path, make_model: Callable[..., Path], tmp_path: Path) -> None:
    export_version("chromseg/2", tmp_path / "model.zip")
    import_version(tmp_path / "model.zip", name="theirs")
    assert retire("chromseg/2", reason="consent was withdrawn").akin == ("theirs/1",)
    folder = make_model("again", seed=1, metrics={"test/overall_acc": 0.75})
    for act in (
        lambda: register(folder, "chromseg"),
        lambda: register(folder, "other"),
        lambda: import_version(tmp_path / "model.zip", name="once-more"),
    ):
        with pytest.raises(RetiredError, match=f"these weights are {WHY}"):
            act()


def test_one_that_is_retired_while_it_is_judged_is_not_promoted(
    promoted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = promotion.append

    def held_up(*arguments: object) -> object:
        monkeypatch.setattr(promotion, "append", real)
        retire("chromseg/1", reason="a fault")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(promotion, "append", held_up)
    with pytest.raises(RetiredError, match="a fault"):
        promote("chromseg/1", reason="judged before")
    assert show("chromseg@champion").number == 2


def test_one_that_was_deleted_in_mlflow_is_acknowledged(promoted: Path) -> None:
    open_store().delete_model_version("chromseg", "1")
    assert "is gone: restore the store, or say why" in verify().problems[0]
    retire("chromseg/1", reason="deleted on request of the lab")
    verdict = verify(files=True)
    assert verdict.problems == ()
    assert "it was retired at" in verdict.notes[0] and "deleted on request" in verdict.notes[0]


def test_a_model_that_was_deleted_in_mlflow_is_acknowledged_too(promoted: Path) -> None:
    open_store().delete_registered_model("chromseg")
    for number in (1, 2):
        retire(f"chromseg/{number}", reason="deleted on request of the lab")
    assert verify(files=True).problems == ()


def test_a_cascade_of_a_retired_parent_is_told_and_no_other_is_made(
    store: Path, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    register(make_model("maps"), "chromseg")
    register(make_detector(tmp_path / "detector"), "ucrd-net")
    parents = [resolve_model(f"models:/{name}/1") for name in ("chromseg", "ucrd-net")]
    for name, doubt in (("both", 0.5), ("later", 0.6)):
        build(tmp_path / name, *parents, doubt=doubt)
    register(tmp_path / "both", "cascade")
    assert retire("ucrd-net/1", reason="a fault").akin == ("cascade/1",)
    assert any("cascade/1 is in use and built of ucrd-net/1, retired at" in note for note in verify().notes)
    with pytest.raises(RetiredError, match="ucrd-net/1 was retired at"):
        register(tmp_path / "later", "cascade")
    retire("cascade/1", reason="its parent has a fault")
    assert not any("is in use" in note for note in verify().notes)


def test_its_files_may_go(promoted: Path) -> None:
    package = resolve("models:/chromseg/2").parents[1]
    retire("chromseg/2", reason="consent was withdrawn")
    shutil.rmtree(package)
    assert verify(files=True).problems == ()


def test_a_result_still_leads_to_it(promoted: Path) -> None:
    weights = show("chromseg/2").weights_sha256
    retire("chromseg/2", reason="consent was withdrawn")
    (promoted / "instances.json").write_text(json.dumps({"model": {"weights_sha256": weights}}))
    assert "consent was withdrawn" in str(version_of_result(promoted / "instances.json").retired)


def test_what_is_not_known_is_not_retired(promoted: Path) -> None:
    with pytest.raises(RegistryError, match=r"no models:/chromseg/9; expected one of the versions 1, 2;"):
        retire("chromseg/9", reason="a slip")
    with pytest.raises(RegistryError, match="an empty reason"):
        retire("chromseg/2", reason=" ")
    assert len(history("chromseg")) == 4


def test_it_is_shown_everywhere(promoted: Path) -> None:
    run = CliRunner().invoke
    answer = run(app, ["models", "retire", "chromseg@champion", "--reason", "consent was withdrawn"])
    assert answer.stdout == "chromseg/2 is retired\nchromseg: version 1 is champion now\n" and answer.exit_code == 0
    assert "retired" in run(app, ["models", "list"]).stdout.splitlines()[2]
    assert "consent was withdrawn" in run(app, ["models", "show", "chromseg/2"]).stdout
    last = run(app, ["models", "history", "chromseg"]).stdout.splitlines()[-1]
    assert "retire" in last and last.endswith("consent was withdrawn; version 1 is champion now")
    refused = run(app, ["models", "promote", "chromseg/2", "--force", "x"])
    assert refused.exit_code == 1 and "was retired at" in refused.stderr
