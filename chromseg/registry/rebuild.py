"""A version trained again from what its lineage says: that commit, that data, that seed, in a git worktree of its own.

On the processor it was trained on, with the same environment, the weights come out bit by bit. Elsewhere, and on a GPU,
whose kernels do not always add in the same order, the test metrics must come out within a tolerance.
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
from pathlib import Path
from typing import Any

from chromseg.errors import RegistryError
from chromseg.files import sha256
from chromseg.registry.ancestry import profile_arguments, stages
from chromseg.registry.data_at_hand import place_data
from chromseg.registry.lineage import Lineage
from chromseg.registry.place import project_root
from chromseg.registry.provenance import environment_hash, hardware
from chromseg.registry.references import parse_reference
from chromseg.registry.store import open_store
from chromseg.registry.version import Version, find

TOLERANCE = 0.02
_COMPARED = ("test/iou_crossing", "test/iou_chromosome", "test/overlap_acc", "test/sp_acc", "test/overall_acc",
             "test/mask_map", "test/mask_ap50", "test/box_ap50")  # fmt: skip


@dataclass(frozen=True)
class Rebuilt:
    """What came out.

    Attributes:
        model: The version that was trained again.
        weights_sha256: Of the new weights.
        same_weights: They are those of the version.
        exact: The weights should be the same: no GPU, and processor and environment are those it was trained with.
        metrics: Test metric → (then, now); empty if the weights are the same.
        tolerance: How far they may be apart.
        passed: The same weights; or, where those cannot be expected, metrics within the tolerance.
    """

    model: str
    weights_sha256: str
    same_weights: bool
    exact: bool
    metrics: dict[str, tuple[float, float | None]]
    tolerance: float
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def rebuild(reference: str, *, tolerance: float = TOLERANCE, tell: Callable[[str], None] = lambda _: None) -> Rebuilt:
    """Train the version meant by `reference` again and compare.

    Args:
        reference: `NAME@ALIAS` or `NAME/VERSION`.
        tolerance: How far test metrics may be apart where equal weights cannot be expected.
        tell: Is told each step.

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
    with _worktree(lineage) as tree:
        place_data(tree, lineage.data_md5)
        for module, arguments in stages(tree, lineage):
            tell(f"{module} {' '.join(arguments)}")
            _run(tree, module, *arguments)
        return _compared(tree, version, tolerance, tell)


@contextmanager
def _worktree(lineage: Lineage) -> Iterator[Path]:
    """The commit, checked out beside the project for as long as it is needed."""
    root = project_root()
    _demand_commit(root, lineage)
    with tempfile.TemporaryDirectory(prefix="chromseg-rebuild-") as scratch:
        tree = Path(scratch) / "tree"
        _git(root, "worktree", "add", "--detach", "--quiet", str(tree), lineage.git_commit)
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


def _compared(tree: Path, version: Version, tolerance: float, tell: Callable[[str], None]) -> Rebuilt:
    lineage = version.lineage
    profile = tree if lineage.profile == "default" else tree / "profiles" / lineage.profile
    name = f"{lineage.variant}-{lineage.seed}"
    weights = sha256(profile / "models" / name / "model.safetensors")
    same = weights == version.weights_sha256
    exact = (lineage.hardware, lineage.environment) == (hardware(), environment_hash()) and "no GPU" in lineage.hardware
    metrics: dict[str, tuple[float, float | None]] = {}
    if not same:
        tell("pipelines.evaluate: the weights differ")
        own = (*profile_arguments(lineage.profile), "--variant", lineage.variant, "--seed", str(lineage.seed))
        _run(tree, "pipelines.evaluate", *own)
        report = tree / "reports" / lineage.profile / "scores" / name / "metrics.json"
        measured = json.loads(report.read_text(encoding="utf-8"))["metrics"]
        known = {key: value for key in _COMPARED if (value := version.metrics.get(key)) is not None}
        metrics = {key: (value, measured.get(key)) for key, value in known.items()}
    near = [now is not None and abs(now - then) <= tolerance for then, now in metrics.values()]
    passed = same or (not exact and bool(near) and all(near))
    return Rebuilt(version.label, weights, same, exact, metrics, tolerance, passed)


def _run(tree: Path, module: str, *arguments: str) -> None:
    """Run a stage of the checked-out code, which tracks into a store of its own."""
    settings = {"PYTHONPATH": str(tree), "MLFLOW_TRACKING_URI": f"sqlite:///{tree / 'mlruns' / 'mlflow.db'}"}
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=tree,
        env=os.environ | settings,
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
