"""A version trained again from what its lineage says: commit, params, data and seed, in a git worktree of its own.

On the processor it was trained on, with the same packages installed, the weights come out bit by bit. Elsewhere, and on
a GPU, whose kernels do not always add in the same order, the test metrics must come out within a tolerance.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from chromseg.errors import RegistryError
from chromseg.files import sha256
from chromseg.metrics.catalogue import AGAIN
from chromseg.project import Pipeline, own_store, project_root
from chromseg.registry.lineage import overrides
from chromseg.registry.lineage.ancestry import datasets, given, profile_arguments, stages, variant_arguments
from chromseg.registry.lineage.environment import differences, installed, runtime
from chromseg.registry.lineage.gather import environment_hash, hardware
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.rebuild.at_hand import place_data, place_source
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.references import parse_reference
from chromseg.registry.versions.version import Version, find

TOLERANCE = 0.02


@dataclass(frozen=True)
class Rebuilt:
    """What came out.

    Attributes:
        model: The version that was trained again.
        weights_sha256: Of the new weights.
        same_weights: They are those of the version.
        exact: The weights should be the same: no GPU, and nothing differs.
        differs: What is not as it was in the training, in words: processor, system, packages (of an older card, which
            does not list them, the lock file).
        metrics: Test metric → (then, now); empty if the weights are the same.
        tolerance: How far they may be apart.
        passed: The same weights; or, where those cannot be expected, metrics within the tolerance.
    """

    model: str
    weights_sha256: str
    same_weights: bool
    exact: bool
    differs: tuple[str, ...]
    metrics: dict[str, tuple[float, float | None]]
    tolerance: float
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def rebuild_version(
    reference: str, *, package: str, tolerance: float = TOLERANCE, tell: Callable[[str], None] = lambda _: None
) -> Rebuilt:
    """Train the version meant by `reference` again and compare.

    Args:
        reference: `NAME@ALIAS` or `NAME/VERSION`.
        package: The Python package whose modules are the stages of the project; it stands above this one.
        tolerance: How far test metrics may be apart where equal weights cannot be expected.
        tell: Called with each step.

    Raises:
        RegistryError: The commit or a dataset is not at hand (the message names it and its md5), the version is built
            of others, or a stage fails.
    """
    version = find(open_store(), parse_reference(reference))
    lineage = version.lineage
    if lineage.parents:
        raise RegistryError(
            f"{version.label} is built of {', '.join(lineage.parents)}",
            expected="a version with weights of its own",
            remedy="rebuild those, and put them together again (`python -m pipelines.cascade`)",
        )
    differs = tuple(_differences(lineage))
    for difference in differs:
        tell(f"differs: {difference}")
    with _worktree(lineage) as tree:
        for file, changes in lineage.overrides.items():
            overrides.put_back(tree / file, changes)
        for source in given(tree, lineage):
            place_source(tree, source)
        place_data(tree, datasets(tree, lineage))
        run = partial(_run, tree, lineage, package)
        for stage, arguments in stages(tree, lineage):
            tell(f"{package}.{stage} {' '.join(arguments)}")
            run(stage, *arguments)
        if sha256(_weights(tree, lineage)) != version.weights_sha256:
            tell(f"{package}.evaluate: the weights differ")
            run("evaluate", *profile_arguments(lineage.profile), *variant_arguments(lineage.variant, lineage.seed))
        return _compared(tree, version, differs, tolerance)


def _differences(lineage: Lineage) -> Iterator[str]:
    yield from differences({"hardware": lineage.hardware}, {"hardware": hardware()})
    if not lineage.installed:
        yield from differences({"requirements.lock": lineage.environment}, {"requirements.lock": environment_hash()})
        return
    threads = {"threads": lineage.runtime.get("threads", "")}  # they are set as they were
    yield from differences(lineage.runtime, runtime() | threads)
    yield from differences(lineage.installed, installed())


@contextmanager
def _worktree(lineage: Lineage) -> Iterator[Path]:
    """The commit, checked out beside the project for as long as it is needed."""
    root = project_root()
    _demand_commit(root, lineage)
    with tempfile.TemporaryDirectory(prefix="chromseg-rebuild-") as scratch:
        tree = Path(scratch) / "tree"
        add = ("worktree", "add", "--detach", "--quiet", str(tree), lineage.git_commit)
        _git(root, "-c", f"core.hooksPath={os.devnull}", *add)  # DVC's hook would check its own data out
        try:
            yield tree
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def _demand_commit(root: Path, lineage: Lineage) -> None:
    try:
        _git(root, "cat-file", "-e", f"{lineage.git_commit}^{{commit}}")
    except RegistryError as error:
        raise RegistryError(
            f"commit {lineage.git_commit} is not in the repository around {root}",
            expected="the repository it was trained in, with its history",
            remedy="fetch it (`git fetch --all`, or clone the repository again)",
        ) from error


def _compared(tree: Path, version: Version, differs: tuple[str, ...], tolerance: float) -> Rebuilt:
    lineage = version.lineage
    weights = sha256(_weights(tree, lineage))
    same = weights == version.weights_sha256
    exact = not differs and "no GPU" in lineage.hardware
    metrics: dict[str, tuple[float, float | None]] = {}
    if not same:
        report = Pipeline(lineage.profile, tree).scores(lineage.variant, lineage.seed) / "metrics.json"
        measured = json.loads(report.read_text(encoding="utf-8"))["metrics"]
        known = {key: value for key in AGAIN if (value := version.metrics.get(key)) is not None}
        metrics = {key: (value, measured.get(key)) for key, value in known.items()}
    near = [now is not None and abs(now - then) <= tolerance for then, now in metrics.values()]
    passed = same or (not exact and bool(near) and all(near))
    return Rebuilt(version.label, weights, same, exact, differs, metrics, tolerance, passed)


def _weights(tree: Path, lineage: Lineage) -> Path:
    return Pipeline(lineage.profile, tree).model(lineage.variant, lineage.seed) / "model.safetensors"


def _run(tree: Path, lineage: Lineage, package: str, stage: str, *arguments: str) -> None:
    """Run a stage of the checked-out code, which tracks into a store of its own, on as many threads as then."""
    module = f"{package}.{stage}"
    settings = {"PYTHONPATH": str(tree), "MLFLOW_TRACKING_URI": own_store(tree)}
    if "threads" in lineage.runtime:
        settings["OMP_NUM_THREADS"] = lineage.runtime["threads"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=tree,
        env=own | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        last = " ".join(answer.stdout.split())[-400:]
        raise RegistryError(
            f"{module} {' '.join(arguments)} failed in the checked-out commit ({last})",
            expected="a stage that runs as it did then",
            remedy="install what that commit needs (its requirements.lock), then run this again",
        )


def _git(root: Path, *arguments: str) -> None:
    answer = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise RegistryError(
            f"`git {' '.join(arguments)}` failed ({' '.join(answer.stderr.split())})",
            expected="the git repository of the project",
            remedy="run this inside it",
        )
