"""Batches form while the network works, hold one size and one model, and fail for those in them alone."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any

import numpy as np
import pytest
from drawn_cells import drawn_cell, threshold_predictor

from chromseg.images.absorbance import to_absorbance
from chromseg.inference.prepared import CloserLook, NothingLeft, Remainder
from chromseg.serving import batching
from chromseg.serving.batching import Batcher, Lanes


class Recorder:
    """A network that notes its batches and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.go, self.started = threading.Event(), threading.Event()

    def begin(self, images: Sequence[Any], at_once: float) -> list[Remainder]:
        self.batches.append([image.copy() for image in images])
        self.started.set()
        assert self.go.wait(10)
        if any(image[0, 0] < 0 for image in images):
            raise ValueError("a bad picture")
        return [NothingLeft(image) for image in images]


def picture(value: float, side: int = 4) -> Any:
    return np.full((side, side), value, np.float32)


def test_what_waits_goes_together_by_size() -> None:
    sizes: list[int] = []
    network, batcher = Recorder(), Batcher(3, on_batch=sizes.append)
    futures = [batcher.submit(network, picture(0))]
    assert network.started.wait(10)
    futures += [batcher.submit(network, picture(n, 8 if n == 2 else 4)) for n in range(1, 6)]
    assert len(batcher) == 5
    network.go.set()
    results = [future.result(10) for future in futures]
    batcher.close()
    assert [[image[0, 0] for image in batch] for batch in network.batches] == [[0], [1, 3, 4], [2], [5]]
    assert sizes == [1, 3, 1, 1]
    assert [result.remainder().max() for result in results] == [0, 1, 2, 3, 4, 5]
    assert [result.batch for result in results] == [1, 3, 1, 3, 3, 1]


def test_two_models_never_share_a_batch() -> None:
    old, new, batcher = Recorder(), Recorder(), Batcher(8)
    new.go.set()
    futures = [batcher.submit(old, picture(0))]
    assert old.started.wait(10)
    futures += [batcher.submit(network, picture(n)) for n, network in enumerate((new, old, new))]
    old.go.set()
    for future in futures:
        future.result(10)
    batcher.close()
    assert [len(batch) for batch in old.batches] == [1, 1]
    assert [len(batch) for batch in new.batches] == [2]


def test_large_pictures_go_alone() -> None:
    network, batcher = Recorder(), Batcher(8, max_pixels=40)
    futures = [batcher.submit(network, picture(0))]
    assert network.started.wait(10)
    futures += [batcher.submit(network, picture(n)) for n in range(4)] + [batcher.submit(network, picture(9, 16))]
    network.go.set()
    for future in futures:
        future.result(10)
    batcher.close()
    assert [len(batch) for batch in network.batches] == [1, 2, 2, 1]


def test_cancelled_pictures_are_left_out() -> None:
    network, batcher = Recorder(), Batcher(8)
    first = batcher.submit(network, picture(0))
    assert network.started.wait(10)
    waiting = [batcher.submit(network, picture(n)) for n in (1, 2)]
    assert waiting[0].cancel()
    network.go.set()
    first.result(10)
    waiting[1].result(10)
    batcher.close()
    assert [[image[0, 0] for image in batch] for batch in network.batches] == [[0], [2]]


def test_an_error_reaches_its_batch_and_the_next_one_works() -> None:
    network, batcher = Recorder(), Batcher(8)
    network.go.set()
    with pytest.raises(ValueError, match="bad picture"):
        batcher.submit(network, picture(-1)).result(10)
    assert batcher.submit(network, picture(1)).result(10).batch == 1
    batcher.close()


def refused(*arguments: Any) -> None:
    raise PermissionError


@pytest.mark.parametrize("left_out", [0, 1])
def test_a_lane_outlives_a_metric_that_fails_and_a_network_that_loses_pictures(left_out: int) -> None:
    class Losing(Recorder):
        def begin(self, images: Sequence[Any], at_once: float) -> list[Remainder]:
            return super().begin(images, at_once)[left_out:]

    network, batcher = Losing(), Batcher(8, on_batch=(lambda size: None) if left_out else refused)
    network.go.set()
    for _ in range(2):
        with pytest.raises(ValueError if left_out else PermissionError):
            batcher.submit(network, picture(1)).result(1)
    batcher.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread is no nicer than its process")
def test_a_lane_works_where_its_priority_cannot_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "setpriority", refused)
    network, batcher = Recorder(), Batcher(8, niceness=3)
    network.go.set()
    assert batcher.submit(network, picture(1)).result(1).batch == 1
    batcher.close()


