"""The work of `predict` on files: validate them all, then one after another read, predict each page, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chromseg.errors import ChromsegError, InputRefusedError
from chromseg.inference.batch import Job, Outcome, is_done
from chromseg.inference.exports import write_result
from chromseg.inference.predictor import Predictor
from chromseg.inference.read import Page, read_picture
from chromseg.validation import Report, image_facts, unreadable_facts, validate_inputs


@dataclass(frozen=True)
class PictureWorker:
    """Predicts one picture file after another.

    Attributes:
        predictor: The model.
        polarity: As `Predictor.predict` takes it.
        scale: As `Predictor.predict` takes it.
    """

    predictor: Predictor
    polarity: Any = "auto"
    scale: Any = "auto"

    def __call__(self, job: Job) -> Outcome:
        """Do one file; the pages of a file of several go to `page-001`, `page-002` … below its folder.

        Raises:
            InputRefusedError: The file, or a page of it, must not be predicted on; other pages are written.
            OutputError: The result cannot be written.
        """
        if self._is_done(job.source, job.folder):
            return Outcome(job, "skipped")
        picture = read_picture(job.source)
        pages = len(picture.pages)
        count = review = 0
        refused: ChromsegError | None = None
        for page in range(pages):
            folder = job.folder / f"page-{page + 1:03d}" if pages > 1 else job.folder
            if pages > 1 and self._is_done(job.source, folder):
                continue
            name = page_name(job.source, page, pages)
            try:
                result = self.predictor.predict_page(picture, page, polarity=self.polarity, scale=self.scale, name=name)
            except InputRefusedError as error:
                refused = refused or error
                continue
            write_result(result, folder, file_name=job.source.name, options=self._options)
            count += len(result.instances)
            review += sum(bool(instance.flags) for instance in result.instances)
        if refused:
            raise refused
        return Outcome(job, "done", count, review)

    def with_expectations(self, jobs: Sequence[Job]) -> PictureWorker:
        """Judge the pictures of all jobs not done yet with Great Expectations, as one table, before predicting any.

        Returns:
            A worker that goes by that report.
        """
        rows = []
        for job in jobs:
            if self._is_done(job.source, job.folder):
                continue
            try:
                pages = read_picture(job.source).pages
            except InputRefusedError as error:
                rows.append(unreadable_facts(str(job.source), error.got))
                continue
            rows += [self._facts(page, page_name(job.source, n, len(pages))) for n, page in enumerate(pages)]
        if not rows:
            return self
        verdicts = FolderVerdicts(validate_inputs(rows, "the pictures"))
        return replace(self, predictor=replace(self.predictor, check_input=verdicts))

    def _facts(self, page: Page, name: str) -> dict[str, Any]:
        view = self.predictor.look_at(page, polarity=self.polarity, scale=self.scale)
        return {"file": name} | image_facts(page.grey, page.rgb, page.bit_depth, scale=view.page_pixels)

    @property
    def _options(self) -> dict[str, Any]:
        return {"asked_polarity": self.polarity, "asked_scale": self.scale}

    def _is_done(self, source: Path, folder: Path) -> bool:
        weights = self.predictor.identity.weights_sha256
        return is_done(source, folder, weights_sha256=weights, options=self._options)


@dataclass(frozen=True)
class FolderVerdicts:
    """Answers for each page what Great Expectations found of it."""

    report: Report

    def __call__(self, page: Page, name: str, *, scale: float) -> Report:
        """The page's part of the report.

        Raises:
            InputRefusedError: A critical rule is broken.
        """
        own = self.report.of(name)
        own.raise_refused()
        return own


def page_name(path: Path, page: int, pages: int) -> str:
    """What messages call a page."""
    return str(path) if pages == 1 else f"{path}, page {page + 1}"
