"""Which extra brings a library that is not installed: the core predicts, everything else is asked for by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from chromseg.errors import MissingExtraError

# extra of pyproject.toml → modules that our code imports and the core lacks; one in two extras stands where it is met
EXTRAS = {
    "data": ("defusedxml", "dvc", "dvc_data", "great_expectations", "h5py", "matplotlib"),
    "train": ("accelerate", "tqdm"),
    "registry": ("alembic", "mlflow", "pandas", "psutil", "sqlalchemy"),
    "cluster": ("pyarrow", "ray"),
    "microscopes": ("liffile", "nd2", "pylibCZIrw", "zarr"),
    "serve": ("fastapi", "h11", "prometheus_client", "starlette", "uvicorn"),
}
_EXTRA_OF = {module: extra for extra, modules in EXTRAS.items() for module in modules}


@contextmanager
def named_if_missing() -> Iterator[None]:
    """Say of a library that is not installed which extra has it.

    Raises:
        MissingExtraError: An import within the block found no such library.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in _EXTRA_OF:
            raise
        raise _missing(module) from error


def require(module: str) -> None:
    """Make sure of a library that is run as a program and never imported.

    Raises:
        MissingExtraError: It is not installed.
    """
    if find_spec(module) is None:
        raise _missing(module)


def _missing(module: str) -> MissingExtraError:
    extra = _EXTRA_OF[module]
    return MissingExtraError(
        f"{module} is not installed",
        expected=f"the extra `{extra}`, which has it",
        remedy=f"pip install 'chromseg-ops[{extra}]'",
    )
