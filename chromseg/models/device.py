"""Where networks run: on a GPU if there is one, or where the user says."""

from __future__ import annotations

import torch

from chromseg.errors import ConfigError


def usable_device(wanted: str = "auto") -> str:
    """A device in PyTorch's words, which is not occupied by asking.

    Args:
        wanted: "auto" takes a GPU of NVIDIA or AMD if there is one, else the CPU; any other name stands as it is.

    Raises:
        ConfigError: PyTorch has no such device here.
    """
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    accelerator, usable = torch.accelerator.current_accelerator(check_available=True), ["cpu"]
    if accelerator is not None:
        usable += [accelerator.type, *(f"{accelerator.type}:{n}" for n in range(torch.accelerator.device_count()))]
    if wanted not in usable:
        raise ConfigError(
            f"--device {wanted}",
            expected=", ".join(usable) if len(usable) > 1 else "cpu: PyTorch finds no other device here",
            remedy="choose another, or install the PyTorch made for it",
        )
    return wanted
