"""Configuration: frozen dataclasses read from `params.yaml`; an unknown or missing key is an error that names it.

`params.yaml` has one block a stage. `train.base` is what all variants share; `train.variants.<name>` what one changes.
"""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from chromseg.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True)
class ModelConfig:
    """The network of one variant; `architecture` is a key of `chromseg.models.MODELS`."""

    architecture: str
    depth: int = 4  # levels below the first; UNet++ nodes x_i_j with i + j <= depth
    width: int = 16  # channels of the first level
    growth: float = 2.0  # channels of level i: round(width * growth**i), at most max_width
    max_width: int = 128
    deep_supervision: bool = True
    contact: bool = False  # a third branch: seams where two chromosomes touch without crossing
    chromosome_level: int = 2  # the chromosome branch of region-guided-unetpp reads x_0_1 … x_0_<this>
    fine: int = 1  # the picture is so many times finer than the maps: its pixels become channels (space to depth)
    squeeze: bool = False  # a 1×1 convolution narrows what arrives at a node: half the work, not in the paper


@dataclass(frozen=True)
class DetectorConfig:
    """UCRD-Net, each of its modules switched on by itself; the defaults are its baseline, Mask R-CNN."""

    architecture: Literal["ucrd-net"]
    backbone: Literal["resnet101", "resnet50", "resnet18", "efficientnet-lite0"] = "resnet101"
    weights: str = ""  # of the backbone at the start: "" random, "imagenet", torchvision's name, or a file
    norm: Literal["batch", "frozen"] = "batch"  # frozen: batch norms stay those of `weights`
    levels: tuple[int, ...] = (2, 3, 4, 5, 6)  # FPN levels with an output; FE: (2, 3)
    deepest: int = 5  # the last stage of the backbone that the FPN reads, C5; a shallower one makes a smaller network
    anchors: Literal["default", "paper", "auto"] = "default"  # auto: from the boxes of the training set
    anchor_sizes: tuple[tuple[float, ...], ...] = ()  # with auto: per level, square roots of areas in pixels
    anchor_ratios: tuple[float, ...] = ()  # with auto: height / width
    fpn_width: int = 256
    head_norm: Literal["none", "group"] = "none"  # group norm after the convolutions of FPN and heads
    rpn_candidates: tuple[int, int] = (2000, 2000)  # of each level, in training and in detection; a large chromosome
    # alone has dozens, so that too few of them leave others without any
    rpn_proposals: tuple[int, int] = (2000, 1000)  # kept of them per image once duplicates are dropped, likewise
    rpn_samples: int = 256  # anchors per image that the RPN trains on
    rpn_nms_iou: float = 0.7  # largest IoU of two proposals of one level
    box_head: Literal["two-fc", "double"] = "two-fc"  # double: two fc layers for class, two convolutions for boxes (UC)
    head_width: int = 1024
    box_samples: int = 512  # proposals per image that the box head trains on
    uncertainty: bool = False  # UC: σ of each box coordinate, Gaussian likelihood, corrected score
    correction: float = 0.3  # UC: λ of eq. 11
    region: Literal["none", "decomposed", "learned"] = "none"  # RD; learned: sub-regions that each RoI chooses
    region_scale: float = 0.6  # RD: s
    mask_width: int = 256
    mask_convolutions: int = 4
    mask_samples: int = 128  # proposals per image that the mask head trains on
    mask_scoring: bool = False  # Mask Scoring R-CNN: the score is multiplied by a predicted mask IoU
    zoom: float = 1.0  # images are enlarged by this, so that small chromosomes cover more cells of the features
    min_size: int = 0  # or scaled to this short side; 0: by `zoom`
    max_size: int = 0  # … unless their long side would exceed this; 0: no limit
    nms: Literal["box", "soft", "mask"] = "box"
    nms_iou: float = 0.5
    score_min: float = 0.05  # class score below which nothing is detected
    detections: int = 500  # per image at most
    classes: int = 1  # kinds of chromosome, background not counted


@dataclass(frozen=True)
class ClassifierConfig:
    """A backbone with one linear layer, which names single chromosomes; what pre-training trains."""

    architecture: Literal["classifier"]
    backbone: Literal["resnet101", "resnet50", "resnet18", "efficientnet-lite0"] = "resnet101"
    weights: str = ""  # as in DetectorConfig
    deepest: int = 5  # as in DetectorConfig; the linear layer reads this level
    classes: int = 24


AnyModelConfig = ModelConfig | DetectorConfig | ClassifierConfig


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
    """What happens to a training sample; all zeros is none."""

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
    tone: float = 0.0  # for a network of maps, pictures are brought to this median absorbance of chromosomes; 0: none
    shares: tuple[Share, ...] = ()  # of the training crops, by dataset; none: all pictures take turns
    half_turn: bool = False  # predict the mean of the picture and the picture turned by 180°, in twice the time


