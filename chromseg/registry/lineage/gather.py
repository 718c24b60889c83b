"""The facts of a lineage, gathered from git, DVC, the environment and the machine."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import chromseg
from chromseg.cores import usable_cores
from chromseg.dvc import stage_outputs
from chromseg.files import sha256
from chromseg.project import DATA, DEFAULT, project_root
from chromseg.registry.lineage.ancestry import profiles_behind
from chromseg.registry.lineage.code_state import code_state
from chromseg.registry.lineage.environment import installed, runtime
from chromseg.registry.lineage.lineage import Lineage


def gather_lineage(
    *,
    experiment: str,
    variant: str,
    seed: int,
    datasets: Sequence[str],
    tested: Sequence[str],
    corrected_by: Sequence[str] = (),
    sources: Sequence[str] = (),
    profile: str = DEFAULT,
    ablation: str = "",
    data_root: Path = Path(DATA),
) -> Lineage:
    """The lineage of a training about to start; `run_id`, and whether the data passed validation, are still empty.

    Args:
        experiment: MLflow experiment.
        variant: Name of the variant.
        seed: Of the run.
        datasets: Names of the folders of `data_root` that train it.
        tested: Those whose cases validate and test it.
        corrected_by: Those whose outlines its pictures go by, the latest last.
        sources: What it starts from, as `data_behind` takes it.
        profile: Name of the pipeline.
        ablation: What the variant changes, in words.
        data_root: The folder of datasets.

    Raises:
        DataError: A dataset is missing.
    """
    from chromseg.annotations.hashing import md5_of_test
    from chromseg.dvc import folder_md5

    state = code_state(profile, *profiles_behind(*sources))
    own = {name: folder_md5(data_root / name) for name in dict.fromkeys((*datasets, *tested, *corrected_by))}
    return Lineage(
        run_id="",
        experiment=experiment,
        variant=variant,
        ablation=ablation,
        seed=seed,
        profile=profile,
        git_commit=state.commit,
        git_dirty=state.dirty or any(lineage.get("git_dirty") for lineage in _behind(sources)),
        data_md5=data_behind(*sources) | own,
        test_md5=md5_of_test([data_root / name for name in tested], [data_root / name for name in corrected_by]),
        environment=environment_hash(),
        hardware=hardware(),
        software=chromseg.__version__,
        overrides=state.overrides,
        installed=installed(),
        runtime=runtime(),
    )


def data_behind(*sources: str) -> dict[str, str]:
    """The data that models have seen from which a training starts: dataset → md5.

    Args:
        sources: `init` and `model.weights` of a variant: model folders, or files in them. What is neither ("",
            "imagenet", a file without a `model.json` beside it) tells nothing.
    """
    seen: dict[str, str] = {}
    for lineage in _behind(sources):
        seen |= lineage.get("data_md5") or {}
    return seen


def _behind(sources: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The lineages of the models from which a training starts."""
    from chromseg.models.package import CARD, read_card  # torch

    for source in filter(None, sources):
        folder = Path(source) if Path(source).is_dir() else Path(source).parent
        if (folder / CARD).is_file():
            yield read_card(folder).lineage


def git_state() -> tuple[str, bool]:
    """Commit, and whether the code differs from it (`code_state`); ("", False) outside a repository."""
    state = code_state()
    return state.commit, state.dirty


def environment_hash() -> str:
    """SHA-256 of the project's `requirements.lock`; "" if it has none."""
    lock = project_root() / "requirements.lock"
    return sha256(lock) if lock.is_file() else ""


def hardware() -> str:
    """Processor, usable cores and GPU: `AMD EPYC 7B13, 2 cores, no GPU`."""
    return f"{processor()}, {_gpu()}"


def processor() -> str:
    """`AMD EPYC 7B13, 2 cores`: those that this process may use."""
    cores = usable_cores()
    return f"{_processor_name()}, {cores} core{'s' if cores > 1 else ''}"


def dvc_stage_hash(folder: Path) -> str | None:
    """SHA-256 of the `dvc.lock` entry (project's or profile's) of the stage that wrote `folder`; None if none did."""
    folder = folder.resolve()
    for output in stage_outputs(project_root()):
        path = output.path
        if path == folder or path in folder.parents or path.parent == folder:
            return hashlib.sha256(json.dumps(output.stage, sort_keys=True).encode()).hexdigest()
    return None


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown processor"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "no GPU"
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return " + ".join(f"{names.count(name)}× {name}" for name in dict.fromkeys(names))
