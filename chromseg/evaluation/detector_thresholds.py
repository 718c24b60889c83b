"""What is chosen for detectors alone: what they hand out and what they doubt, on validation samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from chromseg.annotations import Sample
from chromseg.config import DetectorConfig, TrainConfig
from chromseg.evaluation.detections import scores_at
from chromseg.evaluation.judging import as_coarse_as
from chromseg.evaluation.thresholds import SPARED, highest_sparing, least_costly, toil
from chromseg.inference.instance_predictor import InstancePredictor, InstanceSettings
from chromseg.inference.load import predictor_from_folder
from chromseg.models.package import ModelCard, read_card, write_card
from chromseg.models.ucrd_net import Detections

THRESHOLDS: tuple[float, ...] = tuple(np.round(np.arange(0.1, 0.95, 0.05), 2).tolist())
PIXELS = (0.5, 0.4, 0.55, 0.6, 0.65, 0.7)  # of equally good ones the first


def learned_masks(card: ModelCard, config: TrainConfig) -> bool:
    """Whether a trained detector's mask head knows masks: from its training, or of the model it took it over from.

    Args:
        card: As training left it.
        config: What it was trained by.
    """
    assert isinstance(config.model, DetectorConfig)
    seen = card.chromosome_area is not None  # the median area of the masks that training saw
    if seen or config.model.mask_from_boxes:
        return True
    taken_over = config.init and (not config.init_parts or "mask_head" in config.init_parts)
    return bool(taken_over) and not settings_of(read_card(Path(config.init))).boxes_only


def mark_boxes_only(folder: Path) -> None:
    """Let a detector whose mask head knows nothing hand out boxes, and drop duplicates by box; its card says so."""
    card = read_card(folder)
    assert isinstance(card.architecture, DetectorConfig)
    by_box = replace(card.architecture, nms="box") if card.architecture.nms == "mask" else card.architecture
    write_settings(folder, replace(card, architecture=by_box), replace(settings_of(card), boxes_only=True))


def settings_of(card: ModelCard) -> InstanceSettings:
    """What a detector's card says of handing out."""
    return InstanceSettings(**card.preprocessing.get("instances", {}))


def write_settings(folder: Path, card: ModelCard, settings: InstanceSettings) -> None:
    """Write the card of a detector with other settings."""
    write_card(folder, replace(card, preprocessing={**card.preprocessing, "instances": asdict(settings)}))


def choose_settings(folder: Path, samples: Iterable[Sample], device: str = "cpu") -> InstanceSettings:
    """Set what a detector hands out, by validation samples, in its card.

    The class score and the probability of a mask's pixel from which on a person has the least to mend of what would
    then be handed out (`toil`). Doubted is from there on what spares most matches, of IoU ≥ 0.8, of every dataset
    (`SPARED`).

    Args:
        folder: The model; its card is written anew.
        samples: Validation samples; with none, or if nothing matches at any threshold, the card stays as it is.
        device: Where the network runs, in PyTorch's words.

    Returns:
        What the card then says.
    """
    predictor = predictor_from_folder(folder, device=device)
    assert isinstance(predictor, InstancePredictor)
    own = predictor.settings
    tried = [own] if own.boxes_only else [replace(own, pixel=pixel) for pixel in PIXELS]
    others = [predictor.with_settings(settings) for settings in tried]
    seen = (_looked_at(predictor, sample) for sample in samples)
    judged = [[scores_at(other, *each, THRESHOLDS) for other in others] for each in seen]
    by_pixel = [[each[index] for each in judged] for index in range(len(tried))]
    bests = [least_costly(images, toil) for images in by_pixel]
    settings, images, (best, _) = min(zip(tried, by_pixel, bests, strict=True), key=lambda each: each[2][1])
    if not any(score.recovered.any() for image in images for score in image):
        return own
    doubtful = THRESHOLDS[highest_sparing(images, best, SPARED)]
    chosen = replace(settings, score=THRESHOLDS[best], doubtful=doubtful)
    write_settings(folder, predictor.card, chosen)
    return chosen


def _looked_at(predictor: InstancePredictor, sample: Sample) -> tuple[Detections, Sample]:
    """What the detector sees in a sample, of boxes alone at the first look, and the sample as large as it then was."""
    detections = predictor.infer(sample.image)
    if sample.masks is None:
        return detections, sample
    picture, detections, closer = predictor.second_look(sample.image, detections)
    return detections, as_coarse_as(picture.shape, sample, closer)
