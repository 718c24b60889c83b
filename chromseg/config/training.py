"""How one variant is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chromseg.config.models import AnyModelConfig


@dataclass(frozen=True)
class LossConfig:
    """Mixed-Weight Focal loss (ChromSeg §II-C, eq. 1-2)."""

    lam: float = 0.7  # λ, weight of the crossing map
    alpha: float = 0.75  # α, weight of positives
    gamma: float = 1.0  # γ, focusing
    phi: float = 0.0  # φ, weight of the L2 regularisation term
    overlap: float = 0.0  # weight of a soft Jaccard term on the crossing map; 0 is the paper
    contact: float = 0.0  # weight of the contact branch
    contact_overlap: float = 0.0  # weight of a soft Jaccard term on the contact map
    gap: float = 0.0  # how much more a ground pixel between two chromosomes counts in the chromosome map


@dataclass(frozen=True)
class AugmentConfig:
    """What happens to a training sample; with all zeros nothing does."""

    rotation: float = 30.0  # degrees either way
    flip: bool = True
    scale: float = 0.0  # relative zoom either way
    intensity: float = 0.0  # strength of gain, gamma, blur and noise changes
    paste: float = 0.0  # probability of laying single chromosomes over one another into new crossings


@dataclass(frozen=True)
class OptimConfig:
    """How weights are found."""

    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = 1e-4
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = 0
    epochs: int = 50
    steps_per_epoch: int = 0  # 0: one pass over the samples
    batch_size: int = 8
    patience: int = 5  # epochs without a better validation score before stopping; 0: never
    clip_norm: float = 0.0  # 0: none
    ema: float = 0.0  # decay of the averaged weights that are validated and kept; 0: none


@dataclass(frozen=True)
class HardwareConfig:
    """How the machine is used; must not change results beyond rounding."""

    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = False
    compile: bool = False
    workers: int = 0
    checkpoint_steps: int = 0  # a checkpoint also every so many steps, for long epochs; 0: after each epoch only


@dataclass(frozen=True)
class PartitionConfig:
    """How stage 2 splits the maps; goes into the model's card."""

    algorithm: Literal["chromseg-ops", "paper"] = "chromseg-ops"
    radius: int = 10  # pixels around a crossing


@dataclass(frozen=True)
class Share:
    """How many of the training crops, as a part of 1, come from a dataset."""

    dataset: str
    share: float


@dataclass(frozen=True)
class TrainConfig:
    """One variant, complete."""

    model: AnyModelConfig
    ablation: str = ""  # what the variant changes, in words
    train_on: tuple[str, ...] = ("train",)  # splits; with "val" among them nothing is left to choose an epoch by
    init: str = ""  # folder of a model of equal architecture to start from; random weights if empty
    init_parts: tuple[str, ...] = ()  # only these parts of it, backbone and fpn say; the architecture may then differ
    judged_on: tuple[str, ...] = ()  # datasets whose cases choose and judge it; those of `evaluate` if empty
    dataset: str = ""  # train on this dataset only; on all of `prepare.datasets` if empty
    fold: int | None = None  # which of `evaluate.folds` is the test set instead of the dataset's own split
    samples: tuple[str, ...] = ("cutout",)  # kinds of sample to train on: cutout, metaphase
    crop: int = 256  # side of training crops in pixels; 0, for detectors: whole images
    loss: LossConfig = LossConfig()
    augment: AugmentConfig = AugmentConfig()
    optim: OptimConfig = OptimConfig()
    hardware: HardwareConfig = HardwareConfig()
    partition: PartitionConfig = PartitionConfig()
    instance_score: float = 0.5  # class score from which a detector hands out, unless val is left to choose it by
    chromosome_threshold: float = 0.6  # least probability of a chromosome pixel, unless val is left to choose it by
    tone: float = 0.0  # pictures are brought to this median absorbance of chromosomes; 0: none
    shares: tuple[Share, ...] = ()  # of the training crops, by dataset; none: all pictures take turns
    seams: bool = False  # seams that the contact branch finds help to part chromosomes that touch
    half_turn: bool = False  # predict the mean of the picture and the picture turned by 180°, in twice the time
