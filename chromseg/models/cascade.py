"""The cascade's network: a network of maps and a detector, side by side in one module and one weights file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from chromseg.config import DetectorConfig, ModelConfig
from chromseg.models.corrector import Corrector
from chromseg.models.verifier import Verifier

EVIDENCE = ("pixels", "detector", "partition", "size", "width", "verified")  # what the rule weighs


@dataclass(frozen=True)
class CascadeRule:
    """How the better of several explanations of the same pixels is found (docs/cascade.md); goes into the model's card.

    The weights are those of a conditional logit. The defaults are round numbers, which the bundled cascade uses;
    `benchmarks/fit_cascade.py` fits others to validation cases, and they were no better (0.745 of both).

    Attributes:
        related: Two masks compete for the same chromosome if they share this part of the smaller one.
        same: Two masks are the same chromosome from this IoU on.
        reach: How far a detected mask may grow to meet the border of the chromosome map, in pixels.
        pixels: Weight of how likely the maps make the depth (0, 1, 2 or more chromosomes) of every pixel.
        detector: Weight of how well an explanation agrees with the detections, each counted by its score.
        partition: Weight of how well it agrees with the splicing of the maps, each mask counted by its confidence.
        size: Weight of how usual the areas are in this picture.
        width: Weight of how usual the widths are in this picture.
        verified: Weight of what the verifier finds the masks worth.
        doubt: Probability of being the better one below which a choice is flagged `disputed`.
        least: Least class score of a detection that is listened to; None for the detector's own threshold, as in 0.1.0.
            Where the maps are heard too, it may lie lower.
    """

    related: float = 0.25
    same: float = 0.8
    reach: float = 3.0
    pixels: float = 1.0
    detector: float = 4.0
    partition: float = 3.0
    size: float = 0.5
    width: float = 1.0
    verified: float = 0.0
    doubt: float = 0.6
    least: float | None = None


TODAY = CascadeRule(least=0.6, verified=2.0)  # the best on validation metaphases (docs/experiments/all-stains.md)


@dataclass(frozen=True)
class CascadeConfig:
    """Both networks' architectures, and the rule between them.

    Attributes:
        maps: Of the network of maps.
        detector: Of the detector.
        rule: How the better explanation is found.
        experts: By stain, a network of maps that takes the place of `maps` in pictures of that stain.
        verifier: Whether a verifier looks at every outline.
        corrector: Whether a corrector draws the chosen outlines anew.
    """

    architecture: Literal["cascade"]
    maps: ModelConfig
    detector: DetectorConfig
    rule: CascadeRule = CascadeRule()
    experts: dict[str, ModelConfig] = field(default_factory=dict)
    verifier: bool = False
    corrector: bool = False


class CascadeNetwork(nn.Module):
    """Two trained networks that are kept together; each is run by itself.

    Args:
        config: Kept as `.config`.
        maps: A network of maps.
        detector: A UCRD-Net.
        experts: As `config.experts` names them.
        verifier: None where the configuration says so.
        corrector: Likewise.
    """

    def __init__(
        self,
        config: CascadeConfig,
        maps: nn.Module,
        detector: nn.Module,
        experts: Mapping[str, nn.Module] | None = None,
        verifier: Verifier | None = None,
        corrector: Corrector | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.maps = maps
        self.detector = detector
        self.experts = nn.ModuleDict(experts)
        self.verifier = verifier
        self.corrector = corrector
