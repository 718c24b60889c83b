"""Many pictures: find them, plan where each goes, skip what is done, go on after one that fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chromseg.errors import ChromsegError, DataError, OutputError
from chromseg.images.pictures import SUFFIXES
from chromseg.inference.exports import INSTANCES_FILE
from chromseg.inference.failures import failure_of, note_failures
from chromseg.inference.microscopes import hash_of, is_microscopes
from chromseg.inference.portable import portable
from chromseg.inference.shard import Shard


@dataclass(frozen=True)
class Job:
    """One picture to do: where it is and the folder its result goes to."""

    source: Path
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What became of one job."""

    job: Job
    status: Literal["done", "skipped", "failed"]
    count: int = 0  # chromosomes found, now or before
    review: int = 0  # places to look at: chromosomes flagged, and pieces that belong to none
    notes: tuple[str, ...] = ()  # warnings of the input and result rules
    error: ChromsegError | None = None


@dataclass(frozen=True)
class Kept:
    """What a result says that was written before.

    Attributes:
        chromosomes: How many.
        flagged: Of them with a flag.
        unclaimed: Pieces that may be chromosomes and belong to none; None where no model drew a map.
    """

    chromosomes: int
    flagged: int
    unclaimed: int | None

    @property
    def to_review(self) -> int:
        """How many things a person should look at, as `Result.to_review`."""
        return self.flagged + (self.unclaimed or 0)


def plan_jobs(sources: Iterable[Path], out: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[Job]:
    """One job a picture; a folder's pictures keep their path below it.

    Raises:
        DataError: A source does not exist, a folder has no picture, or two pictures would share one result folder.
    """
    return jobs_at((each for source in sources for each in _pictures(source, out, suffixes)), out)


def listed(file: Path) -> list[str]:
    """The sources that a text file lists, one a line; empty lines say nothing.

    Raises:
        DataError: It cannot be read, or lists none.
    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file} cannot be read ({error})", expected="a text file of sources, one a line", remedy="check --list"
        ) from error
    if not any(lines):
        raise DataError(f"{file} lists nothing", expected="a source a line", remedy="check --list")
    return [line for line in lines if line]


def jobs_at(places: Iterable[tuple[Path, Path]], out: Path) -> list[Job]:
    """One job for each source and the path below `out` where its results belong, in names that every system can hold.

    Raises:
        DataError: Two would share one folder.
    """
    jobs: dict[Path, Job] = {}
    for source, relative in places:
        folder = out / portable(relative)
        if folder in jobs and jobs[folder].source != source:
            raise DataError(
                f"{jobs[folder].source} and {source} would both be written to {folder}",
                expected="pictures whose names differ before the suffix",
                remedy="rename one, or run them with two --out folders",
            )
        jobs[folder] = Job(source, folder)
    return list(jobs.values())


def shard_of(jobs: list[Job], out: Path, shard: Shard) -> list[Job]:
    """The jobs that belong to a share."""
    return [job for job in jobs if shard.holds(job.folder.relative_to(out).as_posix())]


def run_jobs(
    jobs: list[Job],
    out: Path,
    work: Callable[[Job], Outcome],
    on_outcome: Callable[[Outcome], None],
    shard: Shard | None = None,
) -> list[Outcome]:
    """Do the jobs in order; a refused or failed picture is noted and the rest goes on.

    Leaves `failures.json` in `out`, that of the share if the jobs are but one, with what failed now and what failed
    earlier among other files; without any it is removed. A place that cannot be written ends the run at once: the next
    pictures would fail alike. An error that nobody foresaw is a failure of its picture too.

    Raises:
        OutputError: A result cannot be written.
    """
    outcomes = []
    for job in jobs:
        try:
            outcome = work(job)
        except OutputError:
            raise
        except ChromsegError as error:
            outcome = Outcome(job, "failed", error=error)
        except Exception as error:
            outcome = Outcome(job, "failed", error=unforeseen(str(job.source), error))
        outcomes.append(outcome)
        on_outcome(outcome)
    failed = [failure_of(each.job.source.as_posix(), each.error) for each in outcomes if each.error]
    note_failures(out, failed, {each.job.source.as_posix() for each in outcomes}, shard)
    return outcomes


def unforeseen(name: str, error: Exception) -> DataError:
    """An error that nobody foresaw, as one of the picture `name`."""
    return DataError(
        f"{name}: internal error ({type(error).__name__}: {error})",
        expected="a picture that can be worked on",
        remedy="leave it out, and send it with this line to the developers",
    )


def done_before(job: Job, *, weights_sha256: str | None, options: dict[str, Any]) -> Outcome | None:
    """The job as skipped, if its folder holds the result of the same bytes, weights and options; None if not."""
    if not (job.folder / INSTANCES_FILE).is_file():  # the usual case, which costs no hash
        return None
    kept = kept_in(job.folder, image_sha256=hash_of(job.source), weights_sha256=weights_sha256, options=options)
    if kept is None:
        return None
    return Outcome(job, "skipped", kept.chromosomes, kept.to_review)


def kept_in(folder: Path, *, image_sha256: str, weights_sha256: str | None, options: dict[str, Any]) -> Kept | None:
    """What a result of the same bytes, weights and options says; None if there is no such."""
    try:
        made = json.loads((folder / INSTANCES_FILE).read_text(encoding="utf-8"))
        same = (
            made["model"]["image_sha256"] == image_sha256
            and made["model"]["weights_sha256"] == weights_sha256
            and {key: made["options"][key] for key in options} == options
        )
        flags = [bool(annotation["flags"]) for annotation in made["annotations"]]
        left = made.get("unclaimed")  # which results of older versions do not tell of
        kept = Kept(len(flags), sum(flags), None if left is None else len(left))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # absent, or not ours: do it again
    return kept if same else None


def _pictures(source: Path, out: Path, suffixes: tuple[str, ...]) -> list[tuple[Path, Path]]:
    """(path, path below the source without suffix) of each picture of one source; results in `out` are no pictures."""
    if source.is_file() or (is_microscopes(source) and source.is_dir()):
        return [(source, Path(source.stem))]
    if not source.is_dir():
        raise DataError(f"no file or folder {source}", expected="pictures to work on", remedy="check the path")
    found = [
        (path, path.relative_to(source).with_suffix(""))
        for path in sorted(source.rglob("*"))
        if path.suffix.lower() in suffixes
        and path.is_file()
        and not path.is_relative_to(out.absolute())
        and not path.is_relative_to(out)
    ]
    if not found:
        raise DataError(
            f"{source} holds no picture", expected=f"files ending in {', '.join(suffixes)}", remedy="check the folder"
        )
    return found
