"""The work of `predict` on files: read, validate, predict each page, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chromseg.errors import InputRefusedError
from chromseg.images.pictures import Page, Picture
from chromseg.inference.asked import Asked
from chromseg.inference.batch import Job, Outcome, done_before
from chromseg.inference.exports import write_result
from chromseg.inference.karyotyping import Karyotyper
from chromseg.inference.microscopes import is_microscopes, read_microscopes
from chromseg.inference.one_picture import page_name, predict_pages
from chromseg.inference.predictor import Predictor
from chromseg.validation import Report, image_facts, unreadable_facts, validate_inputs

_AHEAD = 32_000_000  # pixels that are decoded and judged together before they are predicted on


@dataclass(frozen=True)
class PictureWorker:
    """Predicts one picture file after another.

    Attributes:
        predictor: The model.
        asked: How pictures are to be read.
        karyotyper: Makes a karyogram of each; None for none.
    """

    predictor: Predictor
    asked: Asked = field(default_factory=Asked)
    karyotyper: Karyotyper | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What results keep of the call, and a resumed job compares."""
        named_by = {} if self.karyotyper is None else {"karyogram": self.karyotyper.identity.weights_sha256}
        return self.asked.options | named_by

    def __call__(self, job: Job) -> Outcome:
        """Do one file; the pages of a file of several go to `page-001`, `page-002` … below its folder.

        Raises:
            InputRefusedError: The file, or a page of it, must not be predicted on; other pages are written.
            OutputError: The result cannot be written.
        """
        return self.done_before(job) or self.work_on(job, self.read(job.source))

    def read(self, source: Path) -> Picture:
        """Decode a file, and take the channel of it that is asked for."""
        if is_microscopes(source):
            return read_microscopes(source, self.asked.channel)
        return self.asked.decode(source)

    def work_on(self, job: Job, picture: Picture) -> Outcome:
        """Predict the pages of a file that is decoded already; raises as `__call__`."""
        folders = page_folders(job.folder, len(picture.pages))
        known = {page: self.done_before(Job(job.source, folder)) for page, folder in enumerate(folders)}
        before = {page: made for page, made in known.items() if made}
        count = sum(made.count for made in before.values())
        review = sum(made.review for made in before.values())
        notes: list[str] = []
        refused: list[InputRefusedError] = []
        for verdict in predict_pages(picture, self.predictor, self.asked, job.source.as_posix(), before):
            if isinstance(result := verdict.outcome, InputRefusedError):
                refused.append(result)
                continue
            beside = None if self.karyotyper is None else self.karyotyper.write
            write_result(result, folders[verdict.page], file_name=job.source.name, options=self.options, beside=beside)
            count += len(result.instances)
            review += result.to_review
            notes += warnings_of(result.validation)
        if refused:
            raise refused[0]
        return Outcome(job, "done", count, review, tuple(notes))

    def done_before(self, job: Job) -> Outcome | None:
        """The job as skipped, if its folder holds the result of the same bytes, weights and options."""
        return done_before(job, weights_sha256=self.predictor.identity.weights_sha256, options=self.options)


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
    file, pages = job.source.as_posix(), len(picture.pages)
    for number, page in enumerate(picture.pages):
        yield {"file": page_name(file, number, pages)} | image_facts(page.grey, page.rgb, page.bit_depth)


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


def page_folders(folder: Path, pages: int) -> list[Path]:
    """Where the results of a file's pages go."""
    return [folder] if pages == 1 else [folder / f"page-{page + 1:03d}" for page in range(pages)]
