"""The networks of all families, and what can be switched on in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
    anchors: Literal["default", "paper", "auto", "coverage"] = "default"  # auto: quantiles of the training set's boxes;
    # coverage: those that leave the fewest of them without an anchor
    anchor_sizes: tuple[tuple[float, ...], ...] = ()  # if fitted: per level, square roots of areas in pixels
    anchor_ratios: tuple[float, ...] = ()  # if fitted: height / width
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
    uncertainty_training: Literal["joint", "detached", "tempered"] = (
        "joint"  # UC: eq. 5 moves all; σ alone; or all, but
    )
    # less where σ is small
    ranking: Literal["corrected", "damped"] = "corrected"  # UC: eq. 11; or class score · exp(−κη), which has a range
    correction: float = 0.3  # UC: λ of eq. 11
    damping: float = 3.0  # UC: κ
    voting: float = 0.0  # UC: τ, how far a box's neighbours move it, by their variance; 0: not at all
    region: Literal["none", "decomposed", "learned", "aligned", "context"] = (
        "none"  # RD: as printed; sub-regions that each
    )
    # RoI chooses; put back to their places; as context that every cell asks
    region_scale: float = 0.6  # RD: s
    mask_width: int = 256
    mask_convolutions: int = 4
    mask_samples: int = 128  # boxes per image that the mask head trains on
    mask_boxes: Literal["proposals", "refined"] = "proposals"  # refined: boxes as they are when masks are drawn
    crossing_first: bool = False  # half of them, where there are so many, are of chromosomes that cross another
    mask_head: Literal["plain", "fused", "box-aware", "conditional"] = (
        "plain"  # what of its box a cell knows: nothing; a
    )
    # view of it; also where in it it lies; filters that the box chooses
    mask_others: bool = False  # a second layer for the other chromosomes in the box, which the first one reads
    mask_detail: int = 0  # channels of features at half the picture's size that join the mask; 0: none
    mask_scoring: bool = False  # Mask Scoring R-CNN: the score is multiplied by a predicted mask IoU
    mask_from_boxes: float = 0.0  # BoxInst: weight of the losses by which images with boxes alone train masks
    mask_edges: bool = False  # ESNet: a loss on the mask's edges
    mask_stages: int = 1  # HTC: mask heads in turn, each on the boxes of its stage of `cascade`
    semantic: bool = False  # HTC: maps of the whole image, whose features all boxes read
    cascade: tuple[float, ...] = ()  # Cascade R-CNN: IoU at which each further stage of the box head is trained
    bottom_up: bool = False  # PANet: a path up after the FPN
    all_levels: bool = False  # PANet: boxes are read from all levels
    counting: bool = False  # AS-PANet: how many chromosomes lie in a box
    box_scoring: bool = False  # RC-Net: the score is multiplied by a predicted box IoU
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


@dataclass(frozen=True)
class KaryotypeConfig:
    """A small network that names straightened chromosomes and says which end is up."""

    architecture: Literal["karyotype"]
    width: int = 32  # channels of the first level; twice and four times as many on the next two
    blocks: int = 2  # residual blocks a level
    dropout: float = 0.3  # before the last layer
    classes: int = 24


AnyModelConfig = ModelConfig | DetectorConfig | ClassifierConfig | KaryotypeConfig
