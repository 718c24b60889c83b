"""The work of `predict` on one file: skip, read, predict each page, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chromseg.errors import ChromsegError
from chromseg.inference.batch import Job, Outcome, is_done
from chromseg.inference.exports import write_result
from chromseg.inference.predictor import Predictor
from chromseg.inference.read import read_picture


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
        several = len(picture.pages) > 1
        count = review = 0
        refused: ChromsegError | None = None
        for page in range(len(picture.pages)):
            folder = job.folder / f"page-{page + 1:03d}" if several else job.folder
            if several and self._is_done(job.source, folder):
                continue
            try:
                result = self.predictor.predict_page(
                    picture, page, polarity=self.polarity, scale=self.scale, name=job.source.name
                )
            except ChromsegError as error:
                refused = refused or error
                continue
            write_result(result, folder, file_name=job.source.name, options=self._options)
            count += len(result.instances)
            review += sum(bool(instance.flags) for instance in result.instances)
        if refused:
            raise refused
        return Outcome(job, "done", count, review)

    @property
    def _options(self) -> dict[str, Any]:
        return {"asked_polarity": self.polarity, "asked_scale": self.scale}

    def _is_done(self, source: Path, folder: Path) -> bool:
        weights = self.predictor.identity.weights_sha256
        return is_done(source, folder, weights_sha256=weights, options=self._options)
