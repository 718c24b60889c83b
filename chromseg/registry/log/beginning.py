"""The audit log begins with its store."""

from __future__ import annotations

from chromseg.registry.log.heads import remember_new
from chromseg.registry.store.store import StoreState, make_store


def init_store() -> StoreState:
    """Make or upgrade the store; where it is new, nothing is remembered of a log that lay there before.

    Raises:
        RegistryError: As of `make_store`.
        OutputError: As of `make_store`.
    """
    return make_store(created=remember_new)
