"""A model tried out in a process of its own: does it run, does it find what is known to be there, what does it cost?

It is loaded as its users load it, out of its MLflow package, and must answer what the model folder inside answers. Run
as a module, this file takes the package's folder and writes what it measured, as JSON, to standard output.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromseg.registry.gates.golden import golden_set
from chromseg.registry.gates.measured import Measured, measured_of
from chromseg.registry.gates.naming_trial import name_golden_set, names
from chromseg.registry.log.entries import timestamp
from chromseg.registry.store.quiet import quieten
from chromseg.registry.versions.package_files import MODEL

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

_PATIENCE = 300  # seconds


def measure(package: Path) -> Measured:
    """Try a model out in a process of its own.

    Args:
        package: Folder of its MLflow package.
    """
    command = [sys.executable, "-W", "ignore", "-m", __name__, str(package.resolve())]
    settings = os.environ | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=settings, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return Measured(None, None, None, f"no answer within {_PATIENCE} s")
    try:
        return Measured(**json.loads(done.stdout))
    except (ValueError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Measured(None, None, None, f"the process died with exit code {done.returncode}: {last}")


def probe_package(package: Path) -> Measured:
    """Load a packed model without pickle, predict the golden set, compare with its truth.

    Args:
        package: Folder of its MLflow package.
    """
    from mlflow.exceptions import MlflowException

    from chromseg.errors import ChromsegError

    try:
        measured = name_golden_set(package / MODEL) if names(package / MODEL) else _predict(package)
    except (ChromsegError, MlflowException, RuntimeError, ValueError, TypeError, OSError) as error:
        return Measured(None, None, None, f"{type(error).__name__}: {error}")
    return replace(measured, memory_mib=_peak_memory(), at=timestamp())


def _peak_memory() -> float:
    """The most that this process has held so far, in MiB."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset / 2**20)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes, Linux KiB


def _predict(package: Path) -> Measured:
    import mlflow.pyfunc

    from chromseg.inference.exports import to_coco
    from chromseg.inference.load import predictor_from_folder

    pictures = golden_set()
    with _no_pickle():
        small = min(pictures, key=lambda picture: len(picture.content))  # equal on one is equal on all, in less time
        expected = json.loads(json.dumps(to_coco(predictor_from_folder(package / MODEL).predict(small.content))))
        packed = mlflow.pyfunc.load_model(str(package))
        answers, seconds = [], []
        for picture in pictures:
            start = time.perf_counter()
            answers.append(_answer(packed, picture.content))
            seconds.append(time.perf_counter() - start)
    problem = next(filter(None, map(_incomplete, answers)), "")
    if expected != answers[pictures.index(small)]:
        problem = f"through MLflow it answers otherwise than its folder ({small.name})"
    found = [picture.found(answer) if not problem else 0 for picture, answer in zip(pictures, answers, strict=True)]
    return measured_of(
        {each.name: (hits, len(each.masks)) for each, hits in zip(pictures, found, strict=True)}, seconds[0], problem
    )


def _answer(packed: PyFuncModel, content: bytes) -> dict[str, Any]:
    """What a picture's row becomes, as MLflow's own server asks for it."""
    import pandas as pd

    row = packed.predict(pd.DataFrame({"image": pd.Series([content], dtype=object)}))
    answer: dict[str, Any] = json.loads(row["instances"][0])
    return answer


def _incomplete(answer: dict[str, Any]) -> str:
    """What the answer lacks of the contract (contract §7); "" if nothing."""
    lacking = {"images", "annotations", "model", "validation"} - answer.keys()
    for annotation in answer.get("annotations", []):
        lacking |= {
            "id",
            "image_id",
            "category_id",
            "segmentation",
            "bbox",
            "area",
            "score",
            "flags",
        } - annotation.keys()
    return f"its answer lacks {', '.join(sorted(lacking))}" if lacking else ""


@contextmanager
def _no_pickle() -> Iterator[None]:
    """Every attempt to unpickle raises."""

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("the model wants to be unpickled")

    class Refusing(pickle.Unpickler):  # a class: libraries that are imported only now may derive from it
        __init__ = refuse

    stand_ins = {"load": refuse, "loads": refuse, "Unpickler": Refusing}
    before = {name: getattr(pickle, name) for name in stand_ins}
    for name, stand_in in stand_ins.items():
        setattr(pickle, name, stand_in)
    try:
        yield
    finally:
        for name, own in before.items():
            setattr(pickle, name, own)


def main() -> None:
    """Import what a prediction needs, while unpickling is still allowed, and try the model out."""
    quieten()
    for module in (
        "chromseg.inference.load",
        "chromseg.inference.karyotyping",
        "chromseg.metrics.splicing",
        "mlflow.pyfunc",
    ):
        import_module(module)
    sys.dont_write_bytecode, sys.pycache_prefix = True, os.devnull  # of the package, code as written and no other
    print(json.dumps(asdict(probe_package(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