@dataclass(frozen=True)
class PrepareConfig:
    """How datasets become samples."""

    datasets: tuple[str, ...]
    kinds: tuple[str, ...] = ("cutout", "metaphase")
    cutout_size: int = 256
    width: float = 0.0  # pictures are brought to chromosomes so many pixels wide, as estimated; 0: as they are


@dataclass(frozen=True)
class EvaluateConfig:
    """What a trained variant is judged on."""

    dataset: str  # whose test cases; the others of `prepare` only train
    experiment: str = "chromseg"
    folds: int = 5  # how many parts `train.*.fold` counts in
    studies: bool = False  # also what a detector's validation scores are with other λ and other suppression


@dataclass(frozen=True)
class CompareConfig:
    """What the ablation table compares."""

    baseline: str  # the variant that differences are taken to
    gallery: str  # the variant whose pictures are shown
    cut_points: bool = False  # also the cut-point geometry, which is not trained (ChromSeg Table II)


def read_params(path: Path) -> dict[str, Any]:
    """Read a params file as a mapping.

    Raises:
        ConfigError: It is missing or not a YAML mapping.
    """
    try:
        params = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no {path}", expected="a params file", remedy="run from the project's top folder") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {error}", expected="valid YAML", remedy="correct the file") from error
    if not isinstance(params, dict):
        raise ConfigError(f"{path} without named blocks", expected="one block a stage", remedy="correct the file")
    return params


def block(params: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The block at `keys`, say `block(params, "train", "variants", "unet")`.

    Raises:
        ConfigError: A key is absent; the message lists those present.
    """
    found: Any = params
    for depth, key in enumerate(keys):
        if not isinstance(found, dict) or key not in found:
            present = ", ".join(found) if isinstance(found, dict) else "nothing"
            raise ConfigError(
                f"no `{'.'.join(keys[: depth + 1])}` in the params file",
                expected=f"one of: {present}",
                remedy="correct the name or add the block",
            )
        found = found[key]
    return dict(found or {})


def variant_config(params: dict[str, Any], variant: str, stage: str = "train") -> TrainConfig:
    """The full configuration of one variant: `base` of the stage's block with the variant's own values over it.

    The model block of a variant of another family than the base's stands alone, since the two share no keys.
    """
    base, over = block(params, stage, "base"), block(params, stage, "variants", variant)
    values = merge(base, over)
    kinds = typing.get_args(AnyModelConfig)
    if "architecture" in over.get("model", {}) and _family(kinds, over["model"]) != _family(kinds, base.get("model")):
        values["model"] = over["model"]
    return parse(TrainConfig, values)


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid over it, nested blocks key by key."""
    merged = dict(base)
    for key, value in over.items():
        both_blocks = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = merge(base[key], value) if both_blocks else value
    return merged


def parse(kind: type[T], values: Any, where: str = "") -> T:
    """Build a config dataclass from plain YAML values, checking every key and type.

    Raises:
        ConfigError: A key is unknown or missing, or a value is of the wrong kind; the message has its full name.
    """
    where = where or kind.__name__
    if not isinstance(values, dict):
        raise ConfigError(
            f"{where} is {values!r}", expected="a block of named values", remedy="correct the params file"
        )
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    unknown = values.keys() - known.keys()
    if unknown:
        raise ConfigError(
            f"unknown key `{where}.{min(unknown)}`",
            expected=f"one of {', '.join(known)}",
            remedy="correct the params file",
        )
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(
                f"no `{where}.{name}`",
                expected=f"a {_readable(hints[name])}",
                remedy="add it to the params file",
            )
    return kind(**{name: _convert(hints[name], value, f"{where}.{name}") for name, value in values.items()})


def parse_model(values: Any, where: str) -> AnyModelConfig:
    """The model block of any family, told apart by its `architecture`.

    Raises:
        ConfigError: As `parse`.
    """
    config: AnyModelConfig = parse(_family(typing.get_args(AnyModelConfig), values), values, where)
    return config


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if is_dataclass(hint):
        return parse(hint, value, where)  # type: ignore[arg-type]
    if origin is Literal and value in typing.get_args(hint):
        return value
    if origin is tuple and isinstance(value, list | tuple):
        inner = typing.get_args(hint)[0]
        return tuple(_convert(inner, item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in typing.get_args(hint):
            return None
        if all(is_dataclass(arg) for arg in typing.get_args(hint)):
            return parse(_family(typing.get_args(hint), value), value, where)
        return _convert(next(arg for arg in typing.get_args(hint) if arg is not type(None)), value, where)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    raise ConfigError(f"`{where}` is {value!r}", expected=_readable(hint), remedy="correct the params file")


def _family(kinds: tuple[Any, ...], values: Any) -> Any:
    """Which of several model dataclasses `values` are of: the one that names their architecture, else the first."""
    architecture = values.get("architecture") if isinstance(values, dict) else None
    named = (kind for kind in kinds if architecture in typing.get_args(typing.get_type_hints(kind)["architecture"]))
    return next(named, kinds[0])


def _readable(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(hint)))
    return str(getattr(hint, "__name__", hint))
