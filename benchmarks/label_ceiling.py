"""How good can a score get on labels drawn by hand, which are a pixel off here and there?

    python -m benchmarks.label_ceiling             # needs data/bioimlab; a minute on one core

Every point of every outline is moved by one pixel, and the result judged against the outlines as they were. Somebody
who predicts the truth exactly scores about so against labels a pixel off.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from chromseg.annotations import (
    Dataset,
    chromosome_map,
    crossing_clusters,
    crossing_map,
    load_masks,
    rasterize,
    read_dataset,
)
from chromseg.annotations.rasterize import Polygons
from chromseg.arrays import Bool
from chromseg.dvc import folder_md5
from chromseg.errors import DataError
from chromseg.files import write_json
from chromseg.metrics import CutoutScore, match_instances, splice_quality, summarize_cutouts
from chromseg.registry.lineage.gather import git_state

JUDGED = ("iou_crossing", "overlap_acc", "sp_acc", "sp_acc_90", "overall_acc")  # what its report holds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/bioimlab"))
    parser.add_argument("--pixels", type=float, default=1.0, help="standard deviation of the jitter, in x and in y")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("reports/label_ceiling.json"))
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.data)
    judged = list(judge(dataset, arguments.pixels, np.random.default_rng(arguments.seed)))
    metrics = summarize_cutouts([score for score, _ in judged])
    ious = np.concatenate([found for _, found in judged])
    report = {
        "what": f"outlines jittered by {arguments.pixels:g} px, judged against the outlines as annotated",
        **{key: metrics[key] for key in (*JUDGED, "n_images")},
        "instances_80": float((ious >= 0.8).mean()),
        "seed": arguments.seed,
        "data_md5": folder_md5(dataset.root),
        "git_commit": git_state()[0],
    }
    write_json(arguments.out, report)
    print(f"crossing IoU {report['iou_crossing']:.3f}, overall {report['overall_acc']:.3f}; see {arguments.out}")


def judge(dataset: Dataset, pixels: float, rng: np.random.Generator) -> Iterator[tuple[CutoutScore, np.ndarray]]:
    """Each crossing cluster as if its jittered outlines were predicted, and the IoU of each of its chromosomes."""
    for image in dataset.images:
        masks, outlines = load_masks(dataset, image), list(polygons_of(dataset, image.id))
        moved = [jitter(outline, pixels, rng) for outline in outlines]
        pred = np.stack([rasterize(outline, image.height, image.width) for outline in moved])
        for number, cluster in enumerate(crossing_clusters(masks)):
            own = list(cluster.indices)
            yield _judge_cluster(f"{image.file_name}-{number}", image.case, pred[own], masks[own] & cluster.region)


def polygons_of(dataset: Dataset, image_id: int) -> Iterator[Polygons]:
    """The outlines of an image.

    Raises:
        DataError: One is a raster mask, whose points cannot be moved.
    """
    for instance in dataset.instances_of[image_id]:
        if isinstance(instance.segmentation, dict):
            raise DataError(
                f"annotation {instance.id} of {dataset.root} is a raster mask",
                expected="outlines as polygons, drawn by hand",
                remedy="name a set that was drawn as polygons, such as bioimlab",
            )
        yield instance.segmentation


def jitter(outline: Polygons, pixels: float, rng: np.random.Generator) -> Polygons:
    """Every coordinate moved by Gaussian noise of `pixels`."""
    return [(np.array(polygon) + rng.normal(0, pixels, len(polygon))).tolist() for polygon in outline]


def _judge_cluster(name: str, case_id: str, pred: Bool, target: Bool) -> tuple[CutoutScore, np.ndarray]:
    score = CutoutScore.from_maps(
        name,
        case_id,
        pred_crossing=crossing_map(pred),
        true_crossing=crossing_map(target),
        pred_chromosome=chromosome_map(pred),
        true_chromosome=chromosome_map(target),
    )
    return replace(score, splice=splice_quality(pred, target)), match_instances(pred, target)[1]


if __name__ == "__main__":
    main()
