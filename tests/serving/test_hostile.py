"""Small pictures that are made to be costly: each is answered or refused, and others go on beside it.

With the bundled network and all 200: `python -m benchmarks.serving --only hostile`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from serving_app import png, running_server

from benchmarks.serving import hostile as measuring
from benchmarks.serving.hostile import COUNT, KINDS, MOST_BYTES, hostile, hostile_pictures


def test_they_are_small_and_the_same_every_time() -> None:
    first, again = ([*hostile_pictures([7, 11])] for _ in range(2))
    assert first == again and first[0] != first[1]
    assert all(len(content) <= MOST_BYTES for content in first)
    assert COUNT % len(KINDS) == 0


def test_each_is_answered_or_refused_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def here(*arguments: object) -> Iterator[tuple[str, SimpleNamespace]]:
        with running_server(rate=0) as url:
            yield url, SimpleNamespace(pid=os.getpid())

    monkeypatch.setattr(measuring, "server", here)
    figures = hostile(Path(), png(), [11, 7], before=3)
    assert set(figures["statuses"]) <= {"200", "422"} and sum(figures["statuses"].values()) == 2
    assert figures["others_alone"]["n"] == 3 and figures["others_beside"]["n"] > 0
    assert figures["worst_cpu_s"] > 0
