"""`make publish`: the objects of the built-in samples and of the bundled models into `dvcstore/` and into git.

git ignores whatever else a push leaves there (`dvcstore/.gitignore`), so these are added by name.
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import chain
from pathlib import Path

import yaml

from chromseg.annotations.tracking import EMBEDDED, SAMPLES
from chromseg.errors import DataError
from pipelines.profile import run_stage

STORE = Path("dvcstore")
PUBLISHED = {  # listing → the outs that may be published
    "data.dvc": tuple(f"data/{name}" for name in SAMPLES),
    "bundled.dvc": ("bundled",),
}
_FENCE = {STORE / ".gitignore", STORE / "runs"}


def main() -> None:
    """Push them, add them to git, and take objects out of git that no longer belong to them."""
    subprocess.run(
        [sys.executable, "-m", "dvc", "push", "--quiet", "--remote", EMBEDDED, *chain(*PUBLISHED.values())],
        check=True,
    )
    wanted = published()
    gone = in_git() - wanted
    subprocess.run(["git", "add", "--force", "--", *sorted(map(str, wanted))], check=True)
    if gone:
        subprocess.run(["git", "rm", "--quiet", "--cached", "--", *sorted(map(str, gone))], check=True)
    print(f"{len(wanted)} files of {STORE} in git, {len(gone)} taken out")


def published() -> set[Path]:
    """The files of `dvcstore/` that belong into git.

    Raises:
        DataError: Something else names the embedded remote as its own, or the store lacks a listing.
    """
    found = set(_FENCE)
    for listing, allowed in PUBLISHED.items():
        for out in yaml.safe_load(Path(listing).read_text(encoding="utf-8"))["outs"]:
            if out["path"] in allowed:
                found |= _objects(out["md5"])
            elif out.get("remote", EMBEDDED) == EMBEDDED:
                raise DataError(
                    f"{listing}: {out['path']} goes to the remote `{EMBEDDED}`, which is published",
                    expected=f"{' and '.join(allowed)} alone there",
                    remedy="give it a remote of its own (`chromseg-ops data track NAME --remote REMOTE`)",
                )
    return found


def in_git() -> set[Path]:
    """The files of `dvcstore/` that git has."""
    listed = subprocess.run(["git", "ls-files", str(STORE)], capture_output=True, text=True, check=True)
    return {Path(line) for line in listed.stdout.splitlines()}


def _objects(md5: str) -> set[Path]:
    """A folder's listing and files."""
    listing = _object(md5)
    if not listing.is_file():
        raise DataError(
            f"no {listing}", expected="what data.dvc and bundled.dvc name", remedy=f"run `dvc push -r {EMBEDDED}`"
        )
    return {listing, *(_object(each["md5"]) for each in json.loads(listing.read_text(encoding="utf-8")))}


def _object(md5: str) -> Path:
    return STORE / "files" / "md5" / md5[:2] / md5[2:]


if __name__ == "__main__":
    run_stage(main)
