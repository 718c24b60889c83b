"""Checkpoints: whole or not at all, and read without running what is in them."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from chromseg.errors import OutputError, TrainingError
from chromseg.training.checkpoint import all_finite, load_checkpoint, rng_state, save_checkpoint, set_rng_state

STATE = {"fingerprint": "f", "weights": {"w": torch.arange(3.0)}, "progress": {"epoch": 2, "history": [{"a": 0.5}]}}


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.pt", STATE)
    state = load_checkpoint(tmp_path / "c.pt", fingerprint="f")
    assert torch.equal(state["weights"]["w"], torch.arange(3.0))
    assert state["progress"] == STATE["progress"]


def test_failed_save_leaves_the_former_checkpoint_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, STATE)

    def disk_full(state: object, target: Path) -> None:
        target.write_bytes(b"half a checkpoint")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(OutputError, match="No space left on device"):
        save_checkpoint(path, STATE | {"fingerprint": "newer"})
    assert load_checkpoint(path, fingerprint="f")["progress"]["epoch"] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 truncated"])
def test_damaged_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "c.pt").write_bytes(content)
    with pytest.raises(TrainingError, match=r"c\.pt cannot be read"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="f")


def test_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.pt", STATE)
    content = (tmp_path / "c.pt").read_bytes()
    (tmp_path / "c.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(TrainingError, match=r"c\.pt cannot be read"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="f")


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, ...]:
            return (tmp_path.joinpath("owned").write_text, ("x",))

    torch.save({"format": 1, "fingerprint": "f", "x": Attack()}, tmp_path / "c.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Attack(), protocol=2))
    for name in ("c.pt", "plain.pt"):
        with pytest.raises(TrainingError, match="cannot be read"):
            load_checkpoint(tmp_path / name, fingerprint="f")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("state", [{"fingerprint": "f"}, [1, 2], {"format": 99, "fingerprint": "f"}])
def test_other_torch_files_are_refused(state: object, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "c.pt")
    with pytest.raises(TrainingError, match="of another kind"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="f")


def test_another_run_is_refused_with_the_way_out(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.pt", STATE)
    with pytest.raises(TrainingError, match=r"another configuration, .* delete .*c\.pt, or start afresh"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="other")


def test_random_generators_go_on_where_they_were(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.pt", {"fingerprint": "f", "rng": rng_state()})
    before = random.random(), np.random.rand(), torch.rand(2).tolist()
    set_rng_state(load_checkpoint(tmp_path / "c.pt", fingerprint="f")["rng"])
    assert (random.random(), np.random.rand(), torch.rand(2).tolist()) == before


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_all_finite(bad: float) -> None:
    assert all_finite({"a": torch.zeros(2), "count": torch.tensor(3)})
    assert not all_finite({"a": torch.zeros(2), "b": torch.tensor([0.0, bad])})
