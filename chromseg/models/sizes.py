"""Counting parameters, and making two architectures equal in them, as ChromSeg compares (§II-B, Table II)."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left

import torch

from chromseg.config import ModelConfig
from chromseg.models import build_model
from chromseg.models.blocks import level_widths

_WIDEST = 1024


def count_parameters(config: ModelConfig) -> int:
    """Trainable parameters of the network of `config`, without making its weights."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_model(config).parameters())


def match_parameters(config: ModelConfig, target: int) -> ModelConfig:
    """`config` with the width, and the cap on deep levels, that bring its parameter count closest to `target`.

    Whole channels make a coarse step in all levels at once, so the first width that is large enough is taken and then
    only its deepest levels are narrowed. Within 5 % for networks of 10,000 parameters and more.

    Args:
        config: The network to resize, say a U-Net; depth and growth stay.
        target: Parameters wanted, say `count_parameters` of the region-guided UNet++.
    """
    widths = range(1, _WIDEST)
    width = widths[bisect_left(widths, target, key=lambda width: count_parameters(_capped(config, width)))]
    caps = range(width, max(level_widths(_capped(config, width))) + 1)
    cap = bisect_left(caps, target, key=lambda cap: count_parameters(_capped(config, width, cap)))
    around = [_capped(config, width, caps[i]) for i in (cap - 1, cap) if 0 <= i < len(caps)]
    return min(around, key=lambda candidate: abs(count_parameters(candidate) - target))


def _capped(config: ModelConfig, width: int, cap: int = 2**30) -> ModelConfig:
    return dataclasses.replace(config, width=width, max_width=cap)
