"""The data that a version was trained on, and the models it started from, wherever this machine still has them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from chromseg.dvc import check_out, folder_md5, link, tracked_outputs
from chromseg.errors import RegistryError
from chromseg.project import DATA, dataset_folder, project_root


def place_data(tree: Path, wanted: Mapping[str, str]) -> None:
    """Put datasets of given md5 below `tree/data`: those of the project if they are unchanged, else out of DVC's cache.

    Args:
        tree: A checked-out project.
        wanted: Dataset → md5 as DVC computes it.

    Raises:
        RegistryError: One is not at hand; the message names each with its md5.
    """
    absent = {name: md5 for name, md5 in wanted.items() if not _place(tree, f"{DATA}/{name}", md5)}
    missing = [f"{name} (md5 {md5}; {_present(name)})" for name, md5 in absent.items()]
    if missing:
        raise RegistryError(
            f"not at hand: dataset {', '.join(missing)}",
            expected="the data it was trained on, in data/ or in DVC's cache",
            remedy="bring it back (`dvc pull`, or import the source again) and run this again",
        )


def place_source(tree: Path, source: str) -> None:
    """Put what a training starts from into the tree, if it is no file of git: a model that the commit has under DVC.

    Args:
        tree: A checked-out project.
        source: As `init` or `model.weights` names it, `bundled/chromseg`; an absolute path is where it is.

    Raises:
        RegistryError: It is not at hand, or neither git nor DVC knows it.
    """
    if (tree / source).exists():
        return
    top = Path(source).parts[0]
    tracked = tree / f"{top}.dvc"
    outputs = tracked_outputs(tracked)
    placed = [_place(tree, out.path.relative_to(tree.resolve()).as_posix(), str(out.md5)) for out in outputs]
    if not placed or not all(placed) or not (tree / source).exists():
        raise RegistryError(
            f"not at hand: {source}, which the training starts from",
            expected="a folder that git or DVC has at this commit, or a training of this project",
            remedy=f"bring it back (`dvc pull {tracked.name}`), or put it under DVC and train again",
        )


def _place(tree: Path, name: str, md5: str) -> bool:
    target, own = tree / name, project_root() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if own.is_dir() and folder_md5(own) == md5:
        shutil.copytree(own, target, copy_function=link)
        return True
    return check_out(project_root(), md5, target)


def _present(name: str) -> str:
    own = dataset_folder(name, project_root())
    return f"data/{name} has {folder_md5(own)}" if own.is_dir() else f"there is no data/{name}"
