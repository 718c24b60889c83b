"""`make demo`: train a variant on the sample, cut a picture with the bundled model, register what was trained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

VARIANT = "chromseg-0"
MODEL = Path("models") / VARIANT
SCORES = Path("reports/default/scores") / VARIANT / "metrics.json"
OUT = Path("demo")


def main() -> None:
    """Run the steps, each as the command that a user would type."""
    run("dvc", "pull", "--quiet", "data.dvc", "bundled.dvc")
    run("dvc", "repro", f"evaluate@{VARIANT}")
    print(f"\nTest metrics of {VARIANT} on the built-in sample (synthetic, a few minutes of training):")
    for name, value in json.loads(SCORES.read_text(encoding="utf-8"))["metrics"].items():
        print(f"  {name:26} {'–' if value is None else f'{value:.3f}'}")
    run("chromseg-ops", "init", "--with-bundled")
    picture = sorted(Path("data/sample/images").iterdir())[0]
    run("chromseg-ops", "predict", str(picture), "--out", str(OUT))
    print(f"\nThe picture, cut: {OUT / picture.stem / 'overlay.png'}")
    run("chromseg-ops", "models", "register", str(MODEL), "--name", "chromseg")
    run("chromseg-ops", "models", "list")


def run(*command: str) -> None:
    """Show a command and run it; stop where it fails."""
    print("\n$", " ".join(command), flush=True)
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
