"""What the stages share."""

from __future__ import annotations

import pytest
import torch

from pipelines.profile import best_device


@pytest.mark.parametrize(("at_hand", "expected"), [(True, "cuda"), (False, "cpu")])
def test_a_gpu_at_hand_is_used(at_hand: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: at_hand)
    assert best_device() == expected
