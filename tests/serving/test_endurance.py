"""The long run of `benchmarks/serving` with 300 requests: nothing wrong, nothing lost but to the kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from serving_app import png

from benchmarks.serving.client import CLIENTS
from benchmarks.serving.endurance import endurance


@pytest.mark.slow
def test_three_hundred_requests(make_model: Callable[..., Path]) -> None:
    figures = endurance(make_model(), png(), 300)
    outcomes = dict(figures["outcomes"])
    assert outcomes.pop("right") > 200 and outcomes.pop("refused") > 10
    assert outcomes.pop("lost with the killed worker", 0) <= CLIENTS
    assert outcomes == {}
    assert set(figures["versions"]) == {"1", "2"}
    assert figures["growth_after_first_third"] < 0.3  # so short a run is still warming up
