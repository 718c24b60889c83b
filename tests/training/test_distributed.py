"""Several processes under torchrun train one network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training_job import crossed, tiny_config

from chromseg.models.package import load_model
from chromseg.training.loop import fit
from chromseg.training.tracker import read_run

JOB = Path(__file__).with_name("training_job.py")


@pytest.mark.slow
def test_two_cpu_processes_train_one_network(tmp_path: Path) -> None:
    """Each sees its own half of every batch, so equal weights show that gradients are shared.

    One process alone differs a little, because batch norm sees the whole batch then.
    """
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    command = [*torchrun, str(JOB), str(tmp_path / "two"), f"--weights-of-each={tmp_path}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr

    first, second = (torch.load(tmp_path / f"{index}.pt", weights_only=True) for index in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)

    samples = [crossed("a"), crossed("b", 4)]
    alone = fit(tiny_config(), samples, samples, tmp_path / "one", seed=0)
    together = read_run(tmp_path / "two" / "run.json")["metrics"]
    assert [epoch["step"] for epoch in together] == [0, 1, 2]
    for epoch, expected in zip(together, alone.history, strict=True):
        assert epoch["train/loss"] == pytest.approx(expected["train/loss"], rel=0.2)
        assert epoch["val/loss"] == pytest.approx(expected["val/loss"], rel=0.2)
    assert load_model(tmp_path / "two")[0].config == tiny_config().model
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["model.json", "model.safetensors", "run.json"]
