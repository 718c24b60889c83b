"""Stage = params block = module, in every pipeline; and the matrix lists what the params define."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from chromseg.config import (
    AnyModelConfig,
    CompareConfig,
    DetectorConfig,
    EvaluateConfig,
    PrepareConfig,
    block,
    merge,
    parse,
    read_params,
    variant_config,
)
from chromseg.models import empty_model
from chromseg.models.ucrd_net.anchors import resolve_anchors, with_fitted_anchors
from chromseg.models.ucrd_net.check import check_config
from chromseg.validation import ValidateConfig
from pipelines.karyogram import KaryogramConfig

ROOT = Path(__file__).parents[2]
PIPELINES = [ROOT, *sorted(path.parent for path in ROOT.glob("profiles/*/dvc.yaml"))]
_KARYOTYPE = (("karyotype", "karyotype"), ("karyogram", "karyotype"))  # stage, and the block of its variants
each_pipeline = pytest.mark.parametrize("folder", PIPELINES, ids=lambda path: path.name if path != ROOT else "default")


def stages_of(folder: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((folder / "dvc.yaml").read_text())["stages"])


def module_of(stage: str) -> str:
    """`train-from-…` are stages of `train` whose variants wait for another's weights."""
    return stage.partition("-from-")[0]


@each_pipeline
def test_stages_params_and_modules_agree(folder: Path) -> None:
    stages, params = stages_of(folder), read_params(folder / "params.yaml")
    told = {"stages"} if "train" in params else {"stages", "evaluate"}  # whose cases judge, where `karyogram` does
    assert {module_of(name) for name in stages} == set(params) - told
    for name in stages:
        module = module_of(name)
        assert importlib.util.find_spec(f"pipelines.{module}"), f"no module for stage {name}"
        assert f"-m pipelines.{module}" in stages[name]["cmd"]
        profile = "" if folder == ROOT else f"--profile {folder.name}"
        assert profile in stages[name]["cmd"]


@each_pipeline
def test_matrix_is_the_list_of_variants(folder: Path) -> None:
    stages, params = stages_of(folder), read_params(folder / "params.yaml")
    for name, listed in (("train", "train"), ("evaluate", "train"), ("pretrain", "pretrain"), *_KARYOTYPE):
        if name in stages:
            variants = [v for each in stages if module_of(each) == name for v in stages[each]["matrix"]["variant"]]
            assert sorted(variants) == sorted(params[listed]["variants"]), name


@each_pipeline
def test_a_variant_that_starts_from_another_waits_for_it(folder: Path) -> None:
    stages, params = stages_of(folder), read_params(folder / "params.yaml")
    trains = "train" if "train" in params else "karyotype"
    for variant in params[trains]["variants"]:
        config = variant_config(params, variant, trains)
        weights = getattr(config.model, "weights", "")
        sources = [*filter(None, [config.init]), *([weights] if "models/" in weights else [])]
        [stage] = [
            each
            for each in stages.values()
            if variant in each.get("matrix", {}).get("variant", ()) and f"pipelines.{trains} " in each["cmd"]
        ]
        awaited = [dependency.replace("${item.seed}", "0") for dependency in stage["deps"]]
        assert all(any(source.startswith(each) for each in awaited) for source in sources), variant


def test_dvc_plots_every_variant() -> None:
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    loss, *scores = (
        runs for plot in pipeline["plots"] for described in plot.values() for runs in described["y"].values()
    )
    stages = {name: stage["matrix"] for name, stage in pipeline["stages"].items() if "matrix" in stage}
    runs = [f"{variant}-{seed}" for variant in stages["train"]["variant"] for seed in stages["train"]["seed"]]
    assert loss == runs and sorted(run for score in scores for run in score) == sorted(runs)


@each_pipeline
def test_every_block_parses(folder: Path) -> None:
    params = read_params(folder / "params.yaml")
    parse(ValidateConfig, block(params, "validate"), "validate")
    parse(PrepareConfig, block(params, "prepare"), "prepare")
    evaluate = parse(EvaluateConfig, block(params, "evaluate"), "evaluate")
    assert evaluate.dataset in block(params, "prepare")["datasets"]
    if "train" in params:
        compare = parse(CompareConfig, block(params, "compare"), "compare")
        assert {compare.baseline, compare.gallery} <= set(params["train"]["variants"])
    if "karyotype" in params:
        parse(KaryogramConfig, block(params, "karyogram"), "karyogram")
    trained = {"train", "pretrain", "karyotype"} & set(params)
    assert trained
    for stage in trained:
        for variant in params[stage]["variants"]:
            config = variant_config(params, variant, stage)
            assert config.ablation, f"{variant} does not say what it changes"
            buildable(config.model)


def buildable(config: AnyModelConfig) -> None:
    """Build it without memory for its weights; of a detector only its values are checked, since it takes a second."""
    if isinstance(config, DetectorConfig):
        fitted = with_fitted_anchors(config, [[0, 0, 20, 40], [0, 0, 40, 20]])  # as training would
        check_config(fitted)
        resolve_anchors(fitted)
        return
    with torch.device("meta"):
        empty_model(config)


WITH_BASELINES = [
    folder for folder in PIPELINES if "unet" in read_params(folder / "params.yaml").get("train", {}).get("variants", {})
]


def count_parameters(config: AnyModelConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in empty_model(config).parameters())


@pytest.mark.parametrize("folder", WITH_BASELINES, ids=lambda path: path.name)
def test_baselines_have_as_many_weights(folder: Path) -> None:
    params = read_params(folder / "params.yaml")
    own = count_parameters(variant_config(params, block(params, "compare")["gallery"]).model)
    for baseline in ("unet", "unetpp"):
        assert count_parameters(variant_config(params, baseline).model) == pytest.approx(own, rel=0.05), baseline


def test_paper_profile_covers_tables_three_and_four() -> None:
    params = read_params(ROOT / "profiles/paper/params.yaml")
    configs = [variant_config(params, name) for name in params["train"]["variants"]]
    guided = [c for c in configs if c.model.architecture == "region-guided-unetpp"]
    focal = {(c.loss.gamma, c.loss.alpha) for c in guided if c.loss.lam == 0.5}
    assert focal == {(g, a) for g in (0, 1, 2) for a in (0.25, 0.5, 0.75, 0.9)}
    assert {c.loss.lam for c in guided if (c.loss.gamma, c.loss.alpha) == (1, 0.75)} == {0.1, 0.3, 0.5, 0.7, 0.9}
    assert {c.optim.lr for c in configs} == {1e-4} and {c.optim.batch_size for c in configs} == {8}


def test_a_variant_lays_its_values_over_the_base() -> None:
    assert merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 4}}) == {"a": {"b": 1, "c": 4}, "d": 3}
