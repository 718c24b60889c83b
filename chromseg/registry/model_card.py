"""The model card: what a person must know before using a model, written from its `model.json` and its data's cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chromseg.annotations.dataset import DatasetCard
from chromseg.models.package import ModelCard

_SHOWN = {
    "test/iou_crossing": "crossing IoU, cut-outs",
    "test/iou_chromosome": "chromosome IoU, cut-outs",
    "test/overlap_acc": "OverlapAcc, cut-outs",
    "test/sp_acc": "SPAcc at IoU 0.8, cut-outs",
    "test/overall_acc": "overall accuracy, cut-outs",
    "test/sp_acc_true_maps": "SPAcc of stage 2 from true maps",
    "test/mask_ap50": "mask AP50, whole metaphases",
    "test/recovered_80": "chromosomes found at IoU ≥ 0.8, whole metaphases",
    "test/count_mae": "count error per metaphase",
    "perf/infer_ms_per_image": "milliseconds of stage 1 per 256×256",
}


def model_card(
    card: ModelCard,
    datasets: Sequence[DatasetCard],
    intervals: Mapping[str, Sequence[float]],
    parameters: int,
    initial_weights: str,
) -> str:
    """The card as Markdown.

    Args:
        card: Of the model, with metrics and lineage.
        datasets: Cards of all datasets it was trained on.
        intervals: 95 % bootstrap interval by case, by metric key.
        parameters: Number of the network's weights.
        initial_weights: What training started from, in words.
    """
    lineage = card.lineage
    architecture = card.architecture
    sections = [
        f"# Model card: {card.name}",
        "Finds chromosomes and their crossings in a picture of a metaphase; crossing-partition then cuts it into "
        "single chromosomes. **For research. Not for diagnosis.**",
        "## Network",
        _table(
            {
                "architecture": f"{architecture.architecture}, depth {architecture.depth}, width {architecture.width}",
                "parameters": f"{parameters:,}",
                "input": "grey, any size, either polarity; chromosomes about "
                f"{card.chromosome_width or 0:.0f} px wide (others are resized)",
                "stain and polarity of the test images": f"{card.stain}, {card.polarity}",
                "stage 2": ", ".join(f"{key} {value}" for key, value in card.partition.items()) or "defaults",
                "weights": f"safetensors, SHA-256 `{card.weights_sha256}`",
                "initial weights": initial_weights,
            }
        ),
        "## Test scores",
        "On test cases that trained nothing and chose nothing; in brackets 95 % bootstrap intervals by case.",
        _table({label: _figure(card.metrics.get(key), intervals.get(key)) for key, label in _SHOWN.items()}),
        "## Data and its terms",
        "\n".join(
            f"- **{data.name}** ({data.stain}, {data.polarity}): {data.source}. Licence: {data.licence}. "
            f"Cite: {data.citation}"
            for data in datasets
        ),
        "No image of these sets is part of this model's folder or of the project.",
        "## Lineage",
        _table({key: _plain(value) for key, value in lineage.items() if value not in (None, "", [], ())}),
        "## Limits",
        "- At most two chromosomes per crossing; where three meet, the result is flagged `needs-review`.\n"
        "- Chromosomes that touch side by side without a visible seam may come out as one.\n"
        "- Other stains, microscopes and preparations differ: measure on your own images before you rely on it.",
    ]
    return "\n\n".join(sections) + "\n"


def _table(rows: Mapping[str, str]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def _figure(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} `{part}`" for key, part in value.items())
    return f"`{value}`"
