"""Where a detector loses chromosomes that cross another: before NMS, in NMS, or in its masks.

    python -m benchmarks.crossing_losses [--model bundled/ucrd-net] [--profile bioimlab-ucrd] [--split val]
                                         [--images 12]

Of the chromosomes that cross another (40 px or more), and of the others, the share for which there is a proposal at
IoU ≥ 0.5, a box before NMS at IoU ≥ 0.75, one of these with class score ≥ 0.75, a mask at IoU ≥ 0.8 after each way of
NMS, and a mask at IoU ≥ 0.8 from the true box. At last the mean weight that region decomposition gives to the whole box
of those that cross another.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.ops import box_iou

from chromseg.annotations import Sample, read_samples
from chromseg.annotations.clusters import MIN_CROSSING_AREA
from chromseg.arrays import Bool
from chromseg.boxes import boxes_of
from chromseg.evaluation.study import changed
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.load import predictor_from_folder
from chromseg.metrics import mask_ious
from chromseg.models.ucrd_net import Detections
from chromseg.models.ucrd_net.detection import read_boxes
from pipelines.profile import Profile

_SURE, _LEAST = 0.75, 0.1  # class scores
WAYS: dict[str, dict[str, Any]] = {
    "as the model": {},
    "mask NMS at 0.7": {"nms": "mask", "nms_iou": 0.7},
    "box NMS at 0.5": {"nms": "box", "nms_iou": 0.5},
    "box NMS at 0.7": {"nms": "box", "nms_iou": 0.7},
    "box NMS at 0.9": {"nms": "box", "nms_iou": 0.9},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("bundled/ucrd-net"))
    parser.add_argument("--profile", default="bioimlab-ucrd", help="whose prepared samples")
    parser.add_argument("--split", default="val")
    parser.add_argument("--images", type=int, default=12)
    arguments = parser.parse_args()
    predictor = predictor_from_folder(arguments.model)
    assert isinstance(predictor, InstancePredictor)
    samples = read_samples(Profile(arguments.profile).prepared, splits=(arguments.split,), kinds=("metaphase",))
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    crossing, whole = [], []
    for sample in islice((sample for sample in samples if sample.masks is not None), arguments.images):
        assert sample.masks is not None
        crossing.append((sample.masks & sample.crossing).sum(axis=(1, 2)) >= MIN_CROSSING_AREA)
        for step, reached in steps(predictor, sample):
            found[step].append(reached)
        if predictor.network.config.region != "none":
            boxes = torch.tensor(boxes_of(sample.masks[crossing[-1]]), dtype=torch.float32).reshape(-1, 4)
            weights = predictor.network.region_maps(predictor.for_network(sample.image), boxes).weights
            whole += weights[-1].mean(dim=(1, 2)).tolist()
    crosses: Bool = np.concatenate(crossing)
    print(f"{crosses.sum()} chromosomes that cross another, {(~crosses).sum()} others")
    for step, each in found.items():
        all_of_them = np.concatenate(each)
        print(f"{step:36} {all_of_them[crosses].mean():.3f} {all_of_them[~crosses].mean():.3f}")
    if whole:
        print(f"mean weight of the whole box: {np.mean(whole):.4f}")


@torch.inference_mode()
def steps(predictor: InstancePredictor, sample: Sample) -> Iterator[tuple[str, np.ndarray]]:
    """Which true chromosomes are still there after each step, bool (N,)."""
    assert sample.masks is not None
    truth, network = sample.masks, predictor.network
    look = network.look([predictor.for_network(sample.image)])
    own = torch.tensor(boxes_of(truth), dtype=torch.float32)
    boxes = own * look.batch.factors[0]
    yield "proposal, IoU 0.5", (box_iou(boxes, look.answers[0][0]).amax(dim=1) >= 0.5).numpy()
    everything = replace(network.config, score_min=0.0)
    before = read_boxes(look.answers[0], look.batch.sizes[0], everything, everything.correction)
    fits = box_iou(boxes, before.boxes) >= 0.75
    yield "box before NMS, IoU 0.75", fits.any(dim=1).numpy()
    yield f"the same, class score {_SURE}", (fits & (before.class_scores >= _SURE)).any(dim=1).numpy()
    for way, values in WAYS.items():
        other = changed(predictor, values)
        (detections,) = other.network.decide(look)
        sure = detections.take(torch.nonzero(detections.class_scores >= _LEAST).flatten())
        masks = other.masks_of(sure, sample.image.shape)
        yield f"mask, IoU 0.8, {way}", mask_ious(masks, truth).max(axis=0, initial=0.0) >= 0.8
    grids, _ = network._masks(look.features, [boxes])
    one = torch.ones(len(own))
    masks = predictor.masks_of(Detections(own, one.long(), one, one, None, grids[0]), sample.image.shape)
    yield "mask from the true box, IoU 0.8", mask_ious(masks, truth).diagonal() >= 0.8


if __name__ == "__main__":
    main()
