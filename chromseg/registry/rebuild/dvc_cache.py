"""The data that a version was trained on, and the models it started from, wherever this machine still has them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from chromseg.annotations.hashing import data_md5
from chromseg.errors import RegistryError
from chromseg.project import project_root


def place_data(tree: Path, wanted: Mapping[str, str]) -> None:
    """Put datasets of given md5 below `tree/data`: those of the project if they are unchanged, else out of DVC's cache.

    Args:
        tree: A checked-out project.
        wanted: Dataset → md5 as DVC computes it.

    Raises:
        RegistryError: One is not at hand; the message names each with its md5.
    """
    absent = {name: md5 for name, md5 in wanted.items() if not _place(tree, f"data/{name}", md5)}
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
    outs = yaml.safe_load(tracked.read_text(encoding="utf-8"))["outs"] if tracked.is_file() else []
    placed = [_place(tree, out["path"], out["md5"]) for out in outs]
    if not placed or not all(placed) or not (tree / source).exists():
        raise RegistryError(
            f"not at hand: {source}, which the training starts from",
            expected="a folder that git or DVC has at this commit, or a training of this project",
            remedy=f"bring it back (`dvc pull {tracked.name}`), or put it under DVC and train again",
        )


def _place(tree: Path, name: str, md5: str) -> bool:
    target, own = tree / name, project_root() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if own.is_dir() and data_md5(own) == md5:
        shutil.copytree(own, target, copy_function=_link)
        return True
    return any(_from_store(store, md5, target) for store in _stores(project_root()))


def _present(name: str) -> str:
    own = project_root() / "data" / name
    return f"data/{name} has {data_md5(own)}" if own.is_dir() else f"there is no data/{name}"


def _stores(root: Path) -> Iterator[Path]:
    """DVC's cache and the embedded remote, which are laid out alike; last, a cache that DVC keeps elsewhere."""
    for place in (root / ".dvc" / "cache", root / "dvcstore"):
        yield place / "files" / "md5"
    if (root / ".dvc").is_dir():
        ask = [sys.executable, "-m", "dvc", "cache", "dir"]
        answer = subprocess.run(ask, cwd=root, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip()) / "files" / "md5"


def _from_store(store: Path, md5: str, target: Path) -> bool:
    """Check a folder out of a DVC store: its listing names the md5 of every file."""
    listing = store / md5[:2] / md5[2:]
    if not listing.is_file():
        return False
    files = {each["relpath"]: store / each["md5"][:2] / each["md5"][2:] for each in json.loads(listing.read_text())}
    if not all(path.is_file() for path in files.values()):
        return False
    for name, path in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        _link(path, target / name)
    return True


def _link(source: str | Path, target: str | Path) -> None:
    """A second name for the file, or a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
