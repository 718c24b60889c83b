"""One sweep of a profile, or one and the same search, at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromseg.errors import ConfigError


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Keep others away from a folder within the block; a process that is killed keeps nobody away.

    Args:
        folder: Made if it is not there.
        what: What works in it, `sweep of unet`, for messages.

    Raises:
        ConfigError: Another one is at work there.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout as error:
        raise ConfigError(
            f"another {what} is at work here",
            expected="one at a time",
            remedy="wait until it ends, or stop it and start again: what is done stays done",
        ) from error
