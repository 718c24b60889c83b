"""A dataset as it was at another revision of the project: `NAME@REV`, a name in git, its files from DVC."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromseg.annotations.dataset import Dataset, read_dataset
from chromseg.errors import DataError


@contextmanager
def opened(text: str, data_root: Path = Path("data")) -> Iterator[Dataset]:
    """The dataset `NAME`, as it lies below `data_root`, or `NAME@REV`, as it was; its files are there inside the block.

    Args:
        text: A name, or a name and a git revision (`sample@HEAD~1`, `sample@v1.2`).
        data_root: Folder of all datasets; the folder above it holds the DVC project.

    Raises:
        DataError: There is no such dataset or revision, or its files are neither in DVC's cache nor on its remote.
    """
    name, _, revision = text.partition("@")
    if not revision:
        yield read_dataset(data_root / name)
        return
    with tempfile.TemporaryDirectory(prefix="chromseg-") as folder:
        target = Path(folder) / name
        _fetch(data_root, name, revision, target)
        yield read_dataset(target)


def _fetch(data_root: Path, name: str, revision: str, target: Path) -> None:
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError
    from dvc_data.index import DataIndexDirError  # its files are neither in the cache nor on a remote

    top = data_root.resolve().parent
    try:
        files = DVCFileSystem(str(top), rev=revision)
        files.get(f"{data_root.name}/{name}", str(target), recursive=True)
    except (DvcException, SCMError, DataIndexDirError, OSError) as error:
        reason = "not there" if isinstance(error, FileNotFoundError) else error
        raise DataError(
            f"no {name} at revision {revision} ({reason})",
            expected="a git revision at which `data track` had recorded it, its files in DVC's cache or on its remote",
            remedy="see `git log data.dvc`, and run `dvc pull` for the files",
        ) from error
