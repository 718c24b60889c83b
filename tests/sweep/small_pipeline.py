"""A pipeline of small commands, which note that they ran."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

STAGE = """\
import os, pathlib, sys, time, yaml
what, variant = sys.argv[1:3]
params = yaml.safe_load(open("params.yaml"))
with open("begun", "a") as begun:
    begun.write(f"{what}@{variant}\\n")
def write(folder, text):
    pathlib.Path(folder).mkdir(parents=True)
    pathlib.Path(folder, "result").write_text(text)
if what == "prepare":
    write("prepared", str(params["prepare"]))
elif what == "train":
    made = params["train"]["variants"][variant]
    if made == "bad":
        sys.exit("TrainingError: a loss that is not finite; expected numbers; lower optim.lr")
    if made == "slow":
        pathlib.Path("slow").write_text(str(os.getpid()))
        time.sleep(600)
    write(f"models/{variant}-0", made + pathlib.Path("prepared/result").read_text())
elif what == "evaluate":
    write(f"scores/{variant}-0", pathlib.Path(f"models/{variant}-0/result").read_text())
else:
    write("comparison", " ".join(sorted(each.read_text() for each in pathlib.Path("scores").glob("*/result"))))
"""
MATRIX = {"variant": ["a", "b"], "seed": [0]}
RUN = "${item.variant}-${item.seed}"
STAGES = {
    "prepare": {
        "cmd": "python stage.py prepare all",
        "deps": ["stage.py"],
        "params": ["prepare"],
        "plots": [{"prepared": {"cache": False}}],
    },
    "train": {
        "matrix": MATRIX,
        "cmd": "python stage.py train ${item.variant}",
        "deps": ["stage.py", "prepared"],
        "params": ["train.variants.${item.variant}"],
        "plots": [{f"models/{RUN}": {"cache": False}}],
    },
    "evaluate": {
        "matrix": MATRIX,
        "cmd": "python stage.py evaluate ${item.variant}",
        "deps": ["stage.py", f"models/{RUN}"],
        "outs": [{f"scores/{RUN}": {"cache": False}}],
    },
    "compare": {"cmd": "python stage.py compare all", "deps": ["models", "scores"], "outs": ["comparison"]},
}


def vary(project: Path, **variants: str) -> None:
    """Write params.yaml: what each variant shall do."""
    params = {"prepare": 1, "train": {"variants": {"a": "good", "b": "good"} | variants}}
    (project / "params.yaml").write_text(yaml.safe_dump(params))


def begun(project: Path) -> list[str]:
    """Which steps have run since this was last asked."""
    notes = project / "begun"
    found = notes.read_text().splitlines() if notes.is_file() else []
    notes.unlink(missing_ok=True)
    return found


def dvc(project: Path, *arguments: str) -> str:
    """What DVC prints."""
    program = Path(sys.executable).parent
    environment = {"PATH": f"{program}:/usr/bin:/bin", "HOME": str(project.parent), "DVC_NO_ANALYTICS": "true"}
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True, text=True).stdout
