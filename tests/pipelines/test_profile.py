"""What the stages share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from chromseg.config import HardwareConfig, ModelConfig, TrainConfig
from pipelines.profile import Profile


def test_each_setting_has_a_checkpoint_of_its_own(project: Path) -> None:
    params = {"prepare": {"datasets": ["sample"]}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    config = TrainConfig(model=ModelConfig("unet"))
    own = Profile().checkpoint("unet", 0, config)
    assert own.parent == project / "mlruns/checkpoints/default" and own.name.startswith("unet-0-")
    assert Profile().checkpoint("unet", 0, replace(config, crop=48)) != own
    assert Profile().checkpoint("unet", 0, replace(config, hardware=HardwareConfig(compile=True))) == own
    Path("params.yaml").write_text(yaml.safe_dump({"prepare": {"datasets": ["sample", "more"]}}))
    assert Profile().checkpoint("unet", 0, config) != own
