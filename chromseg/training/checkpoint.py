"""The state of a running training, on disk: written in one step, read without unpickling code."""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chromseg.errors import TrainingError
from chromseg.files import replacing

_FORMAT = 1


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, text, and lists, tuples and dicts of them) under a temporary name, then rename.

    A process killed at any moment leaves the former checkpoint or the new one.

    Raises:
        OutputError: The place cannot be written.
    """
    with replacing(path) as temporary:
        torch.save({"format": _FORMAT} | state, temporary)


def load_checkpoint(path: Path, *, fingerprint: str) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Args:
        path: The file.
        fingerprint: Of the configuration, seed and data that training would go on with.

    Raises:
        TrainingError: It is damaged, or of another configuration, seed or data.
    """
    remedy = f"delete {path}, or start afresh (resume=False)"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(f"{path} cannot be read ({reason})", expected="a checkpoint", remedy=remedy) from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise TrainingError(f"{path} of another kind", expected=f"a checkpoint of format {_FORMAT}", remedy=remedy)
    if state["fingerprint"] != fingerprint:
        raise TrainingError(
            f"{path} of another configuration, seed or training set",
            expected="the checkpoint of this very run",
            remedy=remedy,
        )
    return state


def rng_state() -> dict[str, Any]:
    """The state of all global random generators: Python's, NumPy's, torch's on the CPU and on each GPU."""
    numpy_state = np.random.get_state(legacy=True)
    assert isinstance(numpy_state, tuple)
    name, keys, *rest = numpy_state
    return {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(keys.astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_rng_state(state: dict[str, Any]) -> None:
    """Put all global random generators back; GPU states only if there are as many GPUs as there were."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def all_finite(tensors: dict[str, Tensor]) -> bool:
    """Whether no value of any tensor is NaN or infinite."""
    return all(bool(torch.isfinite(value).all()) for value in tensors.values())
