"""`predict` and `serve` give the same instances for the same image, also when images share a batch."""

from __future__ import annotations

import dataclasses
import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clone import Clone
from drawn_cells import drawn_cell, threshold_predictor
from PIL import Image
from serving_app import MemorySource, client, running_server
from tiny_detector import UCRD, save_tiny
from typer.testing import CliRunner

from chromseg.cli.app import app
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.predictor import Predictor


def predicted(folder: Path, out: Path) -> dict[str, Any]:
    """What `predict` writes, by file name."""
    done = CliRunner().invoke(app, ["predict", str(folder), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in out.rglob("instances.json")}


def served(url: str, file: Path) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/v1/segment?format=coco", file.read_bytes(), timeout=120) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def without_names(result: dict[str, Any]) -> dict[str, Any]:
    """A result without names, which a server does not tell, and without the count of rules, which a folder shares."""
    for block in result["validation"].values():
        block |= {"name": "", "checks": [], "failures": [failure | {"file": ""} for failure in block["failures"]]}
    result["images"][0]["file_name"] = ""
    result["model"]["version"] = None
    return result


def compare(predictor: Predictor, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Send all pictures at once; return the batch sizes."""
    monkeypatch.setattr("chromseg.api.load_predictor", lambda uri, device: predictor)
    expected = predicted(folder, tmp_path / "out")
    files = sorted(folder.iterdir())
    with running_server(source=MemorySource(predictor), splicers=2) as url, ThreadPoolExecutor(len(files)) as clients:
        answers = list(clients.map(lambda file: served(url, file), files))
        with urllib.request.urlopen(f"{url}/metrics") as metrics:
            text = metrics.read().decode()
    assert len(expected) == len(files)
    for file, answer in zip(files, answers, strict=True):
        assert without_names(answer) == without_names(expected[file.stem]), file.name
    assert sum(len(answer["annotations"]) for answer in answers) > len(files)
    return [float(line.split()[1]) for line in text.splitlines() if line.startswith("chromseg_batch_size_count ")]


def test_a_known_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cells"
    folder.mkdir()
    for number in range(8):
        Image.fromarray(np.roll(drawn_cell()[0], 5 * number, axis=1)).save(folder / f"{number}.png")
    compare(threshold_predictor(), folder, tmp_path, monkeypatch)


def test_a_detector_from_its_folder(tmp_path: Path) -> None:
    """Loaded from its files by `predict --model`; every instance has a score and an uncertainty, and is drawn."""
    certain = {"instances": {"score": 0.0}}
    config = dataclasses.replace(UCRD, score_min=0.0)
    model = save_tiny(tmp_path / "model", config, chromosome_width=11.0, preprocessing=certain)
    picture = tmp_path / "cell.png"
    Image.fromarray(drawn_cell()[0]).save(picture)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["predict", str(picture), "--model", str(model), "--out", str(out)])
    assert done.exit_code == 0, done.output
    expected = json.loads((out / "cell" / "instances.json").read_text(encoding="utf-8"))
    with client(MemorySource(predictor_from_folder(model))) as server:
        answer = server.post("/v1/segment?format=coco", content=picture.read_bytes())
    assert answer.status_code == 200, answer.text
    assert without_names(answer.json()) == without_names(expected)
    assert len(expected["annotations"]) > 1
    assert all(0 < found[key] < 1 for found in expected["annotations"] for key in ("score", "uncertainty"))
    with Image.open(out / "cell" / "overlay.png") as overlay:
        hues = np.ptp(np.asarray(overlay.convert("RGB"), dtype=int), axis=2)
    assert (hues > 40).any(), "coloured, though the picture is grey"


@pytest.mark.slow
def test_the_model_in_the_box(clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone.dvc("pull", "data.dvc", "bundled.dvc")
    folder = tmp_path / "cells"
    folder.mkdir()
    for number, file in enumerate(sorted((clone.folder / "data" / "sample" / "images").rglob("*.png"))[:6]):
        with Image.open(file) as picture:
            for part, corner in enumerate(((0, 0), (60, 40))):
                box = (*corner, corner[0] + 256, corner[1] + 256)
                picture.crop(box).save(folder / f"{number}-{part}.png")
    (count,) = compare(predictor_from_folder(clone.folder / "bundled" / "chromseg"), folder, tmp_path, monkeypatch)
    assert count < 12, "no batch was shared"
