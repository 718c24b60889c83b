"""Draw docs/overview.png: part of a picture of the built-in sample, what stage 1 found, and what came out.

python -m benchmarks.readme_picture [--model models:/chromseg@champion]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from chromseg import load_predictor
from chromseg.annotations import find_clusters, load_masks, read_dataset
from chromseg.boxes import box_of
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.overlay import draw_overlay
from chromseg.inference.postprocess import binarize, smoothed
from chromseg.inference.sheets import GalleryRow, contact_sheet, gallery

SIDE = 110


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="models:/chromseg@champion")
    parser.add_argument("--out", type=Path, default=Path("docs/overview.png"))
    arguments = parser.parse_args()
    dataset = read_dataset(Path("data/sample"))
    predictor = load_predictor(arguments.model)
    if not isinstance(predictor, MapPredictor):
        parser.error(f"{arguments.model} draws no maps, which the picture shows: name a network of maps")
    record = dataset.in_split("test")[0]
    cluster = max(
        (c for c in find_clusters(load_masks(dataset, record)) if c.has_crossing), key=lambda c: len(c.indices)
    )
    row, col = ((cluster.bbox[i] + cluster.bbox[i + 2]) // 2 for i in (0, 1))
    top, left = (
        max(0, min(middle - SIDE // 2, size - SIDE))
        for middle, size in zip((row, col), cluster.region.shape, strict=True)
    )
    window = (slice(top, top + SIDE), slice(left, left + SIDE))
    result = predictor.predict(dataset.root / "images" / record.file_name, scale=1.0)
    probabilities = smoothed(predictor.infer(result.absorbance), predictor.postprocess)
    maps = binarize(probabilities, predictor.postprocess, result.absorbance)
    shown = [
        i
        for i in result.instances
        if window[0].start <= box_of(i.mask)[1]
        and box_of(i.mask)[3] <= top + SIDE
        and window[1].start <= box_of(i.mask)[0]
        and box_of(i.mask)[2] <= left + SIDE
    ]
    grey = np.rint(255 * (1 - result.absorbance[window])).astype(np.uint8)
    stage_1 = np.repeat(grey[..., None], 3, axis=2)
    stage_1[maps.chromosome[window]] = stage_1[maps.chromosome[window]] * [0.6, 0.8, 1.0]
    stage_1[maps.crossing[window]] = (220, 50, 30)
    overlay = draw_overlay(result.absorbance[window], [i.mask[window] for i in shown])
    sheet = contact_sheet([i.crop for i in shown], width=230)
    row_of = GalleryRow("", [grey, stage_1.astype(np.uint8), overlay, np.repeat(sheet[..., None], 3, axis=2)])
    page = gallery([row_of], headings=("picture", "chromosomes, crossings", "cut", "single chromosomes"), side=240)
    Image.fromarray(page).save(arguments.out)


if __name__ == "__main__":
    main()
