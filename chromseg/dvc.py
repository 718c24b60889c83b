"""The one door to DVC: its command, its hashes, its lock files, its caches, and files at another revision."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chromseg.errors import DataError
from chromseg.extras import require
from chromseg.project import pipelines_of

_FILES = Path("files") / "md5"  # where a cache, and a remote, keep what they hold


@dataclass(frozen=True)
class Output:
    """What a stage wrote, or a `.dvc` file tracks, as DVC recorded it.

    Attributes:
        file: The `dvc.lock` or `.dvc` file that says so.
        path: Of the file or folder, absolute.
        md5: Its hash; None of an output that DVC did not hash.
        stage: The entry that it stands in.
    """

    file: Path
    path: Path
    md5: str | None
    stage: dict[str, Any]


def run_dvc(top: Path, *arguments: str) -> str:
    """Run DVC in a project's top folder and return what it prints.

    Raises:
        DataError: There is no DVC project, or DVC fails.
    """
    if not (top / ".dvc").is_dir():
        raise DataError(f"no DVC project in {top}", expected="a folder .dvc beside the data", remedy="run `dvc init`")
    require("dvc")
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=top,
        env={**os.environ, "DVC_NO_ANALYTICS": "true", "COLUMNS": "10000"},  # long addresses stay on one line
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = " ".join(errors) or f"exit {done.returncode}"
        raise DataError(f"dvc {arguments[0]}: {reason}", expected="success", remedy="mend what DVC says and try again")
    return done.stdout


def folder_md5(root: Path) -> str:
    """The hash of a folder that DVC writes to `dvc.lock` and `.dvc` files.

    It is the md5 of a JSON list of every file's md5 and relative path, ordered by path, with `.dir` at its end.

    Args:
        root: A folder, say a dataset's.

    Raises:
        DataError: There is no such folder.
    """
    if not root.is_dir():
        raise DataError(f"no folder {root}", expected="a dataset", remedy="import it or run `dvc pull`")
    files = sorted((path.relative_to(root).as_posix(), path) for path in root.rglob("*") if path.is_file())
    listing = [{"md5": file_md5(path), "relpath": name} for name, path in files]
    return hashlib.md5(json.dumps(listing).encode(), usedforsecurity=False).hexdigest() + ".dir"


def file_md5(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def stage_outputs(root: Path) -> Iterator[Output]:
    """What the stages of a project and of its profiles wrote, as their lock files have it."""
    for each in pipelines_of(root):
        lock, pipeline = each.lock_file, _read(each.pipeline_file).get("stages") or {}
        for name, stage in (_read(lock).get("stages") or {}).items():
            works_in = lock.parent / pipeline.get(name.partition("@")[0], {}).get("wdir", ".")
            yield from _outputs(lock, works_in, stage)


def tracked_outputs(file: Path) -> Iterator[Output]:
    """What a `.dvc` file tracks; nothing if there is no such file."""
    yield from _outputs(file, file.parent, _read(file))


def check_out(root: Path, md5: str, target: Path) -> bool:
    """Put a folder of a hash at `target`, out of whatever the project at `root` has of it on this machine.

    Looked through are DVC's cache, also one that several projects share (`cache.dir`), and the embedded remote.

    Returns:
        Whether it was at hand; if not, `target` is as it was.
    """
    return any(_check_out(store, md5, target) for store in _stores(root))


def link(source: str | Path, target: str | Path) -> None:
    """A second name for the file, or a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def fetch_at(top: Path, revision: str, name: str, target: Path) -> None:
    """Copy a folder as a revision of the project at `top` has it, out of git or DVC.

    Raises:
        DataError: The revision or the folder is unknown, or its files are neither in the cache nor on a remote.
    """
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError
    from dvc_data.index import DataIndexDirError  # its files are neither in the cache nor on a remote

    try:
        DVCFileSystem(str(top), rev=revision).get(name, str(target), recursive=True)
    except (DvcException, SCMError, DataIndexDirError, OSError) as error:
        reason = "not there" if isinstance(error, FileNotFoundError) else error
        raise DataError(
            f"no {Path(name).name} at revision {revision} ({reason})",
            expected="a git revision at which `data track` had recorded it, its files in DVC's cache or on its remote",
            remedy="see `git log data.dvc`, and run `dvc pull` for the files",
        ) from error


def _outputs(file: Path, works_in: Path, entry: dict[str, Any]) -> Iterator[Output]:
    for out in entry.get("outs") or []:
        yield Output(file, (works_in / out["path"]).resolve(), out.get("md5"), entry)


def _read(file: Path) -> dict[str, Any]:
    return (yaml.safe_load(file.read_text(encoding="utf-8")) or {}) if file.is_file() else {}


def _stores(root: Path) -> Iterator[Path]:
    """DVC's cache and the embedded remote, which are laid out alike; last, a cache that DVC keeps elsewhere."""
    for place in (root / ".dvc" / "cache", root / "dvcstore"):
        yield place / _FILES
    try:
        yield Path(run_dvc(root, "cache", "dir").strip()) / _FILES
    except DataError:  # no DVC here: then there is no other cache
        return


def _check_out(store: Path, md5: str, target: Path) -> bool:
    """Check a folder out of a store: its listing names the md5 of every file."""
    listing = store / md5[:2] / md5[2:]
    if not listing.is_file():
        return False
    files = {each["relpath"]: store / each["md5"][:2] / each["md5"][2:] for each in json.loads(listing.read_text())}
    if not all(path.is_file() for path in files.values()):
        return False
    for name, path in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        link(path, target / name)
    return True
