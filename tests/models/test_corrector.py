"""The network that draws outlines anew."""

from __future__ import annotations

import torch

from chromseg.models.corrector import Corrector
from chromseg.models.verifier import OUTLINE, PLANES, SIZE


def test_every_weight_learns_and_each_outline_is_drawn_by_itself() -> None:
    torch.manual_seed(0)
    network = Corrector()
    views = torch.rand(4, PLANES, *SIZE)
    drawn = network(views)
    assert drawn.shape == (4, *SIZE)
    drawn.square().sum().backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not still
    network.eval()
    with torch.no_grad():
        torch.testing.assert_close(network(views)[2:3], network(views[2:3]))


def test_its_first_answer_is_the_outline_that_it_is_given() -> None:
    torch.manual_seed(0)
    network = Corrector().eval()
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    views = torch.rand(2, PLANES, *SIZE)
    with torch.no_grad():
        assert torch.equal(network(views) > 0, views[:, OUTLINE] > 0.5)
