"""What a training really ran with: every distribution that it could import, Python, system, threads and GPU."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions


def installed() -> dict[str, str]:
    """Name, as package indexes write it, → version of every distribution; of two of one name the one imported."""
    found: dict[str, str] = {}
    for each in distributions():
        name = each.metadata["Name"]
        if name:  # else what a broken uninstallation left
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), each.version)
    return dict(sorted(found.items()))


def runtime() -> dict[str, str]:
    """Python, system and threads; CUDA, cuDNN and driver where there is a GPU."""
    import torch

    libc = " ".join(platform.libc_ver()).strip()
    facts = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()} {libc}".strip(),
        "threads": str(torch.get_num_threads()),
    }
    if not torch.cuda.is_available():
        return facts
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return facts | {"cuda": str(torch.version.cuda), "cudnn": str(cudnn), "driver": _driver()}


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """In words, by name, what is no longer as it was: `torch 2.8.0 then, 2.9.1 now`."""
    for name in sorted(then.keys() | now.keys()):
        before, after = then.get(name, "not there"), now.get(name, "not there")
        if before != after:
            yield f"{name} {before} then, {after} now"


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return next(iter(answer.stdout.split()), "unknown")
