"""Dynamic batches in front of the network: while it works, requests gather; the next batch is all that fit together.

Nothing waits for company: an idle network starts at once, a busy one finds a batch ready. Only pictures of one size and
one model share a batch, so that nothing needs padding and an answer does not depend on its neighbours. Pictures of very
different sizes work side by side, so that none waits for one that takes many times as long as itself. A picture that
must be looked at again, larger, goes to where such pictures are.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from chromseg.arrays import F32
from chromseg.inference.prepared import CloserLook, Enlarged, Remainder

BOUNDS = (700_000, 2_800_000)  # pixels as the network sees them: a cluster or a small cell; a metaphase has two million
_NICER = 3  # a lane than the one before, of the system's niceness: half the processor where both want it


class Network(Protocol):
    """The part of a predictor that batches are for."""

    def begin(self, images: Sequence[F32], at_once: float) -> list[Remainder | CloserLook]:
        """Run on pictures of one size; second looks of more than `at_once` pixels are left to do."""


@dataclass(frozen=True)
class Inferred:
    """What became of one picture: what is left to do, and milliseconds in the queue and in the network."""

    remainder: Remainder
    queue_ms: float
    network_ms: float
    batch: int


class _Answer(Future[Inferred]):
    """One that, while its picture waits for a second look, still hears that nobody waits for it."""

    given_up = False

    def cancel(self) -> bool:
        self.given_up = True
        return super().cancel()


@dataclass(frozen=True, eq=False)
class _Item:
    network: Network
    image: F32
    future: _Answer = field(default_factory=_Answer)
    since: float = field(default_factory=time.perf_counter)
    spent_ms: float = 0.0
    closer: float | None = None  # by how much the picture was enlarged, if it is looked at again

    def wanted(self) -> bool:
        """Whether to begin: nobody has given it up while it waited."""
        if self.closer is None:
            return self.future.set_running_or_notify_cancel()
        if self.future.given_up:
            self.future.set_exception(CancelledError())
            return False
        return True


class Lanes:
    """A `Batcher` each for small, usual and large pictures; larger ones leave the processor to smaller ones.

    Args:
        max_batch: Pictures at most.
        on_batch: Called with the size of each batch.
    """

    def __init__(self, max_batch: int, on_batch: Callable[[int], None] = lambda size: None) -> None:
        self._lanes = [
            Batcher(max_batch, bound, on_batch, _NICER * place, bound or math.inf, self._queue)
            for place, bound in enumerate((*BOUNDS, 0))
        ]

    def submit(self, network: Network, image: F32) -> Future[Inferred]:
        """Queue a picture; as of `Batcher`."""
        return self._queue(_Item(network, image))

    def _queue(self, item: _Item) -> Future[Inferred]:
        return self._lanes[bisect_left(BOUNDS, item.image.size)].queue(item)

    def close(self) -> None:
        """Finish what is queued, then end."""
        for lane in self._lanes:
            lane.close()


class Batcher:
    """One thread that runs the network.

    Args:
        max_batch: Pictures at most.
        max_pixels: Of all pictures of a batch together; a larger picture goes alone.
        on_batch: Called with the size of each batch.
        niceness: By which the thread leaves the processor to others, where the system knows that of threads.
        at_once: Pixels of a second look that is taken here.
        elsewhere: Takes the pictures of larger ones.
    """

    def __init__(
        self,
        max_batch: int,
        max_pixels: int = 2_000_000,
        on_batch: Callable[[int], None] = lambda size: None,
        niceness: int = 0,
        at_once: float = math.inf,
        elsewhere: Callable[[_Item], object] | None = None,
    ) -> None:
        self._niceness, self._at_once, self._elsewhere = niceness, at_once, elsewhere or self.queue
        self._max_batch, self._max_pixels, self._on_batch = max(1, max_batch), max_pixels, on_batch
        self._items: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Pictures that wait."""
        return len(self._items)

    def submit(self, network: Network, image: F32) -> Future[Inferred]:
        """Queue a picture float32 (H, W); a future that is cancelled in time costs nothing."""
        return self.queue(_Item(network, image))

    def queue(self, item: _Item) -> Future[Inferred]:
        """As `submit`."""
        with self._changed:
            if self._closing:
                raise RuntimeError("the batcher is closed")
            self._items.append(item)
            self._changed.notify()
        return item.future

    def close(self) -> None:
        """Finish what is queued, then end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        if self._niceness and sys.platform == "linux":  # before PyTorch starts threads of its own, which are as nice
            with suppress(OSError):  # a sandbox may forbid it
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness + os.nice(0))
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._closing)
                if not self._items:
                    return
                batch = self._take()
            batch = [item for item in batch if item.wanted()]
            if batch:
                self._work_on(batch)

    def _take(self) -> list[_Item]:
        """The oldest item and those that fit to it, in order of arrival."""
        first = self._items.popleft()
        most = min(self._max_batch, max(1, self._max_pixels // max(1, first.image.size)))
        batch, others = [first], deque[_Item]()
        for item in self._items:
            alike = item.image.shape == first.image.shape and bool(item.closer) == bool(first.closer)
            fits = alike and item.network is first.network
            (batch if fits and len(batch) < most else others).append(item)
        self._items = others
        return batch

    def _work_on(self, batch: list[_Item]) -> None:
        start = time.perf_counter()
        try:
            at_once = 0 if batch[0].closer else self._at_once
            remainders = batch[0].network.begin([item.image for item in batch], at_once)
            spent = time.perf_counter() - start
            done = list(zip(batch, remainders, strict=True))
            self._on_batch(len(batch))
        except Exception as error:  # whatever it is, those who wait must hear of it, and the thread must go on
            for item in batch:
                item.future.set_exception(error)
            return
        for item, remainder in done:
            network_ms = round(item.spent_ms + _ms(spent), 2)
            if isinstance(remainder, CloserLook):
                self._again(replace(item, image=remainder.picture, spent_ms=network_ms, closer=remainder.closer))
                continue
            left = Enlarged(remainder, item.closer) if item.closer else remainder
            queue_ms = round(_ms(start - item.since) - item.spent_ms, 2)
            item.future.set_result(Inferred(left, queue_ms, network_ms, len(batch)))

    def _again(self, item: _Item) -> None:
        try:
            self._elsewhere(item)
        except Exception as error:  # as above
            item.future.set_exception(error)


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)
