"""Results as two Parquet tables: one row a picture, one row a chromosome; hundreds of files for 100,000 pictures.

    DST/pictures/run=<id>/part-….parquet
    DST/chromosomes/run=<id>/part-….parquet

A run is a model with the options of the call. A part of the chromosomes is written before its part of the pictures, of
the same name: what has no partner was left by a driver that was killed, and is removed by the next.

A process that does nothing but write imports this file, and with it neither a network nor PyTorch.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet

from chromseg.cohort import storage
from chromseg.cohort.outcome import PictureOutcome, failed
from chromseg.cohort.sources import PictureFile
from chromseg.errors import InputRefusedError
from chromseg.inference.result import ModelIdentity
from chromseg.inference.shard import Shard

PICTURES, CHROMOSOMES = "pictures", "chromosomes"
_OF_MODEL = ("model", "model_version", "weights_sha256", "commit", "data_md5", "software")
_MODEL = [(name, pa.string()) for name in _OF_MODEL]
_OF_PICTURE = [(name, pa.string()) for name in ("source", "key", "image_sha256")]
_PAGE = pa.struct(
    [
        ("page", pa.int32()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("polarity", pa.string()),
        ("scale", pa.float32()),
        ("chromosomes", pa.int32()),
        ("flagged", pa.int32()),
        ("unclaimed", pa.int32()),  # pieces that may be chromosomes and belong to none; null where no model drew a map
        ("refused", pa.string()),
    ]
)
PICTURE_SCHEMA = pa.schema(
    [
        *_OF_PICTURE,
        ("status", pa.string()),  # done or refused; what failed stands in failures.json, and is tried again
        ("chromosomes", pa.int32()),
        ("flagged", pa.int32()),
        ("unclaimed", pa.int32()),
        ("rule", pa.string()),
        ("got", pa.string()),
        ("expected", pa.string()),
        ("remedy", pa.string()),
        ("warnings", pa.list_(pa.string())),
        ("pages", pa.list_(_PAGE)),
        *_MODEL,
        ("options", pa.string()),
    ]
)
CHROMOSOME_SCHEMA = pa.schema(
    [
        *_OF_PICTURE,
        ("page", pa.int32()),
        ("id", pa.int32()),  # in its page, from 1, as in instances.json
        ("x", pa.int32()),
        ("y", pa.int32()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("area", pa.int32()),
        ("score", pa.float32()),
        ("probability", pa.float32()),
        ("uncertainty", pa.float32()),
        ("flags", pa.list_(pa.string())),
        ("rle_counts", pa.string()),  # compressed COCO run-length encoding, with its (height, width)
        ("rle_height", pa.int32()),
        ("rle_width", pa.int32()),
        *_MODEL,
    ]
)


@dataclass(frozen=True)
class Tables:
    """The two tables of one run at one destination.

    Attributes:
        out: The destination.
        model: Which model.
        options: Of the call, as results keep them.
        shard: The share that is done; parts of different shares never meet.
        call: One call, whose work Ray may repeat; parts of different calls never meet.
    """

    out: str
    model: ModelIdentity
    options: Mapping[str, Any]
    shard: Shard
    call: str = field(default_factory=lambda: uuid4().hex)

    @property
    def run(self) -> str:
        """What the run is called: of equal weights and options, and of no others."""
        said = json.dumps([self.model.weights_sha256, dict(self.options)], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    def write(self, outcomes: Sequence[PictureOutcome]) -> list[PictureOutcome]:
        """Write one part of each table, and give the outcomes without what was written.

        The same pictures are written to the same name: work that Ray repeats replaces what it left, even where a
        picture fares otherwise this time.

        Raises:
            OutputError: A part cannot be written.
        """
        decided = [each for each in outcomes if each.status in ("done", "refused") and not each.known]
        if decided:
            name = self._part(each for each in outcomes if not each.known)
            rows = [row for each in decided for row in self._chromosomes(each)]
            self._write(CHROMOSOMES, name, pa.Table.from_pylist(rows, schema=CHROMOSOME_SCHEMA))
            rows = [self._picture(each) for each in decided]
            self._write(PICTURES, name, pa.Table.from_pylist(rows, schema=PICTURE_SCHEMA))
        return [replace(each, chromosomes=(), pages=()) for each in outcomes]

    def known(self) -> dict[str, dict[str, PictureFacts]]:
        """What is decided already: name of the picture → SHA-256 of its bytes → what was found.

        Raises:
            DataError: The destination cannot be read.
        """
        known: dict[str, dict[str, PictureFacts]] = {}
        columns = ["source", "image_sha256", *_FACTS]
        for part in storage.files_below(self._folder(PICTURES)):
            content = pa.BufferReader(storage.read(part.uri))
            # with the schema, since parts of older versions lack columns
            for row in pa.parquet.read_table(content, columns=columns, schema=PICTURE_SCHEMA).to_pylist():
                facts = PictureFacts(**{name: row[name] for name in _FACTS})
                known.setdefault(row["source"], {})[row["image_sha256"]] = facts
        return known

    def remove_unfinished(self) -> None:
        """Take away the parts of chromosomes, of this share, whose pictures were never written.

        Raises:
            DataError: The destination cannot be read.
            OutputError: They cannot be removed.
        """
        whole = {each.relative for each in storage.files_below(self._folder(PICTURES))}
        for part in storage.files_below(self._folder(CHROMOSOMES)):
            if part.relative.startswith(self._prefix) and part.relative not in whole:
                storage.remove(part.uri)

    @property
    def _prefix(self) -> str:
        return f"part-{self.shard.number}of{self.shard.of}-"

    def _part(self, outcomes: Iterable[PictureOutcome]) -> str:
        said = json.dumps([self.call, *sorted(each.file.name for each in outcomes)])
        return f"{self._prefix}{hashlib.sha256(said.encode()).hexdigest()[:16]}.parquet"

    def _folder(self, table: str) -> str:
        return storage.join(self.out, table, f"run={self.run}")

    def _write(self, table: str, name: str, rows: pa.Table) -> None:
        content = io.BytesIO()
        pa.parquet.write_table(rows, content, compression="zstd")
        storage.write(storage.join(self._folder(table), name), content.getvalue())

    def _picture(self, outcome: PictureOutcome) -> dict[str, Any]:
        return {
            **_of_picture(outcome),
            "status": outcome.status,
            "chromosomes": outcome.count,
            "flagged": outcome.flagged,
            "unclaimed": outcome.unclaimed,
            "rule": outcome.rule or None,
            **{part: getattr(outcome.error, part, None) for part in ("got", "expected", "remedy")},
            "warnings": list(outcome.warnings),
            "pages": list(outcome.pages),
            **self._model,
            "options": json.dumps(dict(self.options), sort_keys=True),
        }

    def _chromosomes(self, outcome: PictureOutcome) -> Iterable[dict[str, Any]]:
        shared = _of_picture(outcome) | self._model
        return (row | shared for row in outcome.chromosomes)

    @property
    def _model(self) -> dict[str, Any]:
        said = asdict(self.model)
        return {
            "model": said["name"],
            "model_version": said["version"],
            "weights_sha256": said["weights_sha256"],
            "commit": said["commit"],
            "data_md5": json.dumps(said["data_md5"], sort_keys=True),
            "software": said["software_version"],
        }


@dataclass(frozen=True)
class PictureFacts:
    """What a table says of a picture that was decided before."""

    status: str
    chromosomes: int
    flagged: int
    unclaimed: int | None = None
    rule: str | None = None
    got: str | None = None
    expected: str | None = None
    remedy: str | None = None

    def outcome(self, file: PictureFile, image_sha256: str) -> PictureOutcome:
        """What that is for a run that comes upon it again: skipped, or refused for the same reason."""
        if self.status == "done":
            found = (self.chromosomes, self.flagged, self.unclaimed)
            return PictureOutcome(file, "skipped", image_sha256, *found, known=True)
        reason = InputRefusedError(self.got or "", expected=self.expected or "", remedy=self.remedy or "")
        return replace(failed(file, reason, image_sha256, self.rule or ""), known=True)


class PartWriter:
    """Writes a part of the tables of what came together."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[PictureOutcome]]:
        """`outcome`, many of them, becomes the same without what was written; raises as `Tables.write`."""
        return {"outcome": self._tables.write(list(batch["outcome"]))}


_FACTS = [each.name for each in fields(PictureFacts)]


def _of_picture(outcome: PictureOutcome) -> dict[str, Any]:
    return {"source": outcome.file.name, "key": outcome.file.key, "image_sha256": outcome.image_sha256}
