"""Training runs where nothing of the operations side is installed."""

from __future__ import annotations

import subprocess
import sys

ABSENT = ["mlflow", "dvc", "great_expectations", "pandas", "matplotlib", "fastapi", "pycocotools"]


def test_training_imports_without_the_operations_side() -> None:
    block = f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r}))"
    code = f"{block}; import chromseg.training.loop, chromseg.models.package"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
