"""What is known of the model in use: facts as JSON, the model card as Markdown or as a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chromseg.pages import page
from chromseg.serving.models import Loaded

CARD_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
_STAIN = "test/slice/stain/"
_MARKDOWN, _HTML = "MODEL_CARD.md", "MODEL_CARD.html"


def model_facts(loaded: Loaded, uri: str, choice: str = "") -> dict[str, Any]:
    """Name, version, lineage and metrics of a model; `choice` is what clients call it."""
    card, identity = loaded.predictor.card, loaded.predictor.identity
    return {
        "name": identity.name,
        "version": identity.version,
        "choice": choice,
        "uri": uri,
        "loaded_at": loaded.at,
        "weights_sha256": identity.weights_sha256,
        "lineage_id": loaded.lineage_id,
        "lineage": card.lineage,
        "metrics": card.metrics,
        "architecture": asdict(card.architecture),
        "measured": measured_stains(card.metrics),
        "stain": card.stain,
        "polarity": card.polarity,
        "chromosome_area": card.chromosome_area,
        "chromosome_width": card.chromosome_width,
    }


def measured_stains(metrics: Mapping[str, float | None]) -> dict[str, dict[str, float | None]]:
    """The stains that a model was tested on: how many metaphases or cut-outs, and the share of chromosomes cut right.

    None stands for what a card does not say; older ones have scores of cut-outs alone.
    """
    stains = {key.split("/")[3] for key, value in metrics.items() if key.startswith(_STAIN) and value is not None}
    wanted = {"metaphases": "n_metaphases", "cut_outs": "n_images", "recovered": "recovered_80"}
    return {
        stain: {name: metrics.get(f"{_STAIN}{stain}/{key}") for name, key in wanted.items()} for stain in sorted(stains)
    }


def card_markdown(loaded: Loaded, uri: str) -> str:
    """The card that was registered with the model, or its facts as a list where it came without one."""
    written = _file(loaded, _MARKDOWN)
    if written is not None:
        return written
    facts = model_facts(loaded, uri)
    lines = [f"- {key}: {value}" for key, value in facts.items() if not isinstance(value, dict)]
    lines += [f"- {key}: {value}" for key, value in facts["metrics"].items() if key.startswith("test/")]
    return "\n".join([f"# Model {facts['name']}", "", "This model came without a model card.", "", *lines]) + "\n"


def card_html(loaded: Loaded, uri: str) -> str:
    """The same as a page of its own, without scripts and outside assets."""
    written = _file(loaded, _HTML)
    if written is not None:
        return written
    return page("plain", title=f"Model card of {loaded.predictor.identity.name}", text=card_markdown(loaded, uri))


def _file(loaded: Loaded, name: str) -> str | None:
    path = None if loaded.folder is None else loaded.folder / name
    return path.read_text(encoding="utf-8") if path is not None and path.is_file() else None
