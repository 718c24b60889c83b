"""Tracking, lineage, packaging and promotion: the only users of MLflow.

What other programs call is handed out here, each on first use: MLflow costs seconds. The rooms behind it, each of which
imports only from those before it: lineage, card, store, log, versions, gates, promotion, rebuild, transfer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chromseg.registry.log.beginning import init_store
    from chromseg.registry.promotion import history, judge_promotion, promote, rollback
    from chromseg.registry.rebuild.rebuild import rebuild_version
    from chromseg.registry.store.compare import compare_runs
    from chromseg.registry.transfer.arrival import import_version
    from chromseg.registry.transfer.export import export_version
    from chromseg.registry.versions.listing import list_versions, show
    from chromseg.registry.versions.measurement import evaluate
    from chromseg.registry.versions.register import register
    from chromseg.registry.versions.resolve import resolve, version_of_result
    from chromseg.registry.versions.retirement import retire
    from chromseg.registry.versions.verify import verify

_VERBS = {
    "log.beginning": ("init_store",),
    "promotion": ("history", "judge_promotion", "promote", "rollback"),
    "rebuild.rebuild": ("rebuild_version",),
    "store.compare": ("compare_runs",),
    "transfer.arrival": ("import_version",),
    "transfer.export": ("export_version",),
    "versions.measurement": ("evaluate",),
    "versions.listing": ("list_versions", "show"),
    "versions.register": ("register",),
    "versions.resolve": ("resolve", "version_of_result"),
    "versions.retirement": ("retire",),
    "versions.verify": ("verify",),
}
_MODULE = {verb: module for module, verbs in _VERBS.items() for verb in verbs}

__all__ = [
    "compare_runs",
    "evaluate",
    "export_version",
    "history",
    "import_version",
    "init_store",
    "judge_promotion",
    "list_versions",
    "promote",
    "rebuild_version",
    "register",
    "resolve",
    "retire",
    "rollback",
    "show",
    "verify",
    "version_of_result",
]


def __getattr__(name: str) -> Any:
    """Import a verb on first use."""
    if name in _MODULE:
        return getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
