"""A copied profile in a clone of the project: experiments of DVC with other params are kept, registered, rebuilt."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from clone import Clone

from chromseg.models.package import read_card
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.rebuild.rebuild import rebuild_version
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.register import register
from chromseg.synthesis import synthesize_dataset

pytestmark = pytest.mark.slow

PARAMS = "profiles/neighbour/params.yaml"
TRAIN = "profiles/neighbour/dvc.yaml:train@unet-0"
SMALL: dict[str, Any] = {
    "crop": 32,
    "model": {"architecture": "region-guided-unetpp", "depth": 1, "width": 2},
    "optim": {"lr": 0.001, "epochs": 1, "steps_per_epoch": 2, "batch_size": 2, "patience": 0},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone whose owner copied a profile for a set of another name, made it small, and committed it alone.

    DVC reads every stage of every profile at each call, and there are hundreds.
    """
    clone = Clone(tmp_path_factory.mktemp("lab") / "project")
    root = clone.folder
    (root.parent / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@lab.example\n")
    profile = Path(shutil.copytree(root / "profiles/mylab", root / "profiles/neighbour"))
    for file in profile.glob("*.yaml"):
        file.write_text(file.read_text().replace("mylab", "neighbour"))
    params = yaml.safe_load((root / PARAMS).read_text())
    params["train"] = {"base": SMALL, "variants": {"unet": {"ablation": "baseline", "model": {"architecture": "unet"}}}}
    params["compare"] = {"baseline": "unet", "gallery": "unet"}
    (root / PARAMS).write_text(yaml.safe_dump(params))
    others = [f"profiles/{other.name}" for other in profile.parent.iterdir() if other != profile]
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@lab.example")
    for command in (
        ("rm", "-rq", *others),
        ("add", "profiles/neighbour"),
        (*identity, "commit", "-qm", "Another lab's images"),
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    synthesize_dataset(
        root / "data", "neighbour", count=10, seed=3, size=(300, 300), chromosomes=12, crossings=3, images_per_case=1
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("CHROMSEG_ACTOR", "Ada Tester")
        yield clone


def lineages() -> dict[str, Lineage]:
    """Of all runs in the project's store, by the learning rate that was set."""
    client = open_store()
    experiment = client.get_experiment_by_name("chromseg")
    assert experiment is not None
    runs = [Lineage.from_tags(run.data.tags) for run in client.search_runs([experiment.experiment_id])]
    return {str(value): each for each in runs for [*_, value] in each.overrides[PARAMS]}


def test_an_experiment_is_registered_and_rebuilt_from_its_params(lab: Clone) -> None:
    lab.dvc("exp", "run", "-S", f"{PARAMS}:train.base.optim.lr=0.002", TRAIN)
    folder = lab.folder / "profiles/neighbour/models/unet-0"
    origin = Lineage.from_dict(read_card(folder).lineage)
    assert origin.overrides == {PARAMS: [[["train", "base", "optim", "lr"], 0.002]]}
    assert not origin.git_dirty and origin.installed["torch"] and origin.runtime["python"]
    assert len(list((lab.folder / ".dvc/tmp/chromseg-pipelines").iterdir())) == 1, (
        "judged as DVC started, for all stages"
    )
    version, _ = register(folder, "chromseg")
    assert lineages()["0.002"].run_id == version.run == origin.run_id
    made = rebuild_version("chromseg/1", package="pipelines")
    assert made.same_weights and made.exact and made.differs == ()


def test_a_queued_experiment_leaves_its_run_in_the_project(lab: Clone) -> None:
    copied = ("-C", "data/neighbour")
    lab.dvc("exp", "run", "-n", "queued", "--queue", *copied, "-S", f"{PARAMS}:train.base.optim.lr=0.003", TRAIN)
    lab.dvc("exp", "run", "--run-all")
    assert not list((lab.folder / ".dvc/tmp/exps").glob("tmp*")), "DVC deletes the copy that it ran in"
    origin = lineages()["0.003"]
    assert not origin.git_dirty and origin.profile == "neighbour"
    assert list((lab.folder / "mlruns/checkpoints").rglob("*.pt")) == []
