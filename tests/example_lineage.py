"""The origin of a model that was never trained."""

from __future__ import annotations

from typing import Any

LINEAGE: dict[str, Any] = {
    "run_id": "",
    "experiment": "chromseg",
    "variant": "tiny",
    "seed": 0,
    "git_commit": "c0ffee" * 6 + "c0ff",
    "git_dirty": False,
    "data_md5": {"sample": "0123456789abcdef0123456789abcdef.dir"},
    "test_md5": "fedcba9876543210fedcba9876543210",
    "environment": "e" * 64,
    "validation": True,
    "hardware": "a processor, 2 cores, no GPU",
    "software": "0.1.0",
}
