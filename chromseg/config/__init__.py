"""Configuration: frozen dataclasses read from `params.yaml`."""

from chromseg.config.models import AnyModelConfig, ClassifierConfig, DetectorConfig, KaryotypeConfig, ModelConfig
from chromseg.config.params import block, merge, parse_model, read_params, variant_config
from chromseg.config.parsing import parse
from chromseg.config.stages import CompareConfig, EvaluateConfig, PrepareConfig
from chromseg.config.training import (
    AugmentConfig,
    HardwareConfig,
    LossConfig,
    OptimConfig,
    PartitionConfig,
    Share,
    TrainConfig,
)

__all__ = [
    "AnyModelConfig",
    "AugmentConfig",
    "ClassifierConfig",
    "CompareConfig",
    "DetectorConfig",
    "EvaluateConfig",
    "HardwareConfig",
    "KaryotypeConfig",
    "LossConfig",
    "ModelConfig",
    "OptimConfig",
    "PartitionConfig",
    "PrepareConfig",
    "Share",
    "TrainConfig",
    "block",
    "merge",
    "parse",
    "parse_model",
    "read_params",
    "variant_config",
]
