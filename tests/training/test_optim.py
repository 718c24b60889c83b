"""Learning rate by step, and averaged weights, by hand."""

from __future__ import annotations

import pytest
import torch

from chromseg.config import ModelConfig, OptimConfig
from chromseg.models import build_model
from chromseg.training.optim import AveragedNetwork, learning_rate, make_optimizer


def test_constant_rate_after_linear_warm_up() -> None:
    config = OptimConfig(lr=0.8, warmup_steps=4)
    rates = [learning_rate(config, step, 10) for step in range(7)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8])


def test_cosine_falls_to_nothing() -> None:
    config = OptimConfig(lr=1.0, schedule="cosine", warmup_steps=2)
    rates = [learning_rate(config, step, 10) for step in (0, 1, 2, 6, 10)]
    assert rates == pytest.approx([0.5, 1.0, 1.0, 0.5, 0.0])


@pytest.mark.parametrize(("name", "kind"), [("adam", "Adam"), ("adamw", "AdamW"), ("sgd", "SGD")])
def test_optimizer_by_name(name: str, kind: str) -> None:
    optimizer = make_optimizer(torch.nn.Linear(1, 1), OptimConfig(optimizer=name, lr=0.1, weight_decay=0.2))  # type: ignore[arg-type]
    assert type(optimizer).__name__ == kind
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.param_groups[0]["weight_decay"] == 0.2


def test_average_moves_a_tenth_of_the_way_and_less_as_it_grows_old() -> None:
    network = build_model(ModelConfig("unet", depth=1, width=1))
    average = AveragedNetwork(network, decay=0.75)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    for parameter in average.network.parameters():
        torch.nn.init.ones_(parameter)
    name, parameter = next(average.network.named_parameters())
    average.update(network, step=0)  # decay 1/10
    assert parameter.flatten()[0].item() == pytest.approx(0.1), name
    average.update(network, step=1000)  # decay 0.75, the limit
    assert parameter.flatten()[0].item() == pytest.approx(0.075)
    assert not parameter.requires_grad
