"""Ctrl-C that ends a training between two steps, not within one."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Says whether somebody asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __bool__(self) -> bool:
        return self.asked


@contextmanager
def stop_request(*, active: bool = True) -> Iterator[StopRequest]:
    """Turn the first Ctrl-C (or SIGTERM) of the block into a request; a second Ctrl-C stops at once.

    Outside the main thread, where Python allows no handlers, or when not `active`, nothing changes.
    """
    request = StopRequest()
    if not active or threading.current_thread() is not threading.main_thread():
        yield request
        return

    def handle(number: int, frame: FrameType | None) -> None:
        request.asked = True
        signal.signal(signal.SIGINT, former[signal.SIGINT])
        print("stopping after this step; Ctrl-C again stops at once", file=sys.stderr)

    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in former:
            signal.signal(number, handle)
        yield request
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
