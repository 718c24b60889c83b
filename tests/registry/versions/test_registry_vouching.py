"""Scores that somebody typed in prove nothing: only what DVC recorded, or what was measured, counts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc_record import record

from chromseg.dvc import folder_md5
from chromseg.errors import LineageError, RegistryError
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.promotion import history, promote
from chromseg.registry.store.runs import find_run, start_run
from chromseg.registry.store.store import open_store
from chromseg.registry.transfer.bundled import register_bundled
from chromseg.registry.versions import register as versions
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.register import register

MakeModel = Callable[..., Path]
ACC = "test/overall_acc"


def type_in(folder: Path, **changes: object) -> Path:
    """Edit a model's card by hand."""
    file = folder / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return folder


def demand(project: Path, **changes: object) -> None:
    """Change the project's policy."""
    file = project / "promotion.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes))


def test_scores_typed_into_a_copy_are_refused(store: Path, make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model(metrics={ACC: 0.5})
    forged = type_in(shutil.copytree(folder, tmp_path / "better"), metrics={ACC: 1.0})
    with pytest.raises(LineageError, match=r"test scores in its model.json that nobody vouches for.*models evaluate"):
        register(forged, "chromseg")
    assert list_versions() == []
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert register(copy, "chromseg")[0].metrics == {ACC: 0.5}, "by its content, wherever it lies"


def test_a_folder_that_differs_from_what_dvc_recorded_is_refused(store: Path, make_model: MakeModel) -> None:
    folder = make_model()
    record(folder, store)
    type_in(folder, stain="g-band")
    with pytest.raises(LineageError, match=r"has md5 .*as dvc.lock recorded it; restore it \(`dvc checkout`\)"):
        register(folder, "chromseg")
    record(folder, store)
    assert register(folder, "chromseg")[1]


def test_scores_come_from_the_evaluation_of_this_very_model(store: Path, make_model: MakeModel) -> None:
    folder = make_model()
    record(folder, store, {ACC: 0.75, "perf/infer_ms_per_image": 3.0})
    assert register(folder, "chromseg")[0].metrics == {ACC: 0.75}
    report = store / "reports/default/scores/tiny-0/metrics.json"
    report.write_text(report.read_text().replace("0.75", "1.0"))
    with pytest.raises(LineageError, match=r"scores/tiny-0 has md5 .*as dvc.lock recorded it"):
        register(folder, "another")
    other = make_model("other", seed=1)
    record(other, store)
    assert register(other, "chromseg")[0].metrics == {}, "trained and not evaluated"


def test_scores_edited_in_mlflow_do_not_count(store: Path, make_model: MakeModel) -> None:
    demand(store, thresholds=[{"model": "any", "metric": ACC, "min": 0.5}])
    register(make_model(), "chromseg")
    run = find_run(open_store(), "run-of-tiny-0")
    assert run is not None
    open_store().log_metric(run.info.run_id, ACC, 1.0)
    assert ACC not in show("chromseg/1").metrics
    with pytest.raises(RegistryError, match=f"{ACC}: not measured"):
        promote("chromseg/1", reason="perfect")


def test_equal_weights_with_other_scores_are_refused(store: Path, make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model(metrics={ACC: 0.5})
    register(folder, "chromseg")
    forged = type_in(shutil.copytree(folder, tmp_path / "better"), metrics={ACC: 1.0})
    record(forged, store)  # as `dvc commit` or `dvc add` would
    for name in ("chromseg", "another"):
        told = rf"weights .* with {ACC} 1; expected 0.5, which chromseg/1 has with the same weights"
        with pytest.raises(LineageError, match=told):
            register(forged, name)
    assert [version.label for version in list_versions()] == ["chromseg/1"]
    assert len(open_store().search_model_versions("name = 'chromseg'")) == 1, "nothing was uploaded"


def test_of_two_who_bring_equal_weights_at_once_only_one_has_its_scores(
    store: Path, make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model(metrics={ACC: 0.5})
    forged = type_in(shutil.copytree(folder, tmp_path / "better"), metrics={ACC: 1.0})
    record(forged, store)
    real, left = versions.upload, iter([True])

    def overtaken(*arguments: Any) -> Any:
        if next(left, False):
            register(folder, "chromseg")
        return real(*arguments)

    monkeypatch.setattr(versions, "upload", overtaken)
    with pytest.raises(LineageError, match="has with the same weights"):
        register(forged, "chromseg")
    assert [version.metrics for version in list_versions()] == [{ACC: 0.5}]


def test_without_dvc_the_card_must_say_what_the_run_says(store: Path, make_model: MakeModel) -> None:
    folder = make_model()
    lineage = json.loads((folder / "model.json").read_text())["lineage"]
    type_in(folder, lineage=lineage | {"git_commit": "f" * 40})
    with pytest.raises(LineageError, match=r"another git_commit than the record of its training \(run.json\)"):
        register(folder, "chromseg")
    (folder / "run.json").unlink()
    with pytest.raises(LineageError, match="of which neither DVC nor a run has a record"):
        register(folder, "chromseg")


def test_a_model_is_registered_in_the_store_that_has_its_run(store: Path, make_model: MakeModel) -> None:
    """As after `pipelines.cascade`, which is no stage: its run says all that the card says, but what was installed."""
    folder = make_model()
    card = json.loads((folder / "model.json").read_text())
    lineage = Lineage.from_dict(card["lineage"] | {"run_id": "", "installed": {"torch": "2.15.0"}})
    with start_run(lineage) as run:
        lineage = replace(lineage, run_id=run.run_id)
    type_in(folder, lineage=lineage.to_dict())
    (folder / "run.json").write_text(json.dumps({"tags": lineage.tags()}))
    assert register(folder, "chromseg")[1]
    run.set_tags({"git_commit": "f" * 40})
    with pytest.raises(LineageError, match=r"another git_commit than the record of its training \(MLflow run\)"):
        register(folder, "again")


def test_the_box_is_vouched_for_by_its_hash(store: Path, make_model: MakeModel) -> None:
    shutil.copytree(make_model(metrics={ACC: 0.5}), store / "bundled" / "chromseg")
    (store / "dvc.lock").unlink()
    box = {"outs": [{"path": "bundled", "md5": folder_md5(store / "bundled")}]}
    (store / "bundled.dvc").write_text(yaml.safe_dump(box))
    type_in(store / "bundled/chromseg", metrics={ACC: 1.0})
    with pytest.raises(LineageError, match=r"bundled has md5 .*as bundled.dvc recorded it"):
        register_bundled()
    type_in(store / "bundled/chromseg", metrics={ACC: 0.5})
    write_back = json.loads((store / "bundled/chromseg/model.json").read_text())
    box["outs"][0]["md5"] = folder_md5(store / "bundled")
    (store / "bundled.dvc").write_text(yaml.safe_dump(box))
    [(version, _)] = register_bundled()
    assert version.metrics == write_back["metrics"] == {ACC: 0.5}
    assert history("chromseg")[0].facts["record"] == "bundled.dvc"
