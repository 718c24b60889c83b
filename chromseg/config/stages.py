"""What the stages beside training need to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PrepareConfig:
    """How datasets become samples."""

    datasets: tuple[str, ...]
    kinds: tuple[str, ...] = ("cutout", "metaphase")
    cutout_size: int = 256  # px of the picture
    cutout_splits: tuple[str, ...] = ("train", "val", "test")  # whose crossing clusters become cut-outs
    width: float = 0.0  # pictures are brought to chromosomes so many pixels wide, as estimated; 0: as they are


@dataclass(frozen=True)
class EvaluateConfig:
    """What a trained variant is judged on."""

    dataset: str  # whose test cases; the others of `prepare` only train
    also: tuple[str, ...] = ()  # and whose, of other stains: validation and test are then of all of them
    looks: tuple[str, ...] = ()  # whose pictures, outlined or not, show how stains look; those that judge if none
    experiment: str = "chromseg"
    cutouts: int = 0  # of each dataset at most so many cut-outs judge, evenly spread; 0: all
    folds: int = 5  # how many parts `train.*.fold` counts in
    studies: bool = False  # also what a detector's validation scores are with other λ and other suppression

    @property
    def datasets(self) -> tuple[str, ...]:
        """All whose cases validate and test."""
        return (self.dataset, *self.also)


@dataclass(frozen=True)
class CompareConfig:
    """What the ablation table compares."""

    baseline: str  # the variant that differences are taken to
    gallery: str  # the variant whose pictures are shown
    cut_points: bool = False  # also the cut-point geometry, which is not trained (ChromSeg Table II)
