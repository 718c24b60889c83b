"""Which pictures a model calls strange: of kinds that it never saw, and of the stains that it knows.

    python -m benchmarks.strange_pictures MODEL_FOLDER [--known bioimlab mfish cil24] [--masked g-laid] [--count 20]

Of kinds that it never saw: R-bands (the bands of laid G-band metaphases reversed), phase contrast (the same pictures
as a phase plate would show them: outlines with halos), photographs (those that come with scikit-image), and metaphases
of a plant (twelve long chromosomes without bands, drawn). Of known stains: real pictures of test cases.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage import data

from chromseg.annotations import load_masks, read_dataset
from chromseg.arrays import U8, Bool
from chromseg.errors import InputRefusedError
from chromseg.images.pictures import read_grey
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.predictor import Predictor
from chromseg.project import dataset_folder
from chromseg.validation.rules import FAMILIAR

PHOTOGRAPHS = ("camera", "coins", "moon", "page", "brick", "grass", "gravel", "clock", "text", "cell")


def r_bands(grey: U8, masks: Bool) -> U8:
    """A G-band picture uint8 (H, W) with the bands of every chromosome, bool (N, H, W), reversed."""
    reversed_ = grey.astype(float)
    for mask in masks:
        inside = ndimage.binary_erosion(mask, iterations=2)
        if inside.any():
            low, high = np.percentile(grey[inside], [2, 98])
            reversed_[inside] = low + high - grey[inside]
    return np.asarray(np.rint(reversed_).clip(0, 255), dtype=np.uint8)


def phase_contrast(grey: U8) -> U8:
    """What a phase plate makes of a picture uint8 (H, W): steps instead of absorbance, each with a halo."""
    smooth = grey.astype(float)
    steps = ndimage.gaussian_filter(smooth, 1) - ndimage.gaussian_filter(smooth, 6)
    return np.asarray(np.rint(140 + 1.5 * steps).clip(0, 255), dtype=np.uint8)


def plant(rng: np.random.Generator) -> U8:
    """Twelve long, even chromosomes of 16 px, bent, dark on a grained light ground: uint8 (700, 900)."""
    picture = np.zeros((700, 900))
    for index in range(12):
        row, col = 90 + 170 * (index // 4), 60 + 220 * (index % 4)
        angle, points = rng.uniform(0, np.pi), []
        for _ in range(150):
            points.append((row, col))
            angle += rng.normal(0, 0.03)
            row, col = row + np.sin(angle) * 0.9, col + np.cos(angle) * 1.2
        for y, x in points:
            if 9 < y < 690 and 9 < x < 890:
                picture[int(y), int(x)] = 1
    body = ndimage.binary_dilation(picture > 0, iterations=8)
    grey = 225 - 130 * ndimage.gaussian_filter(body.astype(float), 1.5) + rng.normal(0, 4, body.shape)
    return np.asarray(np.rint(grey).clip(0, 255), dtype=np.uint8)


def photographs() -> Iterator[U8]:
    """Grey pictures of other things."""
    for name in PHOTOGRAPHS:
        picture = np.asarray(getattr(data, name)())
        yield picture if picture.ndim == 2 else picture[..., 1]


def pictures_of(name: str, count: int) -> Iterator[U8]:
    """About so many test pictures of a dataset, evenly spread."""
    known = read_dataset(dataset_folder(name))
    test = known.in_split("test")
    for record in test[:: max(1, len(test) // count)]:
        yield read_grey(known.root / "images" / record.file_name)


def outcomes(predictor: Predictor, pictures: Iterable[U8]) -> dict[str, int]:
    """How many pictures are refused, warned of as strange, or taken for familiar."""
    counts = {"refused": 0, "strange": 0, "familiar": 0}
    for picture in pictures:
        try:
            failures = predictor.predict(picture).validation["result"]["failures"]
        except InputRefusedError:
            counts["refused"] += 1
            continue
        counts["strange" if any(each["rule"] == FAMILIAR for each in failures) else "familiar"] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--known", nargs="*", default=["bioimlab", "mfish", "cil24"])
    parser.add_argument("--masked", default="g-laid")
    parser.add_argument("--count", type=int, default=20)
    arguments = parser.parse_args()
    predictor = predictor_from_folder(arguments.model)
    laid = read_dataset(dataset_folder(arguments.masked))
    records = laid.in_split("test")[: arguments.count]
    greys = {record.id: read_grey(laid.root / "images" / record.file_name) for record in records}
    rng = np.random.default_rng(0)
    kinds: dict[str, Iterable[U8]] = {
        "R-bands": (r_bands(greys[record.id], load_masks(laid, record)) for record in records),
        "phase contrast": (phase_contrast(grey) for grey in greys.values()),
        "photographs": photographs(),
        "plant": (plant(rng) for _ in range(arguments.count)),
    }
    for name in arguments.known:
        kinds[f"known: {name}"] = pictures_of(name, arguments.count)
    for kind, pictures in kinds.items():
        print(f"{kind}: {outcomes(predictor, pictures)}", flush=True)


if __name__ == "__main__":
    main()
