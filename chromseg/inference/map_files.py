"""The work of `partition` on one pair of map files: read, splice, write."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import chromseg
from chromseg.arrays import F32, Bool
from chromseg.config import PartitionConfig
from chromseg.errors import DataError, MaskError
from chromseg.files import sha256
from chromseg.images.absorbance import to_absorbance
from chromseg.images.appearance import estimate_polarity
from chromseg.images.pictures import read_picture
from chromseg.inference.batch import Job, Outcome, done_before, jobs_at
from chromseg.inference.exports import write_result
from chromseg.inference.files import warnings_of
from chromseg.inference.result import ModelIdentity, Result, instance_of
from chromseg.partition import partition_crossings
from chromseg.validation import check_result

_CHROMOSOME, _CROSSING, _IMAGE = "chromosome_", "crossing_", "image_"
_BETWEEN = 0.25  # share of a map's pixels that borders smoothed by resizing may make neither dark nor light
_MOSTLY = 0.5  # share of a crossing map that must lie on chromosomes for the two files to belong together


def plan_maps(folder: Path, out: Path) -> list[Job]:
    """One job per `chromosome_*.png` of a folder or of the folders below it.

    Raises:
        DataError: There is none, or one without its `crossing_*.png`, or two would share one folder.
    """
    found = sorted(path for path in folder.rglob(f"{_CHROMOSOME}*.png") if not path.is_relative_to(out))
    if not found:
        raise DataError(
            f"{folder} holds no {_CHROMOSOME}*.png",
            expected=f"pairs {_CHROMOSOME}NAME.png and {_CROSSING}NAME.png",
            remedy="check the folder and the names",
        )
    alone = [path.name for path in found if not _beside(path, _CROSSING).is_file()]
    if alone:
        raise DataError(
            f"{', '.join(alone[:5])} without a crossing map",
            expected=f"{_CROSSING}NAME.png beside each {_CHROMOSOME}NAME.png",
            remedy="add the missing files or take these out",
        )
    return jobs_at(((path, path.parent.relative_to(folder) / _name(path)) for path in found), out)


@dataclass(frozen=True)
class MapWorker:
    """Splices one pair of maps after another."""

    config: PartitionConfig

    def __call__(self, job: Job) -> Outcome:
        """Do one pair.

        Raises:
            InputRefusedError: A file cannot be read.
            MaskError: The files differ in size, or do not belong together.
            OutputError: The result cannot be written.
        """
        crossing_path, image_path = _beside(job.source, _CROSSING), _beside(job.source, _IMAGE)
        options: dict[str, Any] = {"crossing_sha256": sha256(crossing_path), **asdict(self.config)}
        if image_path.is_file():
            options["picture_sha256"] = sha256(image_path)
        before = done_before(job, weights_sha256=None, options=options)
        if before:
            return before
        chromosome, crossing = _read_map(job.source), _read_map(crossing_path)
        crossing = _fitting(chromosome, crossing, crossing_path)
        image, polarity = _read_image(image_path, chromosome.shape) if image_path.is_file() else (None, None)
        partition = partition_crossings(chromosome, crossing, image, **asdict(self.config))
        shown = chromosome.astype(np.float32) if image is None else image
        instances = tuple(
            instance_of(mask, shown, confidence, flags, None)
            for mask, flags, confidence in zip(partition.masks, partition.flags, partition.confidence, strict=True)
        )
        result = Result(
            instances=instances,
            absorbance=shown,
            polarity=polarity or "dark-on-light",
            scale=1.0,
            validation={"result": check_result(instances, chromosome, name=job.source.as_posix()).to_json()},
            model=ModelIdentity("crossing-partition", None, None, {}, None, asdict(self.config), chromseg.__version__),
            image_sha256=sha256(job.source),
        )
        write_result(result, job.folder, file_name=job.source.name, options=options)
        review = sum(bool(flags) for flags in partition.flags)
        return Outcome(job, "done", len(instances), review, tuple(warnings_of(result.validation)))


def _read_map(path: Path) -> Bool:
    """A map bool (H, W): of two grey levels the lighter is true, of more those from the middle of the scale up.

    Raises:
        InputRefusedError: It cannot be read.
        MaskError: Much of it is neither dark nor light: a picture, not a map.
    """
    grey = read_picture(path).pages[0].grey
    levels = np.unique(grey)
    if len(levels) <= 2:
        return np.asarray(grey > 0)
    between = np.mean((grey >= 64) & (grey < 192))
    if between > _BETWEEN:
        raise MaskError(
            f"{path} is grey in {between:.0%} of its pixels",
            expected=f"a map: black and white, at most {_BETWEEN:.0%} between (smoothed borders)",
            remedy=f"export the map; the picture itself is named {_IMAGE}NAME.png",
        )
    return np.asarray(grey >= 128)


def _fitting(chromosome: Bool, crossing: Bool, path: Path) -> Bool:
    """The crossing map where it lies on chromosomes.

    Predicted maps disagree by a few pixels at borders; where most of the crossings lie off the chromosomes the files
    do not belong together.
    """
    if chromosome.shape != crossing.shape:
        raise MaskError(
            f"{path} has {crossing.shape[1]}×{crossing.shape[0]} pixels",
            expected=f"{chromosome.shape[1]}×{chromosome.shape[0]}, as its chromosome map has",
            remedy="export both maps of one picture at one size",
        )
    both = chromosome & crossing
    if crossing.any() and both.sum() < _MOSTLY * crossing.sum():
        raise MaskError(
            f"{path} marks crossings off the chromosomes ({1 - both.sum() / crossing.sum():.0%} of them)",
            expected="crossings on chromosomes",
            remedy="check that the two maps belong to one picture and are not swapped",
        )
    return both


def _read_image(path: Path, shape: tuple[int, ...]) -> tuple[F32, Any]:
    grey = read_picture(path).pages[0].grey
    if grey.shape != shape:
        raise MaskError(
            f"{path} has {grey.shape[1]}×{grey.shape[0]} pixels",
            expected=f"{shape[1]}×{shape[0]}, as its maps have",
            remedy="export picture and maps at one size",
        )
    polarity = estimate_polarity(grey)
    return to_absorbance(grey, polarity), polarity


def _name(path: Path) -> str:
    return path.stem.removeprefix(_CHROMOSOME)


def _beside(path: Path, prefix: str) -> Path:
    return path.with_name(prefix + path.name.removeprefix(_CHROMOSOME))
