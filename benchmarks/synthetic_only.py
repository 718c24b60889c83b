"""Is the synthesis more than a toy? Train on drawn images alone, judge on the crossing clusters of real ones.

    python -m benchmarks.synthetic_only            # needs data/bioimlab; about 10 minutes on two cores

No real image takes part in training or in choosing the epoch: drawn cases of their own do that. The real images are
the validation cut-outs of `bioimlab`, so the figure says nothing about test cases and may be used to tune drawing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from chromseg.annotations import Dataset, Sample, read_dataset
from chromseg.annotations.preparation import samples_of_image
from chromseg.config import AugmentConfig, LossConfig, ModelConfig, OptimConfig, TrainConfig
from chromseg.dvc import folder_md5
from chromseg.files import write_json
from chromseg.metrics import bootstrap_by_case, iou, mean_iou, well_detected
from chromseg.models.package import load_model
from chromseg.registry.lineage.gather import git_state, hardware
from chromseg.synthesis import synthesize_dataset
from chromseg.training.loop import fit

CONFIG = TrainConfig(
    model=ModelConfig("region-guided-unetpp", depth=3, width=8),
    loss=LossConfig(lam=0.7, alpha=0.5, gamma=0.0, overlap=1.0),
    augment=AugmentConfig(rotation=180, flip=True, scale=0.25, intensity=0.7),
    optim=OptimConfig(
        optimizer="adamw",
        lr=8e-3,
        weight_decay=1e-4,
        schedule="cosine",
        warmup_steps=30,
        epochs=12,
        steps_per_epoch=60,
        batch_size=8,
        patience=0,
        ema=0.98,
    ),
    crop=96,
)

draw = partial(synthesize_dataset, name="drawn", size=(576, 768), polarity="light-on-dark", crossings=4.0, touching=2.0)


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    config = replace(CONFIG, optim=replace(CONFIG.optim, epochs=arguments.epochs))
    real = read_dataset(arguments.real)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        drawn = draw(Path(scratch), count=arguments.images, seed=arguments.seed)
        cutouts = list(_cutouts(drawn))
        train = [sample for sample in cutouts if sample.split != "test"]
        chosen_by = [sample for sample in cutouts if sample.split == "test"]
        print(f"{len(train)} drawn cut-outs to train on, {len(chosen_by)} to choose the epoch by", file=sys.stderr)
        drawn_md5 = folder_md5(drawn.root)
        model = fit(config, train, chosen_by, Path(scratch) / "model", seed=arguments.seed)
        minutes = (time.perf_counter() - started) / 60
        scores = _scores(model.folder, list(_cutouts(real, "val")))
    commit, dirty = git_state()
    report = {
        "what": "trained on synthetic images only, judged on the val cut-outs of bioimlab",
        **scores,
        "synthetic/iou_crossing": model.metrics.get("val/iou_crossing"),
        "minutes": round(minutes, 1),
        "images": arguments.images,
        "cutouts": len(train),
        "seed": arguments.seed,
        "config": asdict(config),
        "data_md5": {"bioimlab": folder_md5(real.root), "drawn": drawn_md5},
        "git_commit": commit,
        "git_dirty": dirty,
        "hardware": f"{hardware()}, {arguments.threads} threads",
    }
    write_json(arguments.out, report)
    print(f"crossing IoU on real val cut-outs {scores['iou_crossing']:.3f}; see {arguments.out}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("data/bioimlab"), help="real dataset to judge on")
    parser.add_argument("--images", type=int, default=160, help="metaphases to draw")
    parser.add_argument("--seed", type=int, default=1, help="of drawing and training")
    parser.add_argument("--epochs", type=int, default=CONFIG.optim.epochs, help="of 60 steps of 8 crops")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--out", type=Path, default=Path("reports/synthetic_only.json"))
    return parser.parse_args()


def _cutouts(dataset: Dataset, split: str | None = None) -> Iterator[Sample]:
    for image in dataset.images:
        if split in (None, image.split):
            yield from (sample for sample in samples_of_image(dataset, image, 256) if sample.kind == "cutout")


@torch.inference_mode()
def _scores(folder: Path, samples: list[Sample]) -> dict[str, object]:
    """Map scores as in contract §5, crossing IoU with a 95 % bootstrap interval over cases."""
    network, _ = load_model(folder)
    crossing, chromosome, detected = [], [], []
    for sample in samples:
        maps = network.eval()(torch.from_numpy(sample.image)[None, None])
        pred_crossing, pred_chromosome = ((one[0, 0] > 0).numpy() for one in (maps.crossing, maps.chromosome))
        crossing.append(iou(pred_crossing, sample.crossing))
        chromosome.append(iou(pred_chromosome, sample.chromosome))
        detected.append(well_detected(pred_crossing, sample.crossing))
    interval = bootstrap_by_case(crossing, [sample.case_id for sample in samples], lambda drawn: mean_iou(drawn)[0])
    return {
        "iou_crossing": mean_iou(crossing)[0],
        "iou_crossing_interval": interval and list(interval),
        "iou_chromosome": mean_iou(chromosome)[0],
        "overlap_acc": float(np.mean(detected)),
        "n_images": len(samples),
        "n_left_out": mean_iou(crossing)[1],
    }


if __name__ == "__main__":
    main()
