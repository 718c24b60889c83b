"""The models in the box: `bundled/<name>/`, tracked by `bundled.dvc`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import chromseg
from chromseg.errors import RegistryError
from chromseg.registry.place import project_root
from chromseg.registry.promotion import promote
from chromseg.registry.references import known_aliases
from chromseg.registry.store import open_store
from chromseg.registry.version import Version
from chromseg.registry.versions import register, show

_BY = "chromseg-ops init"


def register_bundled() -> list[tuple[Version, bool]]:
    """Register every bundled model under its folder's name, as champion where there is none; twice is once.

    Its lineage is the one in its `model.json`: the run, commit and data it was really trained with.

    Returns:
        Each version, and whether it is new.

    Raises:
        RegistryError: There are none and DVC cannot fetch them.
    """
    registered = []
    for folder in _folders(project_root()):
        version, new = register(folder, folder.name, allow_dirty=True, by=_BY)
        if "champion" not in known_aliases(open_store(), version.name):
            reason = f"comes with ChromSeg-Ops {chromseg.__version__}"
            promote(f"{version.name}/{version.number}", reason=reason, by=_BY)
        registered.append((show(f"{version.name}/{version.number}"), new))
    return registered


def _folders(root: Path) -> list[Path]:
    found = _complete_folders(root)
    if not found:
        _pull(root)
        found = _complete_folders(root)
    if not found:
        raise RegistryError(
            f"no model in {root / 'bundled'}",
            expected="bundled/<name>/model.json",
            remedy="run from the project's folder, or register a model of your own (`chromseg-ops models register`)",
        )
    return found


def _complete_folders(root: Path) -> list[Path]:
    return sorted(card.parent for card in root.glob("bundled/*/model.json"))


def _pull(root: Path) -> None:
    if not (root / "bundled.dvc").is_file():
        return
    answer = subprocess.run(
        [sys.executable, "-m", "dvc", "pull", "bundled.dvc"], cwd=root, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        reason = " ".join(answer.stderr.split())[-300:] or f"exit code {answer.returncode}"
        raise RegistryError(
            f"`dvc pull bundled.dvc` failed ({reason})",
            expected="the bundled models in dvcstore/",
            remedy="clone the whole repository again, or pull from your lab's remote",
        )
