"""What a worker of the cluster does: read a picture, predict, hand on what was found or why nothing was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import ray

from chromseg.cohort.ledger import STRIKES, at_work
from chromseg.cohort.outcome import SET_ASIDE, PictureOutcome, failed
from chromseg.cohort.sources import PictureFile, members
from chromseg.cohort.tables import PictureFacts
from chromseg.cohort.verdicts import outcome_of
from chromseg.errors import ChromsegError, DataError, ModelError, OutputError
from chromseg.inference.asked import Asked
from chromseg.inference.batch import kept_in, unforeseen
from chromseg.inference.exports import write_result
from chromseg.inference.files import page_folders
from chromseg.inference.one_picture import Verdict, predict_file
from chromseg.inference.predictor import Predictor
from chromseg.inference.result import ModelIdentity, Result
from chromseg.inference.shard import Shard


class Loader(Protocol):
    """Where workers have their model from: picklable, and with a name for it that needs no network."""

    @property
    def identity(self) -> ModelIdentity:
        """What results call it."""

    def load(self, device: str) -> Predictor:
        """The predictor, in this process."""


@dataclass(frozen=True)
class Work:
    """What is asked of every worker.

    Attributes:
        asked: How pictures are to be read.
        device: Where networks run.
        folders: The destination of one folder a picture; None where tables are written.
    """

    asked: Asked
    device: str
    folders: Path | None = None


class Segmenter:
    """A worker with its model: pictures in, outcomes out; the way of each picture is `predict_file`.

    Args:
        work: What is asked.
        loader: The model, as a reference of Ray.
        known: What earlier runs decided, as a reference of Ray: `Tables.known`.
        ledger: Of the run.
    """

    def __init__(self, work: Work, loader: Any, known: Any, ledger: Any) -> None:
        self._work, self._loader, self._ledger = work, loader, ledger
        self._known: dict[str, dict[str, PictureFacts]] = ray.get(known)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """`file`, a `PictureFile`, becomes `outcome`, a `PictureOutcome`.

        Raises:
            OutputError: The destination cannot be written; the next pictures would fail alike.
            ChromsegError: The model cannot be used here.
        """
        file, predictor = row["file"], self._predictor
        with at_work(self._ledger, file.name) as may:
            return {"outcome": self._outcome(file, predictor) if may else failed(file, _fatal(file), rule=SET_ASIDE)}

    @cached_property
    def _predictor(self) -> Predictor:
        """Loaded at the first picture: of what goes wrong before that, Ray hands on no more than a text.

        Ray replaces a worker that dies under the same name, so that the ledger sees how often this one has.
        """
        worker = ray.get_runtime_context().get_actor_id()
        with at_work(self._ledger, f"loading by {worker}") as may:
            if not may:
                raise _deadly_model()
            predictor: Predictor = ray.get(self._loader).load(self._work.device)
        if self._work.asked.strict:
            predictor.require_looks()
        return predictor

    def _outcome(self, file: PictureFile, predictor: Predictor) -> PictureOutcome:
        sha256 = ""
        try:
            content = file.read()
            sha256 = hashlib.sha256(content).hexdigest()
            before = self._before(file, sha256, predictor)
            if before:
                return self._found(file, before.outcome(file, sha256))
            verdicts = predict_file(content, predictor, self._work.asked, file.name)
            if self._work.folders is not None:
                ray.get(self._ledger.write.remote(file.name))
                self._write(file, verdicts, self._work.folders)
            return outcome_of(file, sha256, verdicts)
        except OutputError:
            raise
        except ChromsegError as error:
            return failed(file, error, sha256)
        except Exception as error:
            return failed(file, unforeseen(file.name, error), sha256)

    def _before(self, file: PictureFile, sha256: str, predictor: Predictor) -> PictureFacts | None:
        """What an earlier run found in the same bytes with the same model and options."""
        if self._work.folders is None:
            return self._known.get(file.name, {}).get(sha256)
        weights, options = predictor.identity.weights_sha256, self._work.asked.options
        kept = kept_in(self._work.folders / file.key, image_sha256=sha256, weights_sha256=weights, options=options)
        return None if kept is None else PictureFacts("done", kept.chromosomes, kept.flagged, kept.unclaimed)

    def _found(self, file: PictureFile, outcome: PictureOutcome) -> PictureOutcome:
        """A result that is there: of an earlier run, or of this one, where Ray repeats a block whose worker died."""
        if self._work.folders is not None and ray.get(self._ledger.wrote.remote(file.name)):
            return replace(outcome, status="done", known=False)
        return outcome

    def _write(self, file: PictureFile, verdicts: list[Verdict], out: Path) -> None:
        folders = page_folders(out / file.key, len(verdicts))
        name = Path(file.member or file.uri).name
        for folder, verdict in zip(folders, verdicts, strict=True):
            if isinstance(verdict.outcome, Result):
                write_result(verdict.outcome, folder, file_name=name, options=self._work.asked.options)


class Opener:
    """Opens archives, and leaves what belongs to other shares away."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def __call__(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """`file` becomes one row a picture in it; raises as `members`."""
        file: PictureFile = row["file"]
        for each in members(file):
            if self._shard.holds(each.key):
                yield {"file": each}


def _fatal(file: PictureFile) -> DataError:
    return DataError(
        f"{file.name}: {STRIKES} workers died while they worked on it",
        expected="a picture that a worker survives",
        remedy="try it alone on a machine with more memory; if it fails there too, send it to the developers",
    )


def _deadly_model() -> ModelError:
    return ModelError(
        f"{STRIKES} workers died while they loaded the model",
        expected="a model that a worker of this cluster can hold",
        remedy="ask for fewer workers at a time (--workers), or for nodes with more memory",
    )
