"""What goes wrong on a node arrives as one line: ours as it was raised, Ray's without its wrapping."""

from __future__ import annotations

import pickle

import pytest
from ray.exceptions import ActorDiedError, RayTaskError

from chromseg.cohort.run import _plain
from chromseg.errors import ChromsegError, MissingExtraError, ModelError, OutputError


def raised_on_a_node(cause: Exception) -> Exception:
    """As it comes to the driver."""
    error = RayTaskError("Segmenter", "Traceback …", cause)
    return pickle.loads(pickle.dumps(error)).as_instanceof_cause()  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", [OutputError, ModelError])
def test_our_errors_are_as_they_were(kind: type[ChromsegError]) -> None:
    error = _plain(raised_on_a_node(kind("got", expected="expected", remedy="remedy")))
    assert type(error) is kind and str(error) == "got; expected expected; remedy"


def test_what_a_node_lacks_is_named() -> None:
    inner = RayTaskError("Segmenter.__init__", "ModuleNotFoundError: No module named 'chromseg'", ImportError())
    for error in (raised_on_a_node(ModuleNotFoundError("No module named 'chromseg'")), ActorDiedError(inner)):
        plain = _plain(error)
        assert isinstance(plain, MissingExtraError) and "a node of the cluster lacks chromseg" in str(plain)


def test_a_full_disk_of_a_node_is_one_line() -> None:
    plain = _plain(raised_on_a_node(OSError(28, "No space left on device")))
    assert isinstance(plain, OutputError) and "No space left" in str(plain) and "\n" not in str(plain)


def test_what_nobody_foresaw_stays_what_it_is() -> None:
    error = raised_on_a_node(ZeroDivisionError())
    assert _plain(error) is error
