"""The model card: what a person must know before using a model, written from its `model.json` and its data's cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chromseg.annotations.dataset import DatasetCard
from chromseg.config import AnyModelConfig, DetectorConfig, KaryotypeConfig, ModelConfig
from chromseg.metrics.catalogue import BY_KEY, BY_STAIN, LABELS, SLICED, TEST, figure
from chromseg.models.cascade import CascadeConfig
from chromseg.models.package import ModelCard
from chromseg.registry.card.karyotype import karyotype_sections
from chromseg.registry.card.text import NOT_MEASURED, compose, table
from chromseg.registry.lineage.lineage import NOT_BY_DVC
from chromseg.registry.lineage.overrides import described as overrides_described

_SLICE = "test/slice/"
_NOTHING: tuple[object, ...] = (None, "", [], (), {})
_CITATION = """- X. Cao et al., ChromSeg: Two-Stage Framework for Overlapping Chromosome Segmentation and
  Reconstruction.
- X. Fan et al., UCRD-Net: End-to-End Chromosome Segmentation Based on Uncertainty Correction and Region Decomposition
  (2025).
- ChromSeg-Ops, MIT licence; name the model's version and the hash of its weights, and cite the data above."""
_KNOWN = "On test cases of which no picture, nor a copy of one, trained this model or one that it began as."
_UNKNOWN = (
    "On test cases of the split of that time. Which pictures the model has seen is not on record: a test picture may "
    "be the twin of a training picture."
)


def model_card(
    card: ModelCard,
    datasets: Sequence[DatasetCard],
    intervals: Mapping[str, Sequence[float]],
    parameters: int,
    initial_weights: str,
) -> str:
    """The card as Markdown.

    Args:
        card: Of the model, with metrics (those of slices too, if they are known) and lineage.
        datasets: Cards of all datasets it was trained on.
        intervals: 95 % bootstrap interval by case, by metric key.
        parameters: Number of the network's weights.
        initial_weights: What training started from, in words.
    """
    return compose(card.name, card_sections(card, datasets, intervals, parameters, initial_weights))


def card_sections(
    card: ModelCard,
    datasets: Sequence[DatasetCard],
    intervals: Mapping[str, Sequence[float]],
    parameters: int,
    initial_weights: str,
) -> dict[str, str]:
    """Heading → text, in order; arguments as of `model_card`."""
    sections = {
        "Intended use": f"{_purpose(card)} **For research. Not for diagnosis.** A person looks at every result: flags "
        "name the chromosomes to look at first.",
        "Network": table(
            {
                "architecture": _architecture(card.architecture),
                "parameters": f"{parameters:,}",
                "input": _input(card),
                "stain and polarity of the test images": f"{card.stain}, {card.polarity}",
                "stage 2": ", ".join(f"{key} {value}" for key, value in card.partition.items()) or "defaults",
                "weights": f"safetensors, SHA-256 `{card.weights_sha256}`",
                "initial weights": initial_weights,
            }
        ),
        "Test scores": f"{_KNOWN if card.seen else _UNKNOWN} In brackets 95 % bootstrap intervals by case.\n\n"
        + table({label: _figure(key, card.metrics.get(key), intervals.get(key)) for key, label in LABELS.items()}),
        "Slices": _stains(card) + _slices(card.metrics),
        "Data and its terms": "\n".join(
            f"- **{data.name}** ({data.stain}, {data.polarity}): {data.source}. Licence: {data.licence}. "
            f"Cite: {data.citation}"
            for data in datasets
        )
        + "\n\nNo image of these sets is part of this model's weights or of the project.",
        "Lineage": _lineage(card.lineage),
        "Limits": "- Where three or more meet at one crossing they are flagged `three-at-crossing`: look at each.\n"
        "- Chromosomes that touch side by side without a visible seam may come out as one.\n"
        "- Other stains, microscopes and preparations differ: measure on your own images before you rely on it.",
        "Citation": _CITATION,
    }
    names = isinstance(card.architecture, KaryotypeConfig)
    return sections | karyotype_sections(card, intervals) if names else sections


def _lineage(lineage: Mapping[str, Any]) -> str:
    described = {key: _plain(value) for key, value in lineage.items() if value not in _NOTHING and key != "installed"}
    if listed := lineage.get("installed"):
        described["installed"] = f"{len(listed)} distributions, as listed in `model.json`"
    if changed := lineage.get("overrides"):
        described["overrides"] = "; ".join(f"`{each}`" for each in overrides_described(changed))
    return table(described if lineage.get("dvc_stage") else described | {"dvc_stage": NOT_BY_DVC})


