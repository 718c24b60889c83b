"""Write the `dvc.yaml` of every pipeline, and `environment.yaml`: `make stages`.

One template for all. What differs comes from a pipeline's params.yaml: its stages are the blocks there, its matrix the
variants, its data the datasets named. What all share comes from the code: a stage depends on what its module imports.

A block `stages` says what no stage reads itself: the `seeds`, and a DVC `remote` that takes the outputs. Without one,
outputs stay on this machine: `cache: false` keeps them from every `dvc push`, `pull` and `checkout`, and declared as
`plots` they still come back out of DVC's run cache, which DVC grants to metrics and plots alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chromseg.annotations.tracking import outside_remotes
from chromseg.config import DetectorConfig, block, parse, variant_config
from chromseg.errors import ConfigError
from chromseg.files import write_text
from chromseg.project import DEFAULT, pipelines_of
from pipelines.closure import Closure, closure, condensed
from pipelines.environment import distributions, environment
from pipelines.profile import Profile, run_stage

ENVIRONMENT = Path("environment.yaml")
_HEADER = """\
# Written by `make stages` from params.yaml and from what each stage imports. Change those, not this; then run it again.
# Copied to a folder of another name, it works once that name stands here and in params.yaml instead of the old one.
"""
_RUN = "${item.variant}-${item.seed}"
_OF_RUN = " --variant ${item.variant} --seed ${item.seed}"
_DECIDE_TRAINING = ("dataset", "also", "looks", "experiment", "folds")  # of the block `evaluate`

Block = dict[str, Any]


@dataclass(frozen=True)
class StagesConfig:
    """The block `stages` of a params file.

    Attributes:
        seeds: Of every variant.
        remote: DVC remote for prepared samples and models; "" keeps them here.
    """

    seeds: tuple[int, ...] = (0,)
    remote: str = ""


def main() -> None:
    """Write them all."""
    write_text(ENVIRONMENT, environment_text())
    for profile in profiles():
        path = profile.pipeline_file
        write_text(path, pipeline_text(profile))
        print(path)


def profiles() -> list[Profile]:
    """The project's own pipeline and those below profiles/."""
    return [Profile(each.name) for each in pipelines_of(Path()) if each.params_file.is_file()]


def environment_text() -> str:
    """Content of `environment.yaml`: a value for each library that any stage imports."""
    modules = ("validate", "prepare", "pretrain", "karyotype", "karyogram", "train", "evaluate", "compare")
    libraries = set[str]().union(*(closure(f"pipelines.{module}").libraries for module in modules))
    values = environment(Path("requirements.lock").read_text(encoding="utf-8"), distributions(libraries))
    header = "# Written by `make stages` from requirements.lock: version, and a hash of what it needs.\n"
    return header + str(yaml.safe_dump(values))


def pipeline_text(profile: Profile) -> str:
    """Content of a pipeline's dvc.yaml."""
    config = parse(StagesConfig, profile.params.get("stages", {}), "stages")
    if config.remote and config.remote not in (remotes := outside_remotes(Path())):
        raise ConfigError(
            f"`stages.remote` of {profile.name} is {config.remote!r}",
            expected=f"one of: {', '.join(remotes)}" if remotes else "a DVC remote outside this repository",
            remedy="add yours with `dvc remote add NAME ADDRESS`; what lies inside is published with the repository",
        )
    pipeline: Block = {"stages": dict(_Template(profile, config).stages())}
    if profile.name == DEFAULT:
        pipeline |= _shown(profile, config)
    return _HEADER + _yaml(pipeline)


