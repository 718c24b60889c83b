"""Putting a dataset under DVC: one out in `data.dvc` for each, and no user's images into the embedded remote.

DVC's `add` makes a file of its own for each folder; a single `data.dvc` with several outs is written by hand and filled
in by `dvc commit`. Each out names its own remote, so that neither `dvc push` nor `dvc push -r embedded` puts anything
where the repository's own samples lie but these themselves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from chromseg.annotations.dataset import read_dataset
from chromseg.dvc import run_dvc
from chromseg.errors import DataError
from chromseg.extras import require
from chromseg.files import write_text
from chromseg.project import DATA

EMBEDDED = "embedded"  # lies inside the repository and is published with it
DRAWN_SAMPLE = "sample"
REAL_SAMPLE = "mfish-sample"  # its licence lets it be passed on
SAMPLES = (DRAWN_SAMPLE, REAL_SAMPLE)  # the datasets that may go there; no other may


def track(name: str, *, data_root: Path = Path(DATA), remote: str | None = None) -> str:
    """Put `data_root/name` under DVC, or take its new state, as one out of `data.dvc` beside `data_root`.

    DVC takes the new state of every other dataset in `data.dvc` at the same time, so all of them must be there.

    Args:
        name: Of the dataset.
        data_root: Folder of all datasets; the folder above it holds the DVC project.
        remote: DVC remote for its images. None: the one it has, else the lab's own if there is just one. The built-in
            samples go to `embedded`, and nothing else does.

    Returns:
        The md5 of the dataset as DVC computed it, which ends in `.dir`.

    Raises:
        DataError: There is no such dataset or no DVC project, another tracked one is not there, images would go to a
            remote inside the repository, or DVC fails; `data.dvc` is then as before.
        MissingExtraError: DVC is not installed.
    """
    require("dvc")
    read_dataset(data_root / name)
    top = data_root.resolve().parent
    listing = top / f"{data_root.name}.dvc"
    path = f"{data_root.name}/{name}"
    before = listing.read_text(encoding="utf-8") if listing.exists() else None
    outs = {out["path"]: out for out in _outs(before)}
    used = _remote(top, name, remote or outs.get(path, {}).get("remote"))
    _check_present(top, outs)
    outs[path] = {"path": path, "remote": used}
    write_text(listing, yaml.safe_dump({"outs": [outs[key] for key in sorted(outs)]}, sort_keys=False))
    try:
        run_dvc(top, "commit", "--force", listing.name)
    except BaseException:
        _restore(listing, before)
        raise
    return next(str(out["md5"]) for out in _outs(listing.read_text(encoding="utf-8")) if out["path"] == path)


def _outs(text: str | None) -> list[dict[str, Any]]:
    return list((yaml.safe_load(text) or {}).get("outs", [])) if text else []


def _check_present(top: Path, outs: dict[str, dict[str, Any]]) -> None:
    gone = [path for path in outs if not (top / path).exists()]
    if gone:
        raise DataError(f"no {', no '.join(gone)}", expected="every tracked dataset in place", remedy="run `dvc pull`")


def _restore(listing: Path, before: str | None) -> None:
    if before is None:
        listing.unlink(missing_ok=True)
    else:
        write_text(listing, before)


def outside_remotes(top: Path) -> list[str]:
    """The DVC remotes of the project at `top` that do not lie inside it, where git would publish them."""
    listed = (line.split() for line in run_dvc(top, "remote", "list").splitlines())
    return [words[0] for words in listed if len(words) > 1 and not _lies_below(words[1], top)]


def _remote(top: Path, name: str, wanted: str | None) -> str:
    """The remote that a dataset goes to: of a built-in sample the embedded one, of any other never that."""
    if name in SAMPLES:
        return EMBEDDED
    fit = outside_remotes(top)
    if wanted is None and len(fit) == 1:
        return fit[0]
    if wanted in fit:
        return str(wanted)
    raise DataError(
        f"remote {wanted!r} for {name}" if wanted else f"{len(fit)} remotes to choose from",
        expected=f"--remote with one of: {', '.join(fit)}" if fit else "a DVC remote outside this repository",
        remedy="choose one of these, or add your own with `dvc remote add lab ADDRESS`"
        "; what lies inside the repository is published with it",
    )


def _lies_below(address: str, top: Path) -> bool:
    return "://" not in address and Path(address).resolve().is_relative_to(top)
