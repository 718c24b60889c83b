"""What is still allowed: the numbers behind the rules, as frozen blocks that params.yaml and model.json can hold."""

from __future__ import annotations

from dataclasses import dataclass

from chromseg.annotations.copies import LOOK_ALIKE


@dataclass(frozen=True)
class ImageLimits:
    """Limits of one image's facts (`facts.image_facts`), fitted so that all 1,311 images of the real sets pass."""

    max_megapixels: float = 100.0
    min_side: int = 12  # px; the smallest real cut-out of a single chromosome has 15
    depths: tuple[int, ...] = (8, 12, 16, 32)  # bits; 32 is float
    min_contrast: float = 0.05  # of full scale; real sets 0.24 and more, sensor noise alone 0.03
    min_contrast_to_noise: float = 3.0  # real sets 7.7 and more, noise alone about 1
    soft_foreground: float = 0.95  # above: no ground to compare with, a warning; a tight single reaches 0.93
    max_clipped: float = 0.5  # of the foreground; real sets up to 0.26, a drawn mask 1.0
    max_objects: int = 600  # regions that stand out; real sets up to 408 with all debris, a page of text thousands
    soft_fineness: float = 0.09  # above: a warning; judged where edges are wider than 3.5 px
    max_fineness: float = 0.12  # above: refused; judged where edges are wider than 6 px (docs/decisions.md)
    max_colour_spread: float = 0.03  # of full scale; real sets up to 0.01, photographs 0.04 and more


@dataclass(frozen=True)
class DatasetLimits:
    """Limits of an annotated dataset."""

    image: ImageLimits = ImageLimits(depths=(8, 12, 16))
    box_tolerance: float = 2.0  # px outside the image: up to here a warning, beyond critical
    mask_tolerance: float = 2.0  # px that a polygon may leave the image by: same
    min_box_side: float = 3.0  # px
    soft_area_ratios: tuple[float, ...] = (0.04, 12.0)  # of the set's median mask area; outside: a warning
    area_ratios: tuple[float, ...] = (0.02, 30.0)  # outside: critical
    look_alike: float = LOOK_ALIKE  # correlation of 32×32 thumbnails of two pictures that is no chance


@dataclass(frozen=True)
class ResultLimits:
    """Limits of what a prediction looks like as a whole: warnings, but for `most_instances`, which refuses."""

    min_instances: int = 1
    max_instances: int = 60  # a human metaphase has 46
    most_instances: int = 200  # a near-tetraploid one has 92 and more, a near-hexaploid one 138
    max_review_share: float = 0.3  # of the instances, flagged for review
    min_median_ratio: float = 0.4  # of the model's median chromosome area
    max_median_ratio: float = 2.5
    max_odd_share: float = 0.2  # of the instances, smaller than 1/10 or larger than 6 × the model's median area
    min_coverage: float = 0.85  # of the chromosome map, covered by instances
    most_strange: float = 1.0  # distance from the nearest known stain, in units of what its own pictures keep


@dataclass(frozen=True)
class ValidateConfig:
    """The block `validate` of params.yaml."""

    datasets: tuple[str, ...]  # names below data/
    limits: DatasetLimits = DatasetLimits()
