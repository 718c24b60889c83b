"""What is learnt of samples while they stream by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from training_job import crossed

from chromseg.images.appearance import estimate_width
from chromseg.training.survey import Survey


def fingerprint(*samples: object) -> str:
    survey = Survey()
    assert [sample.name for sample in survey.watch(samples)] == [sample.name for sample in samples]  # type: ignore[arg-type, attr-defined]
    return survey.fingerprint


def test_fingerprint_follows_everything_that_training_sees() -> None:
    sample = crossed("a")
    assert fingerprint(sample) == fingerprint(crossed("a"))
    other_image, other_map = sample.image.copy(), sample.crossing.copy()
    other_image[3, 5] += 0.001
    other_map[3, 5] ^= True
    changed = [
        (crossed("b"),),
        (sample, sample),
        (replace(sample, image=other_image),),
        (replace(sample, crossing=other_map),),
        (replace(sample, chromosome=other_map),),
    ]
    assert len({fingerprint(sample), *(fingerprint(*samples) for samples in changed)}) == 6


def test_sizes_are_medians() -> None:
    survey = Survey()
    samples = [crossed("a"), crossed("b", 4), crossed("c", 8)]
    list(survey.watch(samples))
    areas = [int(mask.sum()) for sample in samples for mask in sample.masks]
    assert survey.median_area == np.median(areas)
    assert survey.median_width == np.median([estimate_width(sample.image) for sample in samples])


def test_nothing_seen_nothing_known() -> None:
    survey = Survey()
    blank = np.zeros((8, 8), dtype=bool)
    sample = replace(crossed("a"), image=blank.astype(np.float32), masks=None, crossing=blank, chromosome=blank)
    list(survey.watch([sample]))
    assert survey.median_area is None
    assert survey.median_width is None
