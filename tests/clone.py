"""A fresh clone of this project, with DVC at work in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Clone:
    """The last commit in a folder of its own: nothing is there that git does not know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)

    def dvc(self, *arguments: str) -> str:
        """What `dvc …` prints there; it must succeed."""
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        answer = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder.parent), "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout
