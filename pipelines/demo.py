"""`make demo`: train a variant on the samples, cut a picture with the bundled model, register what was trained."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chromseg.metrics.catalogue import TEST

VARIANT = "chromseg-0"
MODEL = Path("models") / VARIANT
SCORES = Path("reports/default/scores") / VARIANT / "metrics.json"
OUT = Path("demo")
STAINS = {"drawn": "synthetic", "DAPI": "dapi"}  # heading → stain of its dataset


def main() -> None:
    """Run the steps, each as the command that a user would type."""
    run("dvc", "pull", "--quiet", "data.dvc", "bundled.dvc")
    run("dvc", "repro", f"evaluate@{VARIANT}")
    print(f"\nTest metrics of {VARIANT} on the built-in samples (a few minutes of training):")
    print(table(json.loads(SCORES.read_text(encoding="utf-8"))))
    run("chromseg-ops", "init", "--with-bundled")
    picture = sorted(Path("data/sample/images").iterdir())[0]
    run("chromseg-ops", "predict", str(picture), "--out", str(OUT))
    print(f"\nThe picture, cut: {OUT / picture.stem / 'overlay.png'}")
    run("chromseg-ops", "models", "register", str(MODEL), "--name", "chromseg")
    run("chromseg-ops", "models", "list")


def table(scores: Mapping[str, Any]) -> str:
    """The metrics of `metrics.json`, a line each: on all test pictures, on the drawn ones, on the real ones."""
    lines = [_line("", ["all", *STAINS])]
    for name, value in scores["metrics"].items():
        slices = (f"test/slice/stain/{stain}/{name.removeprefix(TEST)}" for stain in STAINS.values())
        values = (value, *(scores["slices"].get(key) for key in slices))
        lines.append(_line(name, ["–" if one is None else f"{one:.3f}" for one in values]))
    return "\n".join(lines)


def _line(name: str, cells: Sequence[str]) -> str:
    return f"  {name:26}" + "".join(f"{cell:>8}" for cell in cells)


def run(*command: str) -> None:
    """Show a command and run it; stop where it fails."""
    print("\n$", " ".join(command), flush=True)
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
