"""A cluster that cannot be joined is one line, at once."""

from __future__ import annotations

import time

import pytest
import ray
from servers import free_port

from chromseg.cohort.start import connected
from chromseg.errors import ConfigError


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "no port at all"])
def test_a_cluster_that_cannot_be_reached_is_one_line(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    address, began = address.format(port=free_port()), time.monotonic()
    with pytest.raises(ConfigError, match=r"cannot be reached \(") as raised, connected(address):
        pass
    assert address in str(raised.value) and "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", ""), "Ray keeps its own words to itself"
    assert time.monotonic() - began < 60


def test_a_cluster_here_that_does_not_start_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_busy(**_: object) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", too_busy)
    with pytest.raises(ConfigError, match=r"--ray local cannot be reached .*timed out"), connected("local"):
        pass
