"""A fresh clone of this project, with DVC at work in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Clone:
    """The last commit in a folder of its own: nothing is there that git does not know."""

    def __init__(self, folder: Path, *, shallow: bool = False) -> None:
        self.folder = folder
        source = ["--depth", "1", ROOT.as_uri()] if shallow else [str(ROOT)]
        subprocess.run(["git", "clone", "-q", *source, str(folder)], check=True)

    def dvc(self, *arguments: str) -> str:
        """What `dvc …` prints there; it must succeed."""
        return self.told(*arguments)[0]

    def told(self, *arguments: str) -> tuple[str, str]:
        """The same, and what it says on stderr."""
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
        return answer.stdout, answer.stderr
