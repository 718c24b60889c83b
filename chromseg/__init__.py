"""ChromSeg-Ops: version, train, register and run chromosome segmentation.

The public Python interface is `load_predictor`; everything heavy is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
DEFAULT_MODEL = "models:/cascade@champion"  # where none is named
KARYOTYPE_MODEL = "models:/karyotype@champion"  # the same for karyograms
__all__ = ["DEFAULT_MODEL", "KARYOTYPE_MODEL", "__version__", "load_predictor"]

if TYPE_CHECKING:
    from chromseg.api import load_predictor


def __getattr__(name: str) -> Any:
    """Import `load_predictor` on first use: torch and MLflow cost seconds that `--help` must not pay."""
    if name == "load_predictor":
        from chromseg.api import load_predictor

        return load_predictor
    raise AttributeError(f"module 'chromseg' has no attribute {name!r}")
