"""A model tried out in a process of its own: does it run, does it find what is known to be there, what does it cost?

Run as a module, this file imports PyTorch while the other process imports MLflow and looks into the store; it then
reads the model's folder from standard input and writes what it measured, as JSON, to standard output.
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
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("golden.png")
_FOUND = 0.5  # IoU
_PATIENCE = 300  # seconds


@dataclass(frozen=True)
class Measured:
    """What the trial gave.

    Attributes:
        recovered: Share of the golden picture's chromosomes found at IoU ≥ 0.5; None if it did not run.
        seconds: For the golden picture, once warm.
        memory_mib: Highest memory of the process.
        problem: Why it did not run, or what its answer lacked; "" if all is well.
    """

    recovered: float | None
    seconds: float | None
    memory_mib: float | None
    problem: str


class Probe:
    """The other process; started at once, so that it warms up while its user does something else."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
        )

    def measure(self, folder: Path) -> Measured:
        """Try the model in `folder` out, and end."""
        try:
            answer, complaint = self._process.communicate(str(folder.resolve()), timeout=_PATIENCE)
            return Measured(**json.loads(answer))
        except subprocess.TimeoutExpired:
            return Measured(None, None, None, f"no answer within {_PATIENCE} s")
        except (ValueError, TypeError):
            last = (complaint.strip().splitlines() or ["no message"])[-1]
            return Measured(None, None, None, f"the process died with exit code {self._process.returncode}: {last}")
        finally:
            self.stop()

    def stop(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def try_out(folder: Path) -> Measured:
    """Load a model without pickle, predict the golden picture twice, compare with its truth."""
    import resource

    from chromseg.errors import ChromsegError

    try:
        recovered, seconds, problem = _predict(folder)
    except (ChromsegError, RuntimeError, ValueError, TypeError, OSError) as error:
        return Measured(None, None, None, f"{type(error).__name__}: {error}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
    return Measured(recovered, seconds, memory, problem)


def _predict(folder: Path) -> tuple[float, float, str]:
    import numpy as np

    from chromseg.annotations.rasterize import decode_rle
    from chromseg.inference.exports import to_coco
    from chromseg.inference.load import predictor_from_folder
    from chromseg.metrics.overlap import mask_ious
    from chromseg.metrics.splicing import assign

    with _no_pickle():
        predictor = predictor_from_folder(folder)
        image = GOLDEN.read_bytes()
        predictor.predict(image)
        start = time.perf_counter()
        result = predictor.predict(image)
        seconds = time.perf_counter() - start
    truth = json.loads(GOLDEN.with_suffix(".json").read_text(encoding="utf-8"))
    height, width = truth["size"]
    target = np.stack([decode_rle({"size": [height, width], "counts": rle}, height, width) for rle in truth["masks"]])
    found = np.stack([each.mask for each in result.instances]) if result.instances else target[:0]
    _, ious = assign(mask_ious(found, target))
    return float((ious >= _FOUND).sum()) / len(target), seconds, _incomplete(json.loads(json.dumps(to_coco(result))))


def _incomplete(answer: dict[str, Any]) -> str:
    """What the answer lacks of the contract (design §7); "" if nothing."""
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
    """Import what a prediction needs, then wait for a folder."""
    import_module("chromseg.inference.load")
    import_module("chromseg.metrics.splicing")
    folder = sys.stdin.read()
    if folder:
        print(json.dumps(asdict(try_out(Path(folder)))))


if __name__ == "__main__":
    main()
