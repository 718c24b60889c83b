"""One call of `predict --ray`, from its sources to its summary page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chromseg.cohort.outcome import PictureOutcome
from chromseg.cohort.report import earlier_failures, write_report
from chromseg.cohort.run import run_cohort
from chromseg.cohort.sources import PictureFile, find_pictures
from chromseg.cohort.start import chosen_device, connected
from chromseg.cohort.storage import is_remote
from chromseg.cohort.tables import Tables
from chromseg.cohort.tally import Tally
from chromseg.cohort.worker import Loader, Work
from chromseg.errors import ConfigError
from chromseg.inference.asked import Asked
from chromseg.inference.shard import Shard

FOLDERS, PARQUET = "folders", "parquet"


@dataclass(frozen=True)
class Cohort:
    """What to do with which pictures, and where.

    Attributes:
        sources: As `find_pictures` takes them.
        out: Path, or address in a store.
        loader: The model.
        asked: How pictures are to be read.
        address: Of the cluster, as `connected` takes it.
        device: "auto", "cpu" or "cuda", of the nodes.
        format: `FOLDERS`, as of `predict`, or `PARQUET`.
        shard: The share to do.
        workers: At most; None for as many as the cluster has cores.
    """

    sources: tuple[str, ...]
    out: str
    loader: Loader
    asked: Asked = field(default_factory=Asked)
    address: str = "local"
    device: str = "auto"
    format: str = FOLDERS
    shard: Shard = field(default_factory=Shard)
    workers: int | None = None

    def run(self, on_outcome: Callable[[PictureOutcome, Tally], None]) -> Tally:
        """Do it; `on_outcome` hears of each picture, and how far the run is.

        Raises:
            DataError: A source cannot be used.
            ConfigError: The cluster cannot be used, or not with this destination.
            OutputError: The destination cannot be written.
        """
        self._check()
        files = [each for each in find_pictures(self.sources, self.out) if self._is_ours(each)]
        archives = any(each.is_archive for each in files)
        tally = Tally(None if archives else len(files), earlier_failures(self.out, self.shard))
        tables = Tables(self.out, self.loader.identity, self.asked.options, self.shard)
        with connected(self.address):
            folders = Path(self.out).absolute() if self.format == FOLDERS else None
            work = Work(self.asked, chosen_device(self.device), folders)
            written = None if folders else tables
            for outcome in run_cohort(files, work, self.loader, written, self.shard, self.workers):
                tally.add(outcome)
                on_outcome(outcome, tally)
        write_report(self.out, tally, self.loader.identity, self.shard)
        return tally

    def _is_ours(self, file: PictureFile) -> bool:
        return file.is_archive or self.shard.holds(file.key)

    def _check(self) -> None:
        if self.format == FOLDERS and is_remote(self.out):
            raise ConfigError(
                f"--format {FOLDERS} with --out {self.out}",
                expected="a folder of a disk that all nodes share",
                remedy=f"say --format {PARQUET}, which any store takes",
            )
