"""One model judged on test samples: every score of it, overall and slice by slice (contract §5)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from chromseg.annotations.index import dataset_of_case
from chromseg.annotations.samples import Sample
from chromseg.errors import DataError
from chromseg.evaluation.detections import judge_image
from chromseg.evaluation.judging import CutoutCase, as_coarse_as, judge_cutout
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.predictor import Predictor
from chromseg.metrics import CutoutScore, InstanceScore, slice_labels, stain_slices, summarize, summarize_slices

_TIMED = 10


@dataclass(frozen=True)
class Judged:
    """What came of it.

    Attributes:
        cases: Each cut-out with what was found in it.
        metaphases: A score for each whole image.
        metrics: By key of contract §4.
        slices: The same of parts of the test set, `test/slice/<by>/<value>/<metric>`.
    """

    cases: tuple[tuple[Sample, CutoutCase], ...]
    metaphases: tuple[InstanceScore, ...]
    metrics: dict[str, float | None]
    slices: dict[str, float | None]

    @property
    def cutouts(self) -> list[CutoutScore]:
        """A score for each cut-out."""
        return [case.score for _, case in self.cases]


def judge_samples(
    predictor: Predictor, cutouts: Iterable[Sample], metaphases: Iterable[Sample], stains: Mapping[str, str]
) -> Judged | None:
    """Judge a model on cut-outs and on whole images, which are read one after another.

    Args:
        predictor: The model.
        cutouts: Crossing clusters alone.
        metaphases: Whole images.
        stains: Stain of each dataset that has samples among them.

    Returns:
        None if there is no sample at all.

    Raises:
        DataError: The outlines of a sample are derived, which no score of masks may rest on.
    """
    cases, cut = [], None
    for sample in _traced(cutouts):
        cut = cut or sample
        cases.append(judged_cutout(predictor, sample))
    whole, first = [], None
    for sample in _traced(metaphases):
        first = first or sample
        whole.append(judge_image(predictor, sample))
    timed = first if first and (isinstance(predictor, InstancePredictor) or cut is None) else cut
    if timed is None:
        return None
    scores = [case.score for _, case in cases]
    looks = [stains[dataset_of_case(image.case_id)] for image in whole]
    labels = [slice_labels(sample.masks, stains[sample.dataset]) for sample, _ in cases]
    return Judged(
        tuple(cases),
        tuple(whole),
        summarize(scores, whole) | {"perf/infer_ms_per_image": infer_ms(predictor, timed)},
        summarize_slices(scores, labels) | stain_slices(whole, looks),
    )


def _traced(samples: Iterable[Sample]) -> Iterator[Sample]:
    """The samples, as long as their outlines are no program's work."""
    for sample in samples:
        if sample.derived:
            raise DataError(
                f"sample {sample.name} with outlines that a program derived",
                expected="traced, drawn or laid ones, which alone may enter a score",
                remedy="judge on another set; of these pictures only the annotator's boxes are known",
            )
        yield sample


def judged_cutout(predictor: Predictor, sample: Sample) -> tuple[Sample, CutoutCase]:
    """A cut-out at the size of the answer, as it was judged, and what was found in it."""
    case = judge_cutout(predictor, sample)
    return as_coarse_as(case.masks.shape[1:], sample), case


def infer_ms(predictor: Predictor, sample: Sample) -> float:
    """Milliseconds of the network on one sample, median of ten after a warm-up."""
    times = []
    for _ in range(_TIMED + 2):
        start = time.perf_counter()
        predictor.infer(sample.image)
        if predictor.device != "cpu":
            torch.cuda.synchronize()  # a GPU answers before it has finished
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times[2:]))