def test_closing_finishes_what_is_queued() -> None:
    network, batcher = Recorder(), Batcher(1)
    futures = [batcher.submit(network, picture(n)) for n in range(3)]
    network.go.set()
    batcher.close()
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError):
        batcher.submit(network, picture(0))


def test_a_batch_gives_each_picture_what_it_gets_alone() -> None:
    predictor = threshold_predictor()
    images = [np.roll(to_absorbance(drawn_cell()[0], "dark-on-light"), shift, axis=0) for shift in (0, 7, 31)]
    for image, remainder in zip(images, predictor.begin(images), strict=True):
        alone, together = predictor.find(image), remainder()
        np.testing.assert_array_equal(alone.masks, together.masks)
        assert alone.scores == together.scores


def test_a_small_picture_waits_for_no_larger_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "BOUNDS", (100, 1000))
    held, free, lanes = Recorder(), Recorder(), Lanes(8)
    free.go.set()
    large, usual = (lanes.submit(held, picture(0, side)) for side in (40, 20))
    small, next_usual = lanes.submit(free, picture(0)), lanes.submit(free, picture(0, 20))
    assert small.result(10).batch == 1
    assert not (large.done() or usual.done() or next_usual.done())
    held.go.set()
    lanes.close()
    assert large.done() and usual.done() and next_usual.done()


class LooksTwice(Recorder):
    """A network that must look again, at a picture of 20×20; one below 0 it cannot look at again."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[int, float]] = []

    def begin(self, images: Sequence[Any], at_once: float) -> list[Remainder | CloserLook]:
        self.asked.append((images[0].size, at_once))
        if at_once:
            return [CloserLook(picture(image[0, 0], 20), 5.0) for image in images]
        super().begin(images, at_once)
        return [NothingLeft(FOUND) for _ in images]


FOUND = threshold_predictor().find(np.zeros((8, 8), np.float32))


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> Lanes:
    monkeypatch.setattr(batching, "BOUNDS", (100, 1000))
    return Lanes(8)


def test_a_small_picture_waits_for_no_second_look_at_a_larger_one(lanes: Lanes) -> None:
    network, free = LooksTwice(), Recorder()
    free.go.set()
    twice = lanes.submit(network, picture(0))
    assert network.started.wait(10)
    assert lanes.submit(free, picture(0)).result(10).batch == 1 and not twice.done()
    network.go.set()
    answer = twice.result(10)
    assert answer.remainder().closer == 5.0 and answer.network_ms == round(answer.network_ms, 2)
    assert network.asked == [(16, 100), (400, 0)]
    lanes.close()


def test_a_second_look_that_nobody_waits_for_is_not_taken(lanes: Lanes) -> None:
    held, network = Recorder(), LooksTwice()
    network.go.set()
    first = lanes.submit(held, picture(0, 20))
    assert held.started.wait(10)
    twice = lanes.submit(network, picture(0))
    deadline = time.monotonic() + 10
    while not lanes._lanes[1]:
        assert time.monotonic() < deadline, "no second look came to wait"
        time.sleep(0.01)
    assert not twice.cancel(), "its first look was taken"
    held.go.set()
    with pytest.raises(CancelledError):
        twice.result(10)
    assert first.result(10) and network.asked == [(16, 100)]
    lanes.close()


def test_a_second_look_that_fails_fails_for_its_picture_alone(lanes: Lanes) -> None:
    network = LooksTwice()
    network.go.set()
    with pytest.raises(ValueError, match="a bad picture"):
        lanes.submit(network, picture(-1)).result(10)
    assert lanes.submit(network, picture(0)).result(10).remainder().closer == 5.0
    lanes.close()


def test_closing_takes_the_second_looks_that_wait(lanes: Lanes) -> None:
    network = LooksTwice()
    network.go.set()
    twice = [lanes.submit(network, picture(n)) for n in range(3)]
    lanes.close()
    assert all(each.result(0).remainder().closer == 5.0 for each in twice)


def test_a_lane_that_is_closed_tells_who_would_look_again_there() -> None:
    network, alone = LooksTwice(), Batcher(8, at_once=100)
    network.go.set()
    alone.close()
    closing = Batcher(8, at_once=100, elsewhere=alone.queue)
    with pytest.raises(RuntimeError):
        closing.submit(network, picture(0)).result(10)
    closing.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread is no nicer than its process")
def test_larger_pictures_leave_the_processor_to_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "BOUNDS", (100, 1000))
    seen: list[int] = []

    class Noting:
        def begin(self, images: Sequence[Any], at_once: float) -> list[Remainder]:
            seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            return [NothingLeft(image) for image in images]

    lanes = Lanes(8)
    for side in (4, 20, 40):
        lanes.submit(Noting(), picture(0, side)).result(10)
    lanes.close()
    assert seen == sorted(seen) and len(set(seen)) == 3
