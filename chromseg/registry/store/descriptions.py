"""What a person reads in MLflow's pages of experiments and runs, as Markdown.

They repeat what the audit log and the model card say, for the eye alone: no code ever reads them back.
"""

from __future__ import annotations

from chromseg.project import Pipeline
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.lineage.overrides import described

NOTE = "mlflow.note.content"  # the tag that MLflow shows as the description of a run or an experiment
KIND, TRAINING = "mlflow.experimentKind", "custom_model_development"  # the tag of an experiment that trains models
TRAINING_PAGES = "workflowType=machine_learning"  # in an address: pages for training instead of those for agents
FAMILIES = {
    "chromseg": "region-guided UNet++ and crossing-partition: maps of chromosomes and crossings, spliced",
    "ucrd-net": "UCRD-Net and Mask R-CNN: each chromosome with its mask at once",
    "cascade": "the maps of ChromSeg and the wholes of UCRD-Net together",
}


def of_experiment(name: str) -> str:
    """What the runs of an experiment are."""
    family = f": {FAMILIES[name]}" if name in FAMILIES else ""
    return (
        f"Training runs of **{name}**{family}. A run is one variant at one seed, `<profile>/<variant>-<seed>`; a run "
        "`<profile>` is a whole pipeline, with the runs that it compared below it, their table, curves and pictures."
    )


def of_run(lineage: Lineage) -> str:
    """What a run trained, on which data and code, and how to have it again."""
    data = ", ".join(f"`{name}` ({md5[:12]})" for name, md5 in lineage.data_md5.items())
    pipeline = Pipeline(lineage.profile).pipeline_file.as_posix()
    settings = [f"-S '{each}'" for each in described(lineage.overrides)]
    run = " ".join(["exp run", *settings]) if settings else "repro"
    dirty = " with changes that were not committed" if lineage.git_dirty else ""
    return "\n\n".join(
        filter(
            None,
            (
                f"**{lineage.variant}**, seed {lineage.seed}, of profile {lineage.profile}",
                lineage.ablation,
                f"Data: {data}. Code: commit `{lineage.git_commit[:12]}`{dirty}. Machine: {lineage.hardware}.",
                f"Again: `dvc {run} {pipeline}`",
            ),
        )
    )
