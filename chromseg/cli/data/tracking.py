"""`chromseg-ops data track`: a dataset put under DVC."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromseg.cli.data.options import Root
from chromseg.cli.options import AsJson
from chromseg.cli.printing import print_json
from chromseg.project import DATA


def track(
    name: Annotated[str, typer.Argument(help="Dataset below data/.")],
    remote: Annotated[
        str | None, typer.Option(help="DVC remote for its images; only the built-in samples go to the embedded one.")
    ] = None,
    data_root: Root = Path(DATA),
    as_json: AsJson = False,
) -> None:
    """Put data/NAME under DVC, or record its new state, as one entry of data.dvc."""
    from chromseg.annotations.tracking import track as track_dataset

    md5 = track_dataset(name, data_root=data_root, remote=remote)
    if as_json:
        print_json({"name": name, "md5": md5})
        return
    typer.echo(f"{data_root / name} tracked in {data_root.name}.dvc, md5 {md5}")
    typer.echo(f"next: git add {data_root.name}.dvc && git commit, then dvc push", err=True)
