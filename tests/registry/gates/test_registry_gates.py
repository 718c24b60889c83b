"""Each gate refuses for its own reason, and what was not measured has not passed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from example_lineage import LINEAGE

from chromseg.annotations.rasterize import encode_rle
from chromseg.errors import ConfigError, RegistryError
from chromseg.registry.gates.gate import failed
from chromseg.registry.gates.golden import golden_set
from chromseg.registry.gates.measured import Measured
from chromseg.registry.gates.merit import SeedSpread, champion_gates, spread_of, threshold_gates
from chromseg.registry.gates.paperwork import missing_sections, validation_gate
from chromseg.registry.gates.policy import AgainstChampion, Policy, Slices, Threshold, policy_file, read_policy
from chromseg.registry.gates.probe import measure, probe_package
from chromseg.registry.gates.soundness import package_gates, prediction_gates
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.log.chain import Chain
from chromseg.registry.promotion import history, judge_promotion, promote
from chromseg.registry.store.runs import start_run
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.listing import show
from chromseg.registry.versions.proven import family_of, family_scores
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import resolve
from chromseg.registry.versions.version import Version

ACC = "test/overall_acc"


def _version(number: int, metrics: dict[str, float | None], **lineage: Any) -> Version:
    origin = dataclasses.replace(Lineage.from_dict(LINEAGE), **lineage)
    return Version(
        "chromseg", number, (), origin, {}, metrics, "w", "c", "Ada", "now", False, (), (), None, "run", "source"
    )


def _policy(**changes: Any) -> Policy:
    return dataclasses.replace(Policy(None, (), None, None, None, False, ()), **changes)


def test_the_policy_in_the_box_is_read_and_a_projects_own_stands_in(project: Path) -> None:
    assert policy_file() == project / "promotion.yaml"
    (project / "promotion.yaml").unlink()
    policy, digest = read_policy()
    assert policy.golden and policy.budget and policy.validation and policy.thresholds_of("anything")
    assert len(digest) == 64 and policy_file().parent.name == "gates"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"golden": {"min": 0.5}}, "golden.min"),
        ({"champion": {"metrics": ["test/overal_acc"]}}, "metric 'test/overal_acc'.*one of test/iou_crossing"),
        ({"slice": None}, "slice"),
        ({"validation": "yes"}, "validation"),
    ],
)
def test_a_slip_in_the_policy_is_named(project: Path, change: dict[str, Any], message: str) -> None:
    values = yaml.safe_load((project / "promotion.yaml").read_text())
    (project / "promotion.yaml").write_text(yaml.safe_dump(values | change))
    with pytest.raises(ConfigError, match=message):
        read_policy()


def test_thresholds_refuse_what_is_low_high_or_not_measured() -> None:
    policy = _policy(thresholds=(Threshold("any", ACC, min=0.5), Threshold("any", "test/count_mae", max=3.0)))
    good = _version(1, {ACC: 0.5, "test/count_mae": 3.0})
    assert failed(threshold_gates(policy, good)) == []
    for metrics in ({ACC: 0.49, "test/count_mae": 3.1}, {ACC: None}, {}):
        assert len(failed(threshold_gates(policy, _version(1, dict(metrics))))) == 2
    own = _policy(thresholds=(Threshold("any", ACC, min=0.9), Threshold("chromseg", ACC, min=0.1)))
    assert failed(threshold_gates(own, good)) == []


def test_the_champion_may_be_missed_by_the_seeds_spread_only() -> None:
    policy = _policy(champion=AgainstChampion((ACC,), sd=2.0))
    champion = _version(1, {ACC: 0.8})
    spreads = {ACC: SeedSpread(0.05, (0, 1, 2))}
    verdicts = {
        value: not failed(champion_gates(policy, _version(2, {ACC: value}), champion, spreads))
        for value in (0.9, 0.701, 0.699)
    }
    assert verdicts == {0.9: True, 0.701: True, 0.699: False}
    assert failed(champion_gates(policy, _version(2, {}), champion, spreads))
    assert failed(champion_gates(policy, _version(2, {ACC: 1.0}), _version(1, {}), spreads))
    assert not failed(champion_gates(policy, _version(2, {}), None, {}))


def test_of_an_error_less_is_better() -> None:
    policy = _policy(champion=AgainstChampion(("test/count_mae",), sd=2.0))
    champion, spreads = _version(1, {"test/count_mae": 1.0}), {"test/count_mae": SeedSpread(0.25, (0, 1))}
    for value, passes in ((0.1, True), (1.5, True), (1.6, False)):
        candidate = _version(2, {"test/count_mae": value})
        assert failed(champion_gates(policy, candidate, champion, spreads)) is not passes


def test_other_test_data_is_no_comparison() -> None:
    policy = _policy(champion=AgainstChampion((ACC,)))
    [gate] = champion_gates(policy, _version(2, {ACC: 1.0}, test_md5="other"), _version(1, {ACC: 0.1}), {})
    assert (gate.name, gate.passed) == ("same test data", False)
    fold = dataclasses.replace(_version(2, {ACC: 1.0}), config={"fold": "2"})
    [gate] = champion_gates(policy, fold, _version(1, {ACC: 0.1}), {})
    assert gate.measured.endswith(", fold 2") and not gate.passed


def test_the_spread_is_that_over_seeds() -> None:
    assert spread_of({}) == SeedSpread(0.0, ()) and spread_of({3: 0.5}) == SeedSpread(0.0, (3,))
    assert spread_of({7: 0.5, 3: 0.7}) == SeedSpread(pytest.approx(0.1 * 2**0.5), (3, 7))
    assert (str(spread_of({3: 0.5})), str(SeedSpread(0.1, (3, 7)))) == ("sd 0, unknown", "sd 0.1 over seeds 3, 7")


def _slices(number: int, n: int, **figures: float) -> Version:
    metrics: dict[str, float | None] = {}
    for name, value in figures.items():
        metrics |= {f"test/slice/crossing/{name}/overall_acc": value, f"test/slice/crossing/{name}/n_images": n}
    return _version(number, metrics)


def test_no_slice_may_get_worse() -> None:
    policy = _policy(slices=Slices(("crossing",), "overall_acc", tolerance=0.05, min_images=10))
    champion = _slices(1, 20, X=0.9, T=0.8)

    def refused(version: Version) -> list[str]:
        return [gate.name for gate in failed(champion_gates(policy, version, champion, {}))]

    assert refused(_slices(2, 20, X=0.95, T=0.76)) == []
    assert refused(_slices(2, 20, X=1.0, T=0.7)) == ["slice crossing/T"]
    assert refused(_slices(2, 20, X=1.0)) == ["slice crossing/T"]
    assert refused(_slices(2, 20, X=1.0, T=0.8, L=0.5)) == ["slice crossing/L"]
    assert failed(champion_gates(policy, _slices(2, 5, X=0.1), _slices(1, 5, X=0.9), {})) == []
    [gate] = failed(champion_gates(policy, _slices(2, 5, X=0.9), _slices(1, 5, X=0.9, T=0.9), {}))
    assert str(gate) == "slice crossing/T: not measured (measured, as it was for chromseg/1)", "however small"
    [test, _, gate, _] = champion_gates(policy, _version(2, {}), _version(1, {}), {})
    assert test.passed and (gate.measured, gate.passed) == ("not measured", False)


def _stains(number: int, n: int = 20, **edits: float) -> Version:
    metrics: dict[str, float | None] = {}
    for stain, value in edits.items():
        metrics |= {f"test/slice/stain/{stain}/edits": value, f"test/slice/stain/{stain}/n_metaphases": n}
    return _version(number, metrics)


def test_no_stain_may_ask_more_of_a_technician() -> None:
    policy = _policy(stains=Slices(("stain",), "edits", tolerance=0.5, min_images=10, counted="n_metaphases"))
    champion = _stains(1, q=6.0, g=12.0)

    def refused(version: Version) -> list[str]:
        return [gate.name for gate in failed(champion_gates(policy, version, champion, {}))]

    assert refused(_stains(2, q=6.4, g=5.0)) == []
    assert refused(_stains(2, q=6.6, g=5.0)) == ["slice stain/q edits"]
    assert refused(_stains(2, g=5.0)) == ["slice stain/q edits"], "a stain that was measured must be measured again"
    assert failed(champion_gates(policy, _stains(2, 5, q=99.0), _stains(1, 5, q=6.0), {})) == []


def test_the_budget_and_the_golden_set() -> None:
    policy, _ = _default()
    good = Measured(0.9, 1.0, 900.0, "")
    assert failed(prediction_gates(policy, good)) == []
    gate = prediction_gates(policy, dataclasses.replace(good, pictures={"metaphase": "34/38", "cluster": "2/2"}))[1]
    assert str(gate) == "golden set, share found: 0.9 (metaphase 34/38, cluster 2/2) (≥ 0.7)"
    for change in ({"recovered": 0.1}, {"seconds": 60.0}, {"memory_mib": 1e6}, {"problem": "died"}):
        assert len(failed(prediction_gates(policy, dataclasses.replace(good, **change)))) == 1
    assert len(failed(prediction_gates(policy, Measured(None, None, None, "died")))) == 4


def _default() -> tuple[Policy, str]:
    from chromseg.config import parse, read_params
    from chromseg.registry.gates import policy

    return parse(Policy, read_params(Path(policy.__file__).with_name("promotion.yaml"))), ""


def test_a_pickle_in_the_package_is_found(promoted: Path) -> None:
    root = resolve("models:/chromseg/1").parents[1]
    assert failed(package_gates(root)) == []
    (root / "python_model.pkl").write_bytes(b"\x80")
    assert [gate.measured for gate in failed(package_gates(root))] == ["python_model.pkl"]
    (root / "MLmodel").unlink()
    assert "unreadable" in package_gates(root)[0].measured


def test_sections_of_the_model_card() -> None:
    text = "# Card\n\n## Limits\n\n- two\n\n## Citation\n\n## Lineage\nsome"
    assert missing_sections(text, ["Limits", "Citation", "Lineage", "Slices"]) == ["Citation", "Slices"]
    assert missing_sections("## Slices\n\nNot measured: no test set.\n", ["Slices"]) == ["Slices"]
    assert missing_sections("## Slices\n\n| X | 20 |\n", ["Slices"]) == []


@pytest.mark.parametrize(("state", "word"), [(True, "passed"), (False, "failed"), (None, "not known")])
def test_data_that_came_in_unvalidated_are_refused(state: bool | None, word: str) -> None:
    """Registering refuses them before; a version of an older store may still have them."""
    gate = validation_gate(_policy(validation=True), _version(1, {}, validation=state))
    assert (gate.measured, gate.passed) == (word, state is True)


@pytest.fixture
def packed(store: Path, make_model: Callable[..., Path]) -> Path:
    """The model folder inside the package of a registered version."""
    return resolve(f"models:/{register(make_model(), 'chromseg')[0].label}")


def test_a_model_is_tried_out(packed: Path) -> None:
    measured = probe_package(packed.parents[1])
    assert measured.problem == "" and measured.seconds and measured.memory_mib
    totals = {name: int(share.partition("/")[2]) for name, share in measured.pictures.items()}
    assert totals == {"metaphase": 38, "light-on-dark": 16, "cluster": 2}
    assert measured.recovered == sum(int(share.partition("/")[0]) for share in measured.pictures.values()) / 56
    (packed / "model.safetensors").write_bytes(b"")
    assert "ModelError" in probe_package(packed.parents[1]).problem


def test_the_true_answer_finds_all_and_an_empty_one_nothing() -> None:
    for picture in golden_set():
        true = [{"segmentation": encode_rle(mask)} for mask in picture.masks]
        assert picture.found({"annotations": true}) == picture.found({"annotations": true * 2}) == len(true)
        assert picture.found({"annotations": []}) == 0


def test_a_package_that_answers_otherwise_than_its_folder_is_refused(packed: Path) -> None:
    code = packed.parents[1] / "pyfunc_model.py"
    text = code.read_text()
    code.write_text(text.replace("json.dumps(to_coco(", "json.dumps({'licences': []} | to_coco("))
    assert code.read_text() != text
    told = "through MLflow it answers otherwise than its folder (cluster)"
    assert probe_package(packed.parents[1]).problem == told
    (packed.parents[1] / "MLmodel").unlink()
    assert "MlflowException" in probe_package(packed.parents[1]).problem


def test_a_model_that_wants_to_be_unpickled_is_refused(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    from chromseg.inference import load

    def unpickling(folder: Path) -> None:
        pickle.loads(b"")

    monkeypatch.setattr(load, "load_model", unpickling)
    assert probe_package(packed.parents[1]).problem == "RuntimeError: the model wants to be unpickled"
    assert pickle.loads(pickle.dumps(1)) == 1


@pytest.mark.slow
def test_the_trial_runs_in_a_process_of_its_own(packed: Path) -> None:
    assert measure(packed.parents[1]).problem == ""
    assert "ModelError" in measure(packed).problem


@pytest.fixture
def strict(store: Path, make_model: Callable[..., Path]) -> Path:
    """One version with a score of 0.25, where 0.5 is demanded."""
    values = yaml.safe_load((store / "promotion.yaml").read_text())
    limits = [{"model": "any", "metric": ACC, "min": 0.5}]
    (store / "promotion.yaml").write_text(yaml.safe_dump(values | {"thresholds": limits, "model_card": ["Slices"]}))
    register(make_model(metrics={ACC: 0.25}), "chromseg")
    return store


def test_a_refusal_names_every_gate_and_changes_nothing(strict: Path) -> None:
    told = (
        r"chromseg/1 does not pass test/overall_acc: 0.25 \(≥ 0.5\); model card: lacks Slices \(1 sections, .*--force"
    )
    with pytest.raises(RegistryError, match=told):
        promote("chromseg/1", reason="please")
    assert show("chromseg/1").aliases == ()
    judgement = judge_promotion("chromseg/1")
    assert [gate.name for gate in judgement.failed] == [ACC, "model card"]
    assert len(judgement.gates) > 5 and len(history("chromseg")) == 1


def test_a_forced_promotion_is_told_forever(strict: Path, make_model: Callable[..., Path]) -> None:
    entry = promote("chromseg/1", force="the only one we have")
    assert (entry.action, entry.reason) == ("force", "the only one we have")
    assert [gate["passed"] for gate in entry.facts["gates"]].count(False) == 2
    register(make_model(seed=1, metrics={ACC: 0.75, "test/slice/crossing/X/n_images": 20.0}), "chromseg")
    better = promote("chromseg/2", force="in haste")
    assert better.action == "promote"
    assert show("chromseg/1").forced == ("the only one we have",)
    assert json.loads(json.dumps(history("chromseg")[1].to_dict()))["action"] == "force"
    with pytest.raises(RegistryError, match="an empty reason"):
        promote("chromseg/1", force=" ")


def test_a_challenger_needs_no_scores(strict: Path) -> None:
    names = {gate.name for gate in judge_promotion("chromseg/1", alias="challenger").gates}
    assert ACC not in names and {"signature", "model card"} <= names


SCORES = {0: 0.7, 1: 0.8, 2: 0.9}  # of one variant, by seed: sd 0.1


@pytest.fixture
def seeds(store: Path, make_model: Callable[..., Path]) -> Path:
    """Three seeds of one variant, the third the champion."""
    for seed, score in SCORES.items():
        register(make_model(seed=seed, metrics={ACC: score}), "chromseg")
    promote("chromseg/3", reason="the best seed")
    values = yaml.safe_load((store / "promotion.yaml").read_text())
    (store / "promotion.yaml").write_text(yaml.safe_dump(values | {"champion": {"metrics": [ACC], "sd": 2.1}}))
    return store


def _margin(reference: str) -> str:
    [gate] = [gate for gate in judge_promotion(reference).gates if gate.name == f"champion {ACC}"]
    return gate.limit


def test_the_seeds_in_the_log_decide_how_far_a_candidate_may_stay_behind(seeds: Path) -> None:
    assert [not judge_promotion(f"chromseg/{number}").failed for number in (1, 2)] == [True, True]
    policy = (seeds / "promotion.yaml").read_text()
    (seeds / "promotion.yaml").write_text(policy.replace("2.1", "1.9"))
    assert [not judge_promotion(f"chromseg/{number}").failed for number in (1, 2)] == [False, True]


def test_runs_edited_or_deleted_in_mlflow_do_not_move_the_margin(seeds: Path) -> None:
    told = "≥ 0.69 = 0.9 of chromseg/3 − 2.1 × sd 0.1 over seeds 0, 1, 2"
    assert _margin("chromseg/1") == told
    client = open_store()
    client.log_metric(show("chromseg/1").run, ACC, 0.0)
    client.delete_run(show("chromseg/2").run)
    with start_run(dataclasses.replace(Lineage.from_dict(LINEAGE), seed=9)) as run:  # an honest repetition, they say
        run.log_metrics({ACC: 0.0})
    assert _margin("chromseg/1") == told


STRANGE = {
    "variant": "another",
    "profile": "another",
    "git_commit": "f" * 40,
    "git_dirty": True,
    "data_md5": {"sample": "f" * 32 + ".dir"},
    "test_md5": "f" * 32,
    "environment": "f" * 64,
}


def test_only_an_honest_repetition_widens_the_margin() -> None:
    origin = Lineage.from_dict(LINEAGE)
    others = [dataclasses.replace(origin, **{name: value}) for name, value in STRANGE.items()]
    keys = [family_of(each) for each in others]
    assert family_of(dataclasses.replace(origin, seed=7)) == family_of(origin)
    assert family_of(origin) not in keys and len(set(keys)) == len(keys)
    assert family_of(others[3]) is None, "nobody knows what was run"
    assert family_scores(Chain(), "chromseg", others[3], origin.test_md5) == {}
