"""The work of `predict` on files: read, validate, predict each page, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chromseg.errors import ChromsegError, InputRefusedError
from chromseg.images.pictures import Page, Picture, read_picture
from chromseg.inference.batch import Job, Outcome, done_before
from chromseg.inference.exports import write_result
from chromseg.inference.predictor import Predictor
from chromseg.validation import Report, image_facts, unreadable_facts, validate_inputs

_AHEAD = 32_000_000  # pixels that are decoded and judged together before they are predicted on


@dataclass(frozen=True)
class PictureWorker:
    """Predicts one picture file after another.

    Attributes:
        predictor: The model.
        polarity: As `Predictor.predict` takes it.
        scale: As `Predictor.predict` takes it.
        strict: As `Predictor.predict` takes it.
        channel: As `Predictor.predict` takes it.
    """

    predictor: Predictor
    polarity: Any = "auto"
    scale: Any = "auto"
    strict: bool = False
    channel: str | None = None

    def __call__(self, job: Job) -> Outcome:
        """Do one file; the pages of a file of several go to `page-001`, `page-002` … below its folder.

        Raises:
            InputRefusedError: The file, or a page of it, must not be predicted on; other pages are written.
            OutputError: The result cannot be written.
        """
        return self.done_before(job) or self.work_on(job, self.read(job.source))

    def read(self, source: Path) -> Picture:
        """Decode a file, and take the channel of it that is asked for."""
        picture = read_picture(source)
        return picture if self.channel is None else picture.of_channel(self.channel)

    def work_on(self, job: Job, picture: Picture) -> Outcome:
        """Predict the pages of a file that is decoded already; raises as `__call__`."""
        pages = len(picture.pages)
        count = review = 0
        notes: list[str] = []
        refused: ChromsegError | None = None
        for page in range(pages):
            folder = job.folder / f"page-{page + 1:03d}" if pages > 1 else job.folder
            before = self.done_before(Job(job.source, folder)) if pages > 1 else None
            if before:
                count, review = count + before.count, review + before.review
                continue
            name = page_name(job.source, page, pages)
            try:
                result = self.predictor.predict_page(
                    picture, page, polarity=self.polarity, scale=self.scale, name=name, strict=self.strict
                )
            except InputRefusedError as error:
                refused = refused or error
                continue
            write_result(result, folder, file_name=job.source.name, options=self._options)
            count += len(result.instances)
            review += sum(bool(instance.flags) for instance in result.instances)
            notes += warnings_of(result.validation)
        if refused:
            raise refused
        return Outcome(job, "done", count, review, tuple(notes))

    def done_before(self, job: Job) -> Outcome | None:
        """The job as skipped, if its folder holds the result of the same bytes, weights and options."""
        return done_before(job, weights_sha256=self.predictor.identity.weights_sha256, options=self._options)

    @property
    def _options(self) -> dict[str, Any]:
        asked: dict[str, Any] = {"asked_polarity": self.polarity, "asked_scale": self.scale}
        if self.strict:
            asked["strict"] = True
        if self.channel is not None:
            asked["channel"] = self.channel
        return asked


class FolderWorker:
    """Predicts many files: decodes the next few, has Great Expectations judge them as one table, predicts on each.

    Every file is decoded once, and few are held in memory at a time.

    Args:
        worker: How one file is done.
        jobs: All files, in the order in which they will be done.
        ahead: How many pixels are held; a larger file is held alone.
    """

    def __init__(self, worker: PictureWorker, jobs: Sequence[Job], ahead: int = _AHEAD) -> None:
        self.worker, self.ahead = worker, ahead
        self._before = {job: worker.done_before(job) for job in jobs}
        self._coming = (job for job, before in self._before.items() if before is None)
        self._decoded: dict[Job, Picture | InputRefusedError] = {}
        self._verdicts = FolderVerdicts(Report("nothing decoded yet", 0, (), ()))

    def __call__(self, job: Job) -> Outcome:
        """Do one file; raises as `PictureWorker`."""
        before = self._before[job]
        if before:
            return before
        if job not in self._decoded:
            self._decode_next()
        picture = self._decoded.pop(job)
        if isinstance(picture, InputRefusedError):
            raise picture
        predictor = replace(self.worker.predictor, check_input=self._verdicts)
        return replace(self.worker, predictor=predictor).work_on(job, picture)

    def _decode_next(self) -> None:
        """Decode and judge the next files."""
        rows: list[dict[str, Any]] = []
        held = 0
        for job in self._coming:
            try:
                picture = self._decoded[job] = self.worker.read(job.source)
            except InputRefusedError as error:
                self._decoded[job] = error
                rows.append(unreadable_facts(job.source.as_posix(), error.got))
                continue
            rows += _facts(job, picture)
            held += sum(page.grey.size for page in picture.pages)
            if held >= self.ahead:
                break
        self._verdicts = FolderVerdicts(validate_inputs(rows, "the pictures", self.worker.predictor.limits))


def _facts(job: Job, picture: Picture) -> Iterator[dict[str, Any]]:
    """The facts of each page."""
    pages = len(picture.pages)
    for number, page in enumerate(picture.pages):
        yield {"file": page_name(job.source, number, pages)} | image_facts(page.grey, page.rgb, page.bit_depth)


@dataclass(frozen=True)
class FolderVerdicts:
    """Answers for each page what Great Expectations found of it."""

    report: Report

    def __call__(self, page: Page, name: str) -> Report:
        """The page's part of the report.

        Raises:
            InputRefusedError: A critical rule is broken.
        """
        own = self.report.of(name)
        own.raise_refused()
        return own


def warnings_of(validation: Mapping[str, Any]) -> list[str]:
    """The warnings in a result's `validation`, each in a line for people."""
    found = [failure for report in validation.values() for failure in report["failures"]]
    return [f"{each['meaning']} ({each['column']} {each['value']}); {each['remedy']}" for each in found]


def page_name(path: Path, page: int, pages: int) -> str:
    """What messages and reports call a page, alike on every system."""
    return path.as_posix() if pages == 1 else f"{path.as_posix()}, page {page + 1}"