def _stains(card: ModelCard) -> str:
    """A row for each stain that the model is for or was measured on; one without a score says so."""
    prefix = f"{_SLICE}stain/"
    measured = {
        key.removeprefix(prefix).partition("/")[0]
        for key in card.metrics
        if key.startswith(prefix) and key.endswith(BY_STAIN)
    }
    if not measured:
        return ""
    heads = " | ".join(BY_KEY[f"{TEST}{key}"].heading for key in BY_STAIN)
    rows = [f"| whole metaphases of | number | {heads} |", "|---" * (len(BY_STAIN) + 2) + "|"]
    for stain in dict.fromkeys([*card.stain.split(", "), *sorted(measured)]):
        number = card.metrics.get(f"{prefix}{stain}/n_metaphases")
        figures = [figure(f"{TEST}{key}", card.metrics.get(f"{prefix}{stain}/{key}")) for key in BY_STAIN]
        count = f"{number:.0f}" if number else "–"
        rows.append(f"| {' | '.join([stain, count if stain in measured else 'no score', *figures])} |")
    return "\n".join(rows) + "\n\nNobody has measured what it does with any other stain.\n\n"


def _slices(metrics: Mapping[str, float | None]) -> str:
    """A row for each part of the test set."""
    names = sorted({key.removeprefix(_SLICE).rpartition("/")[0] for key in metrics if _counted(key)})
    if not names:
        return f"{NOT_MEASURED}: the model was evaluated before slices were, or without its own test set."
    head = ["| slice | images | crossing IoU | OverlapAcc | overall |", "|---|---|---|---|---|"]
    return "\n".join(head + [f"| {name.replace('/', ' ')} | {_slice_figures(metrics, name)} |" for name in names])


def _counted(key: str) -> bool:
    return key.startswith(_SLICE) and key.endswith("/n_images")


def _slice_figures(metrics: Mapping[str, float | None], name: str) -> str:
    n, *values = (metrics.get(f"{_SLICE}{name}/{key}") for key in ("n_images", *SLICED))
    return " | ".join([f"{n or 0:.0f}", *(figure("", value) for value in values)])


def _input(card: ModelCard) -> str:
    if isinstance(card.architecture, KaryotypeConfig):
        return "chromosomes cut out alone and straightened, at the scale of their own cell"
    width = f"{card.chromosome_width or 0:.0f} px"
    return f"grey, any size, either polarity; chromosomes about {width} wide (others are resized)"


def _purpose(card: ModelCard) -> str:
    if isinstance(card.architecture, DetectorConfig):
        if card.preprocessing.get("instances", {}).get("boxes_only"):
            return (
                "Finds the boxes of the chromosomes of a metaphase. It was trained on boxes alone: every mask it hands "
                "out is the rectangle of a box, flagged `box-only`."
            )
        return "Finds the chromosomes of a metaphase, each as an instance with its mask."
    if isinstance(card.architecture, CascadeConfig):
        names = {role: f"{parent['name']}/{parent['version']}" for role, parent in card.parents.items()}
        experts = [
            f" In a picture that looks like {stain}, {names.pop(stain)} draws the maps."
            for stain in card.architecture.experts
        ]
        return (
            f"Lets {' and '.join(names.values())} look at a metaphase and keeps, where they disagree, what explains "
            f"the pixels better.{''.join(experts)}"
        )
    return (
        "Finds chromosomes and their crossings in a picture of a metaphase; crossing-partition then cuts it into "
        "single chromosomes."
    )


def _architecture(config: AnyModelConfig | CascadeConfig) -> str:
    if isinstance(config, CascadeConfig):
        experts = [f"; for {stain}: {_architecture(expert)}" for stain, expert in config.experts.items()]
        return f"cascade of {_architecture(config.maps)}; and {_architecture(config.detector)}{''.join(experts)}"
    if isinstance(config, ModelConfig):
        return f"{config.architecture}, depth {config.depth}, width {config.width}"
    if isinstance(config, DetectorConfig):
        levels = ", ".join(f"P{level}" for level in config.levels)
        ranked = f"κ {config.damping:g}" if config.ranking == "damped" else f"λ {config.correction:g}"
        modules = [
            f"{config.box_head} box head",
            *([f"{1 + len(config.cascade)} stages of boxes"] if config.cascade else []),
            *([f"uncertainty correction ({ranked})"] if config.uncertainty else []),
            *([f"{config.mask_head} mask head"] if config.mask_head != "plain" else []),
            *(["a layer for the other chromosomes in a box"] if config.mask_others else []),
            *([f"{config.region} regions (s {config.region_scale:g})"] if config.region != "none" else []),
        ]
        return f"{config.architecture} on {config.backbone}, {levels}, {config.anchors} anchors, {', '.join(modules)}"
    if isinstance(config, KaryotypeConfig):
        return f"{config.architecture}, width {config.width}, {config.blocks} blocks a level"
    return f"{config.architecture} on {config.backbone}"


def _figure(key: str, value: float | None, interval: Sequence[float] | None) -> str:
    ends = f" [{', '.join(figure(key, end) for end in interval)}]" if interval and value is not None else ""
    return figure(key, value) + ends


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} `{part}`" for key, part in value.items())
    return f"`{value}`"
