"""Versions as an earlier release registered them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chromseg.registry.log.chain import Chain
from chromseg.registry.log.entries import Entry
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.versions import admission as versions

_NEWER = {"package_sha256", "source"}


def without_package_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is registered from now on enter the log without what it once did not keep."""
    append = versions.append

    def older(client: MlflowClient, make: Callable[[Chain], Entry]) -> Entry:
        def entry(chain: Chain) -> Entry:
            made = make(chain)
            return replace(made, facts={name: fact for name, fact in made.facts.items() if name not in _NEWER})

        return append(client, entry)

    monkeypatch.setattr(versions, "append", older)
