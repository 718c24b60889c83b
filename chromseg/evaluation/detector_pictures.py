"""What only detectors have: crossings in whole metaphases (UCRD-Net Fig. 6), regions (Fig. 7) and anchors (Fig. 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image

from chromseg.annotations import Sample
from chromseg.arrays import F32, U8
from chromseg.config import DetectorConfig
from chromseg.evaluation.anchors import draw_anchors
from chromseg.evaluation.figures import Shown, compare_variants, region_figure
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.predictor import Predictor
from chromseg.models.package import read_card


def draw_detectors(
    root: Path,
    trained: Mapping[str, Path],
    wanted: Sequence[str],
    metaphases: Callable[[str], Iterable[Sample]],
    boxes: Callable[[str], F32],
    device: str,
) -> None:
    """Draw what only detectors have; nothing where no variant is one.

    Where no chromosomes cross, or the test images have boxes alone, Figs. 6 and 7 have nothing to show.

    Args:
        root: Folder to write into.
        trained: Variant → model folder.
        wanted: The variants that Figs. 6 and 7 are to show; if none of them is a detector, the first and the last are
            shown that is. The last one shown decides which samples are drawn.
        metaphases: Variant → its test metaphases, read one after another.
        boxes: Variant → the boxes float32 (N, 4) that it trains on, at the size at which it sees them.
        device: Where networks run, in PyTorch's words.
    """
    models = {variant: read_card(folder).architecture for variant, folder in trained.items()}
    detectors = {variant: model for variant, model in models.items() if isinstance(model, DetectorConfig)}
    if not detectors:
        return
    names = list(detectors)
    shown = [name for name in wanted if name in detectors] or [names[0], names[-1]]
    predictors = {name: predictor_from_folder(trained[name], device=device) for name in dict.fromkeys(shown)}
    last = shown[-1]
    crossing = next((each for each in metaphases(last) if each.masks is not None and each.crossing.any()), None)
    if crossing is not None:
        _write(root / "gallery-metaphases.png", compare_variants(_seen_by(predictors, metaphases(last))))
        predictor = predictors[last]
        if isinstance(predictor, InstancePredictor) and predictor.network.config.region != "none":
            _write(root / "gallery-regions.png", region_figure(predictor, crossing))
    seen = boxes(last)
    if len(seen):
        draw_anchors(root / "anchors.png", seen, detectors)


def _seen_by(predictors: Mapping[str, Predictor], metaphases: Iterable[Sample]) -> Iterator[Shown]:
    """Each metaphase that has instances, with what each predictor finds in it."""
    for sample in metaphases:
        if sample.masks is not None:
            yield Shown(sample, {name: each.find(sample.image).masks for name, each in predictors.items()})


def _write(path: Path, picture: U8) -> None:
    """Write uint8 (H, W, 3) as PNG."""
    Image.fromarray(picture).save(path)
