"""The network a training begins with: random weights, or another model's, all of them or those of some parts."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from chromseg.config import TrainConfig
from chromseg.errors import ConfigError
from chromseg.models import build_model
from chromseg.models.package import load_model


def initial_network(config: TrainConfig) -> nn.Module:
    """Random weights, or those of the model that `config.init` names; with `config.init_parts`, of these parts alone.

    Raises:
        ConfigError: That model is of another architecture; it or the variant lacks one of the parts; a part's weights
            are of other shapes; or parts are named of no model.
        ModelError: There is no such model.
    """
    if not config.init:
        if config.init_parts:
            raise ConfigError(
                f"`init_parts` {list(config.init_parts)} of no model",
                expected="`init`, the folder of the model whose parts they are",
                remedy="name it, or leave `init_parts` out",
            )
        return build_model(config.model)
    source, card = load_model(Path(config.init))
    if config.init_parts:
        network = build_model(config.model)
        for part in config.init_parts:
            _take_over(network, source, part, config.init)
        return network
    if card.architecture != config.model:
        raise ConfigError(
            f"`init` names a model of {card.architecture}",
            expected=f"{config.model}",
            remedy="use equal `model` blocks, or name the parts to be taken over as `init_parts`",
        )
    return source.train()


def _take_over(network: nn.Module, source: nn.Module, part: str, init: str) -> None:
    """Fill a part with what the source has of it; what it lacks, a further level of the FPN say, stays as drawn."""
    own, others = (dict(each.named_children()).get(part) for each in (network, source))
    if own is None or others is None:
        named = [name for name, _ in (source if own is not None else network).named_children()]
        raise ConfigError(
            f"`init_parts` names {part!r}, which {init if own is not None else 'the variant'} lacks",
            expected=f"parts that both have, such as {', '.join(named)}",
            remedy="correct `init_parts`, or choose another model as `init`",
        )
    wanted = own.state_dict()
    found = {name: value for name, value in others.state_dict().items() if name in wanted}
    unequal = [name for name, value in found.items() if value.shape != wanted[name].shape]
    if unequal:
        name = unequal[0]
        raise ConfigError(
            f"{part}.{name} of {init} is {tuple(found[name].shape)}",
            expected=f"{tuple(wanted[name].shape)}, as the variant has it",
            remedy="make the variant's `model` as wide as that one, or take this part from elsewhere",
        )
    own.load_state_dict(wanted | found)