@dataclass(frozen=True)
class _Template:
    profile: Profile
    config: StagesConfig

    def stages(self) -> Iterator[tuple[str, Block]]:
        """Each stage by its name, in the order of the pipeline."""
        params, reports = self.profile.params, self.profile.reports
        validated, scores = f"{reports}/validation", f"{reports}/scores"
        prepared, models = self.profile.prepared.as_posix(), self.profile.models.as_posix()
        model = f"{models}/{_RUN}"
        yield "validate", self._stage("validate", self._data("validate"), _report(validated))
        yield "prepare", self._stage("prepare", [*self._data("prepare"), validated], self._kept(prepared))
        if "pretrain" in params:
            written = self._kept(model, report=f"{reports}/pretraining/{_RUN}")
            yield "pretrain", self._training("pretrain", [prepared], written, params["pretrain"]["variants"])
        if "karyotype" in params:
            variants = params["karyotype"]["variants"]
            yield "karyotype", self._training("karyotype", [prepared], self._kept(model), variants)
            judged_by = [prepared, model, params["karyogram"]["cut_by"]]
            yield "karyogram", self._stage("karyogram", judged_by, _report(f"{scores}/{_RUN}"), variants=variants)
        if "train" not in params:
            return
        for name, sources, variants in self._trainings():
            yield name, self._training("train", [prepared, *sources], self._kept(model), variants)
        read = [*(f"data/{name}/dataset.yaml" for name in self.profile.evaluate.datasets), prepared, model]
        scored = _report(f"{scores}/{_RUN}")
        yield "evaluate", self._stage("evaluate", read, scored, variants=params["train"]["variants"])
        yield "compare", self._stage("compare", [prepared, models, scores], _report(f"{reports}/comparison"))

    def _training(self, module: str, reads: Sequence[str], writes: Block, variants: Collection[str]) -> Block:
        given = block(self.profile.params, "evaluate")
        judged = [f"evaluate.{key}" for key in _DECIDE_TRAINING if key in given]
        params = [f"{module}.base", f"{module}.variants.${{item.variant}}", *judged]
        data = self._data("prepare")
        looks = [f"data/{name}" for name in self.profile.evaluate.looks if f"data/{name}" not in data]
        return self._stage(module, [*data, *looks, *reads], writes, params, variants)

    def _stage(
        self,
        module: str,
        reads: Sequence[str],
        writes: Block,
        params: Sequence[str] = (),
        variants: Collection[str] = (),
    ) -> Block:
        used = closure(f"pipelines.{module}")
        own = self.profile.name == DEFAULT
        command = f"python -m pipelines.{module}" + ("" if own else f" --profile {self.profile.name}")
        return {
            **({} if own else {"wdir": "../.."}),
            **({"matrix": {"variant": [*variants], "seed": [*self.config.seeds]}} if variants else {}),
            "cmd": command + (_OF_RUN if variants else ""),
            "deps": [*condensed(used.files), *dict.fromkeys(reads)],
            "params": self._params([*params] or [module], used),
            **writes,
        }

    def _params(self, names: list[str], used: Closure) -> list[Any]:
        file = self.profile.params_file.as_posix()
        own: list[Any] = names if self.profile.name == DEFAULT else [{file: names}]
        return [*own, {ENVIRONMENT.as_posix(): distributions(used.libraries)}]

    def _data(self, stage: str) -> list[str]:
        return [f"data/{name}" for name in block(self.profile.params, stage)["datasets"]]

    def _kept(self, path: str, report: str = "") -> Block:
        """An output that holds pixels or weights, and a report beside it."""
        plots = [{each: {"cache": False}} for each in ("" if self.config.remote else path, report) if each]
        outs = [{path: {"remote": self.config.remote}}] if self.config.remote else []
        return {**({"outs": outs} if outs else {}), **({"plots": plots} if plots else {})}

    def _trainings(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """Stage name, models to wait for, and variants: what starts from the same models is one stage."""
        groups: dict[tuple[str, ...], list[str]] = {}
        for variant in self.profile.params["train"]["variants"]:
            groups.setdefault(_sources(self.profile.params, variant), []).append(variant)
        for sources, variants in groups.items():
            name = "-".join(["train", *(["from", *(Path(source).name for source in sources)] if sources else [])])
            yield name, list(sources), variants


def _sources(params: Mapping[str, Any], variant: str) -> tuple[str, ...]:
    """Folders of the models from which a variant starts."""
    config = variant_config(dict(params), variant)
    weights = getattr(config.model, "weights", "")
    named = [config.init] if config.init else []
    named += [weights] if "models/" in weights else []
    return tuple(_model_folder(Path(source).parts) for source in named)


def _model_folder(parts: Sequence[str]) -> str:
    """The folder of a trained model, from a path in it; any other path as it is, such as `bundled/ucrd-net`."""
    return Path(*parts[: parts.index("models") + 2] if "models" in parts else parts).as_posix()


def _report(path: str) -> Block:
    """Small results, which git keeps."""
    return {"outs": [{path: {"cache": False}}]}


def _shown(profile: Profile, config: StagesConfig) -> Block:
    """What `dvc metrics` and `dvc plots` show of the project's own pipeline."""
    runs = {variant: [f"{variant}-{seed}" for seed in config.seeds] for variant in profile.params["train"]["variants"]}
    detectors = {name for name in runs if isinstance(variant_config(profile.params, name).model, DetectorConfig)}
    lines = {
        "training loss": ("train-loss", list(runs)),
        "crossing IoU, validation": ("val-iou_crossing", [name for name in runs if name not in detectors]),
        "mask AP50, validation": ("val-mask_ap50", [name for name in runs if name in detectors]),
    }
    comparison = profile.reports / "comparison"
    plots = [
        {title: {"x": "epoch", "y": {f"{comparison}/curves/{file}.csv": [run for name in names for run in runs[name]]}}}
        for title, (file, names) in lines.items()
        if names
    ]
    return {"metrics": [f"{comparison}/metrics.json"], "plots": plots}


def _yaml(content: Any) -> str:
    return str(yaml.dump(content, Dumper=_Plain, sort_keys=False, default_flow_style=None, width=118))


class _Plain(yaml.SafeDumper):
    """Writes a list again where it stands twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


if __name__ == "__main__":
    run_stage(main)
