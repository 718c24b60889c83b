"""The network that looks at outlines."""

from __future__ import annotations

import torch

from chromseg.models.verifier import FIGURES, PLANES, SIZE, Verifier


def test_every_weight_learns_and_each_outline_is_judged_by_itself() -> None:
    torch.manual_seed(0)
    network = Verifier()
    views, figures = torch.rand(6, PLANES, *SIZE), torch.randn(6, FIGURES)
    right, alike = network(views, figures)
    assert right.shape == alike.shape == (6,)
    (right + alike).square().sum().backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not still
    network.eval()
    with torch.no_grad():
        together, alone = network(views, figures)[0], network(views[2:3], figures[2:3])[0]
    torch.testing.assert_close(together[2:3], alone)


def test_figures_count_and_are_left_untold_in_training_alone() -> None:
    torch.manual_seed(0)
    network = Verifier().eval()
    views = torch.rand(1, PLANES, *SIZE).expand(64, -1, -1, -1)
    with torch.no_grad():
        plain, other = (network(views, torch.full((64, FIGURES), value))[0] for value in (0.0, 2.0))
        assert not torch.isclose(plain, other).any()
        told = network.figures.train()(torch.randn(2000, FIGURES))
    assert 0.15 < float((told == 0).all(dim=1).float().mean()) < 0.25
