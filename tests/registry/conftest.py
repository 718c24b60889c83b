"""Processes that start at the same moment, or die at a chosen one."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

import pytest


@pytest.fixture(scope="session")
def clean_process() -> ForkServerContext:
    """Processes forked from one that has imported MLflow and torch and done nothing else: imports are paid once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["chromseg.registry.versions", "chromseg.models.package"])
    return context
