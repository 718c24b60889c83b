"""A cohort whose model is a threshold, so that Ray is what is tried: for tests, and for measurements of Ray alone.

    python -m benchmarks.stub_cohort PICTURES --out DST --ray HOST:PORT --notes FILE

Prints a line of JSON for each outcome as it comes. Each worker notes in FILE with what it begins: name of the picture,
its process, its node. A picture with "deadly" in its name takes its worker with it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import ray
from PIL import Image
from torch import Tensor, nn

from chromseg.arrays import Bool
from chromseg.cohort import run
from chromseg.cohort.cohort import FOLDERS, PARQUET, Cohort
from chromseg.cohort.outcome import PictureOutcome
from chromseg.cohort.tally import Tally
from chromseg.config import ModelConfig
from chromseg.errors import ChromsegError
from chromseg.images.pictures import Picture
from chromseg.inference.asked import Asked
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.result import ModelIdentity, Result
from chromseg.models.maps import Maps
from chromseg.models.package import ModelCard

CHROMOSOMES = 4  # in every picture of `draw_pictures`
DEADLY = "deadly"
_IDENTITY = ModelIdentity("stub", "1", "5" * 64, {}, None, {}, "0")


class Begun(NamedTuple):
    """One line of notes: who began with which picture."""

    picture: str
    process: int
    node: str


class Thresholds(nn.Module):
    """Chromosome is what absorbs, crossing what absorbs nearly all."""

    def forward(self, x: Tensor) -> Maps:
        """Maps of absorbance (N, 1, H, W)."""
        return Maps(40 * (x - 0.25), 40 * (x - 0.8), None)


@dataclass(frozen=True)
class StubPredictor(MapPredictor):
    """Notes what it begins with, rests, and dies at a deadly picture."""

    notes: Path = field(kw_only=True)
    pause: float = field(kw_only=True)
    first: list[Result] | None = field(kw_only=True)

    def predict_page(self, picture: Picture, asked: Asked, name: str = "the image") -> Result:
        """As of `Predictor`, if it lives that long."""
        note(self.notes, Path(name).stem)
        if DEADLY in name:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.pause)
        if self.first is None:
            return super().predict_page(picture, asked, name)
        if not self.first:
            self.first.append(super().predict_page(picture, asked, name))
        return self.first[0]


@dataclass(frozen=True)
class Stub:
    """Loads the stub.

    Attributes:
        notes: File of the notes.
        pause: Seconds that a picture takes beside the work on it.
        deadly: Whether it takes its worker with it as soon as it is loaded.
        same: Whether every picture gets the result of the worker's first, which costs next to nothing.
    """

    notes: Path
    pause: float = 0.0
    deadly: bool = False
    same: bool = False
    identity: ModelIdentity = _IDENTITY

    def load(self, device: str) -> StubPredictor:
        """The predictor."""
        if self.deadly:
            note(self.notes, "model")
            os.kill(os.getpid(), signal.SIGKILL)
        card = ModelCard("stub", ModelConfig("unet"), chromosome_width=11.0, chromosome_area=600)
        extra = {"notes": self.notes, "pause": self.pause, "first": [] if self.same else None}
        return StubPredictor(card, self.identity, network=Thresholds(), **extra)  # type: ignore[arg-type]


def repeat_picture(folder: Path, count: int) -> list[str]:
    """One picture under so many names, which are given."""
    names = [f"p{number:06}" for number in range(count)]
    draw_pictures(folder, names[:1])
    for name in names[1:]:
        (folder / f"{name}.png").hardlink_to(folder / f"{names[0]}.png")
    return names


def note(file: Path, name: str) -> None:
    """Add a line on what this worker begins with."""
    begun = Begun(name, os.getpid(), ray.get_runtime_context().get_node_id())
    with file.open("a", encoding="utf-8") as notes:
        notes.write(json.dumps(begun) + "\n")


def draw_pictures(folder: Path, names: Sequence[str]) -> None:
    """Pictures of 18 kB each, of a cross and two singles, told apart by their noise."""
    masks: Bool = np.zeros((CHROMOSOMES, 200, 200), dtype=bool)
    masks[0, 30:41, 20:100] = masks[1, 10:80, 50:61] = masks[2, 120:180, 40:51] = masks[3, 120:131, 100:170] = True
    clean = np.choose(masks.sum(axis=0), [220, 120, 40])
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        noise = np.random.default_rng(seed).normal(0, 2, clean.shape)
        Image.fromarray(np.clip(clean + noise, 0, 255).astype(np.uint8)).save(folder / f"{name}.png")


def read_notes(file: Path) -> list[Begun]:
    """What was begun so far; a line that is being written is left away."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [Begun(*json.loads(line)) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures")
    parser.add_argument("--out", required=True)
    parser.add_argument("--ray", required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds that a picture takes beside the work on it")
    parser.add_argument("--part", type=int, default=256, help="pictures of a part of the tables")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--format", choices=[PARQUET, FOLDERS], default=PARQUET)
    parser.add_argument("--deadly-model", action="store_true", help="a worker that loads the model dies")
    parser.add_argument("--same", action="store_true", help="a worker gives every picture the result of its first")
    given = parser.parse_args()
    run._PART = given.part
    loader = Stub(given.notes, given.pause, given.deadly_model, given.same)
    cohort = Cohort((given.pictures,), given.out, loader, address=given.ray, format=given.format, workers=given.workers)
    try:
        cohort.run(tell)
    except ChromsegError as error:
        raise SystemExit(str(error)) from None


def tell(outcome: PictureOutcome, tally: Tally) -> None:
    """Print an outcome."""
    said = {"picture": outcome.file.key, "status": outcome.status, "rule": outcome.rule, "count": outcome.count}
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
