"""Fixtures that many tests share: drawn chromosomes whose truth is known by construction."""

from __future__ import annotations
