"""A cohort on Ray Data, streaming: pictures go through workers as they are asked for, outcomes come as they are ready.

Ray repeats the work of workers and nodes that die. That nothing is lost or written twice rests on this: a result has
one name, which its picture, model and options decide, or the pictures of its part and the call, and is written in one
step; so what is done again takes the place of what was there.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ray
import ray.data
from ray.data import ActorPoolStrategy, Dataset, TaskPoolStrategy

from chromseg.cohort.ledger import open_ledger
from chromseg.cohort.outcome import PictureOutcome
from chromseg.cohort.sources import PictureFile
from chromseg.cohort.tables import PartWriter, Tables
from chromseg.cohort.worker import Loader, Opener, Segmenter, Work
from chromseg.errors import ChromsegError, MissingExtraError, OutputError
from chromseg.inference.shard import Shard

_PART = 256  # pictures of one part of the tables
_IN_HAND = 2  # blocks: with more, the first worker that is there takes all of a small cohort
_WRITER = 32  # workers that one process can write the tables of: a part takes it seconds
_BLOCK, _MOST_BLOCKS = 8, 10_000  # pictures that a worker takes at a time; blocks that the driver plans


def run_cohort(
    files: Sequence[PictureFile],
    work: Work,
    loader: Loader,
    tables: Tables | None = None,
    shard: Shard | None = None,
    workers: int | None = None,
) -> Iterator[PictureOutcome]:
    """Do the pictures on the cluster that this process is connected to; exactly one outcome each, in any order.

    Args:
        files: The pictures, archives unopened.
        work: What is asked of every worker.
        loader: The model.
        tables: Where results go, where `work` names no folder.
        shard: The share to do.
        workers: At most; default: as many as the cluster has cores.

    Raises:
        OutputError: The destination cannot be written.
        ChromsegError: Nodes cannot use the model, or lack what they need.
    """
    if tables is not None:
        tables.remove_unfinished()
    with tempfile.TemporaryDirectory(prefix="chromseg-run-") as scratch:
        journal = Path(scratch) / "written"
        try:
            for row in _rows(_opened(files, shard or Shard()), work, loader, tables, workers, journal):
                yield row["outcome"]
        except Exception as error:
            raise _plain(error) from error


def blocks_of(pictures: int) -> int:
    """Into how many blocks, which a worker takes one at a time, so many pictures are shared out."""
    return max(1, min(_MOST_BLOCKS, pictures // _BLOCK))


def _opened(files: Sequence[PictureFile], shard: Shard) -> list[PictureFile]:
    """The pictures with those of archives, which the whole cluster opens.

    As a step of its own, and not of the stream: there every core belongs to a worker that predicts, Ray gives none to
    the step that shares an archive's pictures out among them, and the run stands still.
    """
    archives = [{"file": file} for file in files if file.is_archive]
    if not archives:
        return list(files)
    data: Dataset = ray.data.from_items(archives, override_num_blocks=min(_MOST_BLOCKS, len(archives)))
    members = [row["file"] for row in data.flat_map(Opener(shard)).iter_rows()]
    return [*(file for file in files if not file.is_archive), *members]


def _rows(
    files: Sequence[PictureFile],
    work: Work,
    loader: Loader,
    tables: Tables | None,
    workers: int | None,
    journal: Path,
) -> Iterator[dict[str, Any]]:
    """Rows with the outcomes, as they are ready."""
    if not files:  # archives without a picture of this share
        return iter(())
    known = {} if tables is None else tables.known()
    rows = [{"file": file} for file in files]
    data: Dataset = ray.data.from_items(rows, override_num_blocks=blocks_of(len(files)))
    data = data.map(
        Segmenter,
        fn_constructor_args=(work, ray.put(loader), ray.put(known), open_ledger(journal)),
        compute=_pool(workers),
        **_needs(work.device, workers),
    )
    if tables is not None:
        data = data.map_batches(
            PartWriter(tables), batch_size=_PART, batch_format="numpy", num_cpus=0, compute=_writers(workers)
        )
    return iter(data.iter_rows())


def _pool(workers: int | None) -> ActorPoolStrategy:
    """As many workers as the cluster has cores for; it may grow. Each has one block at work and one that waits."""
    now, most = _cores(), workers or _cores()
    return ActorPoolStrategy(
        min_size=1, initial_size=min(now, most), max_size=most, max_tasks_in_flight_per_actor=_IN_HAND
    )


def _writers(workers: int | None) -> TaskPoolStrategy:
    """Few: they need no core, so that Ray would start one for every part that is ready."""
    return TaskPoolStrategy(size=math.ceil((workers or _cores()) / _WRITER))


def _cores() -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _needs(device: str, workers: int | None) -> dict[str, Any]:
    """What a worker takes of a node: a core, and its part of a GPU.

    Workers share GPUs, so that one uses what another, at its decoding and splicing, leaves idle.
    """
    if device == "cpu":
        return {"num_cpus": 1}
    resources = ray.cluster_resources()
    gpus, most = resources.get("GPU", 0.0), workers or _cores()
    return {"num_cpus": 1, "num_gpus": min(1.0, gpus / most) if gpus else 1.0}


def _plain(error: Exception) -> Exception:
    """The error within Ray's wrappers: ours as it is, one of a node's installation in a line."""
    inner: Any = error
    while getattr(inner, "cause", None) is not None:
        inner = inner.cause
    missing = re.search(r"No module named '([\w.]+)'", f"{error} {inner}")
    if isinstance(inner, ChromsegError):
        return inner
    if missing:
        return MissingExtraError(
            f"a node of the cluster lacks {missing[1]}",
            expected="chromseg-ops[cluster] on every node",
            remedy="install it there, or start the nodes from deploy/Containerfile",
        )
    if isinstance(inner, OSError):
        return OutputError(f"a node ({inner})", expected="free disk and memory there", remedy="free some, and go on")
    return error
