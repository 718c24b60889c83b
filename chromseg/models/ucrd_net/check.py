"""Whether a `DetectorConfig` describes a network."""

from __future__ import annotations

from chromseg.config import DetectorConfig
from chromseg.errors import ConfigError


def check_config(config: DetectorConfig) -> None:
    """Refuse values that no network can be built from, or that mean nothing.

    Raises:
        ConfigError: Naming the value. Anchors are checked by `resolve_anchors`.
    """
    levels, deepest = config.levels, config.deepest
    ascending = levels and list(levels) == list(range(levels[0], levels[-1] + 1))
    rules = (
        (bool(ascending) and levels[0] >= 2 and levels[-1] <= 6, "levels", "ascending levels within 2–6, without gaps"),
        (2 <= deepest <= 5, "deepest", "2 to 5"),
        (not levels or min(levels[-1], 5) <= deepest, "deepest", f"at least the last of the levels {levels}"),
        (config.norm == "batch" or bool(config.weights), "norm", "batch, without weights whose norms could be kept"),
        (0 < config.region_scale <= 1, "region_scale", "above 0, at most 1"),
        (0 <= config.correction <= 1, "correction", "0 to 1"),
        (all(0 < iou < 1 for iou in config.cascade), "cascade", "IoUs above 0 and below 1"),
        (
            1 <= config.mask_stages <= 1 + len(config.cascade),
            "mask_stages",
            f"1 to {1 + len(config.cascade)}, as many as stages of boxes",
        ),
        (config.mask_from_boxes >= 0, "mask_from_boxes", "at least 0"),
        (config.damping >= 0, "damping", "at least 0"),
        (config.voting >= 0, "voting", "at least 0"),
        (0 < config.nms_iou <= 1, "nms_iou", "above 0, at most 1"),
        (0 < config.rpn_nms_iou <= 1, "rpn_nms_iou", "above 0, at most 1"),
        (config.zoom > 0, "zoom", "above 0"),
        (0 <= config.score_min < 1, "score_min", "0 to below 1"),
        (len(config.rpn_candidates) == 2 and min(config.rpn_candidates) > 0, "rpn_candidates", "two numbers above 0"),
        (len(config.rpn_proposals) == 2 and min(config.rpn_proposals) > 0, "rpn_proposals", "two numbers above 0"),
        *((getattr(config, name) >= 1, name, "at least 1") for name in _COUNTS),
        *((getattr(config, name) >= 0, name, "at least 0") for name in _SIZES),
    )
    for right, name, expected in rules:
        if not right:
            raise ConfigError(
                f"`model.{name}` is {getattr(config, name)!r}", expected=expected, remedy="correct the params file"
            )


_COUNTS = (
    "fpn_width",
    "rpn_samples",
    "head_width",
    "box_samples",
    "mask_width",
    "mask_samples",
    "detections",
    "classes",
)
_SIZES = ("mask_convolutions", "mask_detail", "min_size", "max_size")
