"""A process that must not outlive the one that started it."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import wait


def when_parent_ends(act: Callable[[], None]) -> None:
    """Have a thread do something once the parent process is no more, however that ended: nobody else would."""
    threading.Thread(target=_wait, args=(act,), name="parent-watch", daemon=True).start()


def _wait(act: Callable[[], None]) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        act()
