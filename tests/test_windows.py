"""Laboratories have Windows: the core, `predict`, `partition` and a server of one worker need nothing that it lacks.

There is no Windows here. Our code is run where it finds neither POSIX's modules nor its functions, and where files and
pipes have the letters of a Western Windows unless set otherwise; libraries of others run as they do here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bare import without
from drawn_cells import drawn_cell
from PIL import Image

from chromseg.extras import EXTRAS

ROOT = Path(__file__).parents[1]
PRETEND = "import windows_like; windows_like.pretend()\n"


def there(code: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code as on Windows."""
    words = [sys.executable, "-X", "warn_default_encoding", "-c", PRETEND + code, *map(str, arguments)]
    paths = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    settings = os.environ | {"PYTHONPATH": paths, "PYTHONIOENCODING": "cp1252"}
    return subprocess.run(words, capture_output=True, encoding="utf-8", cwd=cwd, env=settings, check=False)


CORE = (
    "annotations",
    "images",
    "importers",
    "inference",
    "metrics",
    "models",
    "partition",
    "serving",
    "synthesis",
    "validation",
)


def test_the_pretence_is_seen_by_our_code_alone(tmp_path: Path) -> None:
    ask = (
        "import os, chromseg.cores, chromseg.files\n"
        "print(os.name, chromseg.cores.os.name, hasattr(chromseg.cores.os, 'fork'), chromseg.files.fcntl)\n"
    )
    assert there(ask, cwd=tmp_path).stdout == "posix nt False None\n"


def test_every_module_of_the_core_can_be_imported(tmp_path: Path) -> None:
    areas = [file for area in CORE for file in sorted((ROOT / "chromseg" / area).rglob("*.py"))]
    files = [*(ROOT / "chromseg").glob("*.py"), *areas, *(ROOT / "chromseg" / "cli").glob("*.py")]
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    answer = there(f"import importlib\n[importlib.import_module(name) for name in {modules!r}]", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr[-2000:]


COMMANDS = """
import sys
from chromseg.cli.app import main
for words in sys.argv[1:]:
    sys.argv[1:] = words.split("|")
    try:
        main()
    except SystemExit as end:
        print(end.code)
"""


def test_predict_and_partition_work_and_write_names_that_windows_can_hold(
    make_model: Callable[..., Path], tmp_path: Path
) -> None:
    names = {
        "con.png": "con_",
        "zelle ≥3.png": "zelle ≥3",
        "end..png": "end_",
        "a:b.png": "a_b",
        "day 1./x.png": "day 1_/x",
    }
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn_cell()[0]).save(tmp_path / "in" / name)
    chromosome, crossing = np.zeros((2, 120, 120), dtype=np.uint8)
    chromosome[50:70, 10:110] = chromosome[10:110, 50:70] = crossing[50:70, 50:70] = 255
    for name, pixels in (("chromosome_nul.png", chromosome), ("crossing_nul.png", crossing)):
        Image.fromarray(pixels).save(tmp_path / name)
    predict = f"predict|in|--model|{make_model()}|--out|out|--json"
    answer = there(COMMANDS, predict, predict, "partition|.|--out|parts|--json", cwd=tmp_path)
    first, again, parts = map(json.loads, re.findall(r"^\{.*?^\}\n(?=0$)", answer.stdout, re.DOTALL | re.MULTILINE))
    folders = {each["file"]: each["folder"] for each in first["results"]}
    assert folders == {f"in/{name}": f"out/{folder}" for name, folder in names.items()}
    assert all((tmp_path / folder / "instances.json").is_file() for folder in folders.values())
    assert again["skipped"] == len(names)
    (result,) = parts["results"]
    assert (result["folder"], result["chromosomes"]) == ("parts/nul_", 2)


SERVE = """
import io, signal, sys, threading, urllib.request
from chromseg.serving.run import serve
from chromseg.serving.settings import ServeSettings

def ask(url):
    with urllib.request.urlopen(f"{url}/v1/segment", open("cell.png", "rb").read(), timeout=120) as answer:
        print(answer.status, len(answer.read()) > 100)
    with urllib.request.urlopen(url, timeout=120) as answer:
        print(answer.status, b"<html" in answer.read())
    signal.raise_signal(signal.SIGTERM)

settings = ServeSettings(model=sys.argv[1], port=0, splicers=1)
serve(settings, lambda url: threading.Thread(target=ask, args=(url,)).start())
"""


def test_a_server_of_one_worker_answers_and_ends(make_model: Callable[..., Path], tmp_path: Path) -> None:
    """With a model folder; of the extras it has `serve` alone."""
    Image.fromarray(drawn_cell()[0]).save(tmp_path / "cell.png")
    absent = {module for extra, modules in EXTRAS.items() if extra != "serve" for module in modules}
    answer = there(without(absent) + SERVE, make_model(), cwd=tmp_path)
    assert answer.stdout == "200 True\n200 True\n", answer.stderr[-2000:]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("serve", "--workers", "2"), "--workers 2 on Windows; expected --workers 1"),
        (("ui",), "`chromseg-ops ui` on Windows; expected Linux or macOS"),
    ],
)
def test_what_needs_linux_says_so_in_one_line(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    answer = there(COMMANDS, "|".join(words), cwd=tmp_path)
    assert answer.stdout == "1\n"
    (line,) = answer.stderr.splitlines()
    assert told in line
