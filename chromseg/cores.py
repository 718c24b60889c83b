"""How many processor cores this process may use."""

from __future__ import annotations

import os
import sys


def usable_cores() -> int:
    """Cores that the system lets this process have; all of the machine where it does not say (Windows, macOS)."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
