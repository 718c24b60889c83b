"""A dataset as it was at another revision of the project: `NAME@REV`, a name in git, its files from DVC."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromseg.annotations.dataset import Dataset, read_dataset
from chromseg.dvc import fetch_at
from chromseg.project import DATA


@contextmanager
def opened(text: str, data_root: Path = Path(DATA)) -> Iterator[Dataset]:
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
        fetch_at(data_root.resolve().parent, revision, f"{data_root.name}/{name}", target)
        yield read_dataset(target)
