"""The network that names straightened chromosomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from chromseg.config import KaryotypeConfig
from chromseg.models import build_model
from chromseg.models.karyotype import KaryotypeNetwork, answers
from chromseg.models.package import ModelCard, load_model, save_model

TINY = KaryotypeConfig("karyotype", width=4, blocks=1)


def network() -> KaryotypeNetwork:
    torch.manual_seed(0)
    return build_model(TINY).eval()


def strips(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, 2, 128, 32), dtype=np.uint8), rng.normal(size=(count, 5)).astype(np.float32)


@pytest.mark.parametrize("size", [(128, 32), (64, 16), (33, 8)], ids=str)
def test_every_strip_gets_logits_of_classes_and_ends(size: tuple[int, int]) -> None:
    assert network()(torch.rand(3, 2, *size), torch.zeros(3, 5)).shape == (3, 24, 2)


def test_every_weight_learns() -> None:
    made = network().train()
    made(torch.rand(4, 2, 128, 32), torch.randn(4, 5)).square().mean().backward()
    assert [name for name, weight in made.named_parameters() if weight.grad is None or not weight.grad.any()] == []


def test_figures_are_read() -> None:
    x = torch.rand(1, 2, 128, 32)
    one, other = (network()(x, torch.full((1, 5), value)) for value in (0.0, 2.0))
    assert not torch.allclose(one, other)


def test_answers_are_probabilities() -> None:
    found = answers(network(), *strips(70), torch.device("cpu"))
    assert found.shape == (70, 24, 2) and found.dtype == np.float32
    assert found.sum(axis=(1, 2)) == pytest.approx(1, abs=1e-5) and found.min() >= 0


def test_answers_do_not_depend_on_how_a_strip_was_laid() -> None:
    """The other end up exchanges the ends; a mirrored strip is the same chromosome."""
    drawn, figures = strips(3)
    usual, turned, mirrored = (
        answers(network(), np.ascontiguousarray(each), figures, torch.device("cpu"))
        for each in (drawn, drawn[:, :, ::-1], drawn[..., ::-1])
    )
    assert turned[..., ::-1] == pytest.approx(usual, abs=1e-5)
    assert mirrored == pytest.approx(usual, abs=1e-5)


def test_no_strips_get_no_answers() -> None:
    assert answers(network(), *strips(0), torch.device("cpu")).shape == (0, 24, 2)


def test_a_saved_network_answers_the_same(tmp_path: Path) -> None:
    made = network()
    save_model(tmp_path / "model", made, ModelCard("tiny", TINY))
    again, card = load_model(tmp_path / "model", KaryotypeNetwork)
    assert card.architecture == TINY
    cell = strips(2)
    assert np.array_equal(answers(again, *cell, torch.device("cpu")), answers(made, *cell, torch.device("cpu")))
