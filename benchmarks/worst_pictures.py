"""The pictures in which a model leaves a technician most to mend, drawn, for a person to look at.

    python -m benchmarks.worst_pictures MODEL [--data data/bioimlab …] [--split val] [--limit N] [--most 10]
                                        [--out reports/worst]

One sheet a dataset, worst first: the truth, where what was not found at IoU ≥ 0.8 is framed, and what was handed out,
where what is no outline of a chromosome at that IoU is framed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.families import Page, pages, score_of
from chromseg import load_predictor
from chromseg.annotations import load_masks
from chromseg.arrays import F32, U8, Bool
from chromseg.inference.overlay import draw_overlay
from chromseg.inference.predictor import Predictor
from chromseg.inference.sheets import GalleryRow, gallery
from chromseg.models.device import usable_device
from chromseg.partition.cluster import NEEDS_REVIEW

_SIDE = 800  # px of a drawing on the sheet


class Judged(NamedTuple):
    """One picture: its edits, what is said of it, and truth and result drawn, uint8 (h, w, 3)."""

    edits: int
    caption: str
    drawn: tuple[U8, U8]


def main() -> None:
    arguments = parse_arguments()
    predictor = load_predictor(arguments.model, device=usable_device())
    arguments.out.mkdir(parents=True, exist_ok=True)
    for data in arguments.data:
        judged = [judge(predictor, page) for page in pages(data, arguments.split, arguments.limit)]
        worst = sorted(judged, key=lambda each: -each.edits)[: arguments.most]
        note = f"{data.name}, {arguments.split}: the {len(worst)} worst of {len(judged)}"
        rows = [GalleryRow(each.caption, each.drawn) for each in worst]
        headings = ("truth, missed ones framed", "handed out, wrong ones framed")
        sheet = gallery(rows, headings=headings, side=_SIDE, note=note)
        Image.fromarray(sheet).save(arguments.out / f"{data.name}.png")
        print(note, [each.caption for each in worst], sep="\n", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, nargs="+", default=[Path("data/bioimlab")])
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=int, default=0, help="only so many images of the split, evenly spread")
    parser.add_argument("--most", type=int, default=10, help="pictures on a sheet")
    parser.add_argument("--out", type=Path, default=Path("reports/worst"))
    return parser.parse_args()


def judge(predictor: Predictor, page: Page) -> Judged:
    """Predict on one picture, compare and draw."""
    result, truth = predictor.predict(page.path), load_masks(page.dataset, page.image)
    score = score_of(result, page)
    found = np.array([instance.mask for instance in result.instances], dtype=bool).reshape(-1, *truth.shape[1:])
    said = sum(bool(instance.flags) for instance in result.instances)
    caption = (
        f"{page.image.file_name}: {score.edits} edits, {int(score.recovered.sum())} of {len(truth)} found at 0.8, "
        f"{score.count} handed out, {said} flagged"
    )
    drawn = (framed(result.absorbance, truth, ~score.recovered), framed(result.absorbance, found, ~score.right))
    return Judged(score.edits, caption, drawn)


def framed(picture: F32, masks: Bool, doubted: Bool) -> U8:
    """Masks bool (N, H, W) over their picture float32 (H, W), those of `doubted` bool (N,) framed."""
    return draw_overlay(picture, masks, flags=[(NEEDS_REVIEW,) if doubt else () for doubt in doubted.tolist()])


if __name__ == "__main__":
    main()
